import io

import pytest
from rich.console import Console

from jaxcnn.training import progress

ROW = {"loss": 0.5, "accuracy": 0.875, "val_loss": 0.75, "val_accuracy": 0.5, "seconds": 2.0}


def test_a_line_an_epoch_when_stderr_is_no_terminal(capsys):
    with progress.reporter(True, epochs=3, examples=4000) as report:
        report.advance(0, ROW, 100, 0.1)
        report.finish_epoch(0, ROW)
    out, err = capsys.readouterr()
    assert out == ""
    assert (
        err == "epoch 1/3: loss 0.5000, accuracy 0.8750, val_loss 0.7500, val_accuracy 0.5000, 2.00 s, 2,000 images/s\n"
    )


def test_nothing_when_turned_off(capsys):
    with progress.reporter(False, epochs=3, examples=4000) as report:
        report.advance(0, ROW, 100, 0.1)
        report.finish_epoch(0, ROW)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(TypeError, match="progress must be True or False, got 'no'"), progress.reporter("no", 1, 1):
        pass


def test_a_bar_with_loss_accuracy_speed_and_time_left_on_a_terminal(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda stderr: Console(file=screen, force_terminal=True, width=150))
    with progress.reporter(True, epochs=3, examples=4000) as report:
        assert isinstance(report, progress.Bar)
        report.advance(1, ROW, 1000, 0.5)
        report.progress.refresh()
        assert report.progress.tasks[0].completed == 5000
        report.finish_epoch(1, ROW)
    text = screen.getvalue()
    for part in ("epoch 2/3", "loss 0.5000", "accuracy 0.8750", "2,000 images/s", "-:--:--", "val_loss 0.7500"):
        assert part in text


def test_the_terminal_is_released_after_an_error(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda stderr: Console(file=screen, force_terminal=True, width=150))
    with pytest.raises(KeyboardInterrupt), progress.reporter(True, epochs=1, examples=10) as report:
        raise KeyboardInterrupt
    assert report.progress.finished is False
    assert not report.progress.live.is_started


def test_a_bar_for_each_run_on_one_terminal(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda stderr: Console(file=screen, force_terminal=True, width=150))
    with progress.reporters(True, 3, 4000, ("seed 4, ", "seed 5, ")) as (first, second):
        second.advance(1, ROW, 1000, 0.5)
        assert isinstance(first, progress.Bar)
        assert [task.description for task in first.progress.tasks] == ["seed 4, compiling", "seed 5, epoch 2/3"]
        second.finish_epoch(1, ROW)
    assert "seed 5, epoch 2/3: loss 0.5000" in screen.getvalue()
