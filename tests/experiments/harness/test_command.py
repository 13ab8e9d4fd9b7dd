"""What `run` does around an experiment's main."""

import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from experiments.harness.command import described, run


@dataclass(frozen=True)
class Config:
    """A test."""

    epochs: int = 1


def test_programs_are_kept_before_anything_compiles(monkeypatch):
    done = []
    monkeypatch.setattr("experiments.harness.command.keep_programs", lambda: done.append("kept"))
    run(lambda config: done.append(config.epochs), Config, arguments=["--epochs", "3"])
    assert done == ["kept", 3]


def test_help_tells_the_command_as_it_is_typed(monkeypatch, capsys):
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", SimpleNamespace(name="experiments.lenet"))
    for arguments, told in (["--help"], "out"), (["--epoch", "3"], "err"):
        with pytest.raises(SystemExit):
            run(print, Config, arguments=arguments)
        assert "python -m experiments.lenet" in getattr(capsys.readouterr(), told)


def test_paragraphs_are_lines_and_commands_stay_lines():
    text = "One.\n\nTwo\n`--quick` and\n(three):\n`run --it`\n\n    a  b\n    c  d\n\nEnd\n`go`.\n"
    assert described(text) == "One.\n\nTwo `--quick` and (three):\n`run --it`\n    a  b\n    c  d\n\nEnd\n`go`."
