"""What `run` does around an experiment's main."""

from dataclasses import dataclass

from experiments.harness.command import run


@dataclass(frozen=True)
class Config:
    """A test."""

    epochs: int = 1


def test_programs_are_kept_before_anything_compiles(monkeypatch):
    done = []
    monkeypatch.setattr("experiments.harness.command.keep_programs", lambda: done.append("kept"))
    run(lambda config: done.append(config.epochs), Config, arguments=["--epochs", "3"])
    assert done == ["kept", 3]
