"""The experiment end to end on a tiny set, and its sentences."""

import dataclasses
import html
import json
import sys

import optax
import pytest

from experiments import pooling
from experiments.harness.command import run
from experiments.harness.statistics import Estimate

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
    """One epoch of two variants with two seeds: the folder and the rows."""
    out = tmp_path_factory.mktemp("out")
    config = pooling.Config(
        epochs=1, seeds=2, batch_size=16, data_dir=tiny_sets, out=out, models=("swish_cnn",), pools=("max", "none")
    )
    return out, pooling.main(config)


def test_rows_hold_what_was_asked(trained):
    out, _ = trained
    result = json.loads((out / "result.json").read_text("utf-8"))
    assert set(result) == {"experiment", "complete", "config", "environment", "rows"}
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
        assert row["params"] == {"max": 9_532, "none": 203_068}[row["options"]["pool"]]
        assert (row["train_examples"], row["test_examples"], row["data_source"]) == (40, 20, "full")
        assert 0 <= row["test_accuracy"] <= 1
        assert row["test_accuracy"] == row["history"]["val_accuracy"][-1]
        assert row["seconds"] > 0
    assert result["environment"]["jax"]


def test_report_is_whole_and_self_contained(trained):
    out, _ = trained
    page = html.unescape((out / "report.html").read_text("utf-8"))
    assert "203,068" in page
    assert "201,684 (99%) sit in dense1, the first dense layer" in page
    assert "swish_cnn: test accuracy" in page
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "-1"], "--epochs must be an integer of at least 0, got -1"),
        (["--batch-size", "0"], "--batch-size must be an integer of at least 1, got 0"),
        (["--seeds", "0"], "--seeds must be an integer of at least 1, got 0"),
        (["--dataset", "mnits"], "mnits"),
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
    session = sys.modules["experiments.harness.session"]
    real, calls = session.train_and_test, []

    def second_variant_is_stopped(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(session, "train_and_test", second_variant_is_stopped)
    arguments = ["--epochs", "1", "--data-dir", str(tiny_sets), "--out", str(tmp_path), "--models", "swish_cnn"]
    with pytest.raises(SystemExit) as stop:
        run(pooling.main, pooling.Config, arguments=arguments)
    assert stop.value.code == 130
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert ([row["seed"] for row in result["rows"]], result["complete"]) == ([0, 1], False)


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


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        (Estimate(0.98, None), Estimate(0.97, None), "+0.0100 between single runs, which says little"),
        (Estimate(0.98, 0.01), Estimate(0.97, 0.001), "+0.0100 is not established"),
        (Estimate(0.96, 0.001), Estimate(0.97, 0.001), "-0.0100 is established"),
    ],
)
def test_verdict(a, b, says):
    assert says in pooling.verdict(a, b)


def test_defaults_are_the_documented_ones():
    config = pooling.Config()
    assert (config.dataset, config.batch_size, config.seeds, str(config.out)) == ("mnist", 64, 2, "runs/pooling")
    assert dataclasses.replace(config, epochs=0).epochs == 0
