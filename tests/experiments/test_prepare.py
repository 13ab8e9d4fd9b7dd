"""The command: prepares, lists, and says what is wrong in one sentence."""

import io

import pytest
from rich.console import Console
from rich.filesize import decimal

from experiments import prepare
from experiments.harness.command import run
from jaxcnn import data


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("JAXCNN_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tensorflow_datasets"))


def test_prepares_and_lists(tiny_sets, tmp_path, capsys):
    run(prepare.main, prepare.Config, arguments=["mnist", "--data-dir", str(tiny_sets)])
    assert "mnist: " in capsys.readouterr().out
    assert (len(data.load("mnist")), data.load("mnist").source) == (40, "full")
    run(prepare.main, prepare.Config, arguments=["--list"])
    printed = capsys.readouterr().out
    for part in ("prepared", str(tiny_sets / "mnist"), "sample", "kB", "fashion_mnist"):
        assert part in printed
    assert "Not here: cifar10, emnist/balanced" in printed
    assert f"Decoded images that streams keep: {decimal(60 * (8 + 28 * 28 + 4))} in {tmp_path}" in printed


@pytest.mark.parametrize("width", [40, 60, 100])
def test_names_and_sizes_stay_whole_in_narrow_terminals(tiny_sets, width):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(prepare.table(tiny_sets))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    for part in (" fashion_mnist ", " files ", " sample ", " MB "):
        assert part in text


def test_stopped_by_hand(tiny_sets, monkeypatch, capsys):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, "prepare", stopped)
    with pytest.raises(SystemExit) as exit_code:
        run(prepare.main, prepare.Config, arguments=["mnist"])
    assert exit_code.value.code == 130
    assert "nothing half-written is left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["cifar"], "emnist/mnist, fashion_mnist, kmnist, mnist, got 'cifar'."),
        ([], "fashion_mnist, kmnist, mnist, or give --list, got neither."),
        (["mnist", "--data-dir", "/nowhere"], "error: data_dir='/nowhere' must hold mnist"),
    ],
)
def test_wrong_input_is_one_sentence(arguments, sentence, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(prepare.main, prepare.Config, arguments=arguments)
    assert stopped.value.code == 2
    assert sentence in capsys.readouterr().err
