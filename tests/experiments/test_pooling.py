"""The experiment end to end on a tiny set, and its sentences."""

import dataclasses
import html
import json
import sys

import optax
import pytest

from experiments import pooling
from experiments.harness.command import run

REQUIRED = {
    "model",
    "options",
    "params",
    "macs",
    "seed",
    "train_examples",
    "test_examples",
    "data_source",
    "test_accuracy",
    "test_loss",
    "seconds",
}


@pytest.fixture(scope="module")
def trained(tiny_sets, tmp_path_factory):
    """One epoch of two variants of a net that isn't matched, with two seeds: the folder and the rows."""
    out = tmp_path_factory.mktemp("out")
    config = pooling.Config(
        epochs=1, seeds=2, batch_size=16, data_dir=tiny_sets, out=out, models=("simple_cnn",), pools=("max", "none")
    )
    return out, pooling.main(config)


def test_rows_hold_what_was_asked(trained):
    out, _ = trained
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert set(result) == {"experiment", "complete", "config", "environment", "rows", "study"}
    assert result["study"] == []
    assert result["experiment"] == "pooling"
    assert result["complete"] is True
    assert [(row["options"]["pool"], row["seed"]) for row in result["rows"]] == [
        ("max", 0),
        ("max", 1),
        ("none", 0),
        ("none", 1),
    ]
    for row in result["rows"]:
        assert row.keys() >= REQUIRED
        assert row["params"] == {"max": 197_210, "none": 785_210}[row["options"]["pool"]]
        assert (row["train_examples"], row["test_examples"], row["data_source"]) == (40, 20, "full")
        assert 0 <= row["test_accuracy"] <= 1
        assert row["test_accuracy"] == row["history"]["val_accuracy"][-1]
        assert row["seconds"] > 0
    assert result["environment"]["jax"]


def test_report_is_whole_and_self_contained(trained):
    out, _ = trained
    page = html.unescape((out / "report.html").read_text("utf-8"))
    assert "785,210" in page
    assert "784,100 (100%) sit in dense1, the first dense layer" in page
    assert "simple_cnn does worse without pooling: " in page
    assert "http://" not in page
    assert "https://" not in page
    pngs = {path.name for path in out.glob("*.png")}
    assert pngs == {"parameters.png", "accuracy_against_parameters.png", "loss.png", "accuracy.png", "images.png"}
    assert {path.name for path in out.iterdir()} == pngs | {"result.json", "report.html"}


def test_no_epochs_counts_and_draws(tiny_sets, tmp_path, capsys):
    rows = pooling.main(pooling.Config(epochs=0, data_dir=tiny_sets, out=tmp_path, models=("convnet",)))
    assert {row["options"]["pool"]: row["params"] for row in rows} == {
        "max": 104_202,
        "avg": 104_202,
        "min": 104_202,
        "stride": 113_162,
        "none": 712_202,
    }
    assert {row["options"]["pool"]: row["macs"] for row in rows}["none"] == 26**2 * 9 * 32 + 24**2 * 288 * 64 + (
        22**2 * 576 * 128 + 61_952 * 10
    )
    assert all(row["test_accuracy"] is None for row in rows)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["images.png", "parameters.png"]
    printed = capsys.readouterr().out
    assert "712,202 parameters, of which 619,530 (87%) sit in dense, the last dense layer" in " ".join(printed.split())


@pytest.mark.slow
def test_no_epochs_shows_what_was_matched(tiny_sets, tmp_path, capsys):
    config = pooling.Config(epochs=0, data_dir=tiny_sets, out=tmp_path, models=("swish_cnn",), pools=("none", "max"))
    rows = pooling.main(config)
    assert [(row["options"]["pool"], row["seed"]) for row in rows] == [
        (pool, seed) for pool in ("none", "max") for seed in (0, 1)
    ]
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert (result["complete"], {row["seed"] for row in result["study"]}) == (True, set(range(4)))
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("203,095", "+0.01%", "429,576", "+0.92%", "+1 px"))


@pytest.mark.slow
def test_matched_nets_are_trained_shifted_and_judged(tiny_sets, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("experiments.harness.pooling_runs.STUDY_SEEDS", 3)
    config = pooling.Config(
        epochs=1, batch_size=16, data_dir=tiny_sets, out=tmp_path, models=("swish_cnn",), pools=("max", "none")
    )
    rows = pooling.main(config)
    assert [(row["options"]["pool"], row["seed"]) for row in rows] == [
        (pool, seed) for pool in ("max", "none") for seed in (0, 1)
    ]
    assert not any("agreement" in row for row in rows)
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert result["rows"] == json.loads(json.dumps(rows))
    study = {(row["label"], row["seed"]): row for row in result["study"]}
    assert (result["complete"], len(study)) == (True, 7 * 3)
    assert study["max pooling", 1]["test_accuracy"] == rows[1]["test_accuracy"]
    assert all(len(row["shift_accuracy"]) == 5 and row["shift_agreement"][0] == 1 for row in study.values())
    assert [test["pairs"] for test in result["tests"]] == [3] * 18  # six comparisons, three measures
    printed = " ".join(capsys.readouterr().out.split())
    assert "Pooling reduces overfitting: " in printed
    assert "Max pooling makes the net invariant to a shift of 1 pixel" in printed
    page = html.unescape((tmp_path / "report.html").read_text("utf-8"))
    assert "Max and blur pooling against max pooling: steadier: " in page
    assert {"shifts.png", "differences.png"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "-1"], "--epochs must be an integer of at least 0, got -1"),
        (["--batch-size", "0"], "--batch-size must be an integer of at least 1, got 0"),
        (["--seeds", "0"], "--seeds must be an integer of at least 1, got 0"),
        (["--dataset", "mnits"], "mnits"),
        (["--models", "lenet5", "lenet5"], "--models must be one or more values, each of them once; got lenet5 lenet5"),
        (["--data-dir", "nowhere"], "nowhere"),
        (["--out", "/dev/null/out"], "--out must be a folder that can be written to; got /dev/null/out"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        run(pooling.main, pooling.Config, arguments=arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_a_stop_keeps_the_finished_variants(tiny_sets, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["pooling"])
    runs = sys.modules["experiments.harness.pooling_runs"]
    real, calls = runs.train_and_test, []

    def second_variant_is_stopped(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **kwargs | {"epochs": 0})  # what it would find is not at stake

    monkeypatch.setattr(runs, "train_and_test", second_variant_is_stopped)
    arguments = ["--epochs", "1", "--data-dir", str(tiny_sets), "--out", str(tmp_path), "--models", "simple_cnn"]
    with pytest.raises(SystemExit) as stop:
        run(pooling.main, pooling.Config, arguments=arguments)
    assert stop.value.code == 130
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert ([row["seed"] for row in result["rows"]], result["complete"]) == ([0, 1], False)


@pytest.mark.slow
def test_a_diverged_run_is_said_and_the_others_go_on(tiny_sets, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("optax.rmsprop", lambda *args, **kwargs: optax.sgd(1e30))
    rows = pooling.main(
        pooling.Config(
            epochs=1, seeds=1, batch_size=8, data_dir=tiny_sets, out=tmp_path, models=("swish_cnn",), pools=("max",)
        )
    )
    assert rows[0]["error"]
    assert rows[0]["test_accuracy"] is None
    assert "(1 diverged)" in capsys.readouterr().out


def test_defaults_are_the_documented_ones():
    config = pooling.Config()
    assert (config.dataset, config.batch_size, config.seeds, str(config.out)) == ("mnist", 64, 2, "runs/pooling")
    assert dataclasses.replace(config, epochs=0).epochs == 0
