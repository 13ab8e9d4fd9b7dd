"""One run from the command line: what it writes, what it refuses, and how it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.train import Config, main, resume_command
from jaxcnn import training


@pytest.fixture
def config(tiny_sets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # as in most shells, OUT is told from there
    return Config("mlp", data_dir=tiny_sets, epochs=2, batch_size=16, save_every=2, out=Path("a", "out"))


def lines(out):
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_what_a_run_writes_and_refuses(config, capsys):
    row, out = main(config), config.out
    result = json.loads((out / "result.json").read_text())
    assert result["rows"] == [json.loads(json.dumps(row))]
    assert result["complete"]
    assert set(row) >= {"model", "options", "params", "macs", "seed", "train_examples", "test_examples", "data_source"}
    assert (row["params"], row["train_examples"], row["test_examples"], row["data_source"]) == (66_790, 40, 20, "full")
    assert 0 <= row["test_accuracy"] <= 1
    assert [(line["epoch"], line["step"]) for line in lines(out)] == [(1, 3), (2, 6)]
    assert training.read_metadata(out / "params.safetensors")["model"] == "mlp"
    there = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    with pytest.raises(ValueError, match=r"holds a run already .*; go on with --resume, or name another folder"):
        main(config)
    capsys.readouterr()
    assert main(replace(config, resume=True, save_every=7)) == json.loads(json.dumps(row))
    assert "holds the finished run" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == there

    with pytest.raises(ValueError, match=r"another model \(MLP\).*conv1.* was not given and is float32"):
        main(replace(config, resume=True, model="lenet5"))
    with pytest.raises(ValueError, match=r"learning_rate was 0\.001 and is 0\.1"):
        main(replace(config, resume=True, learning_rate=0.1))


@pytest.mark.slow
def test_a_streamed_run_goes_on_too(config, capsys):
    row = main(replace(config, stream=True, epochs=1))
    assert "Full mnist: 40 training images, read as training goes, and 20 test images." in capsys.readouterr().err
    assert (row["train_examples"], row["test_examples"], row["data_source"]) == (40, 20, "full")
    assert round(row["train_accuracy"] * 40, 4).is_integer()
    row = main(replace(config, stream=True, resume=True))
    assert "going on from step 3, in epoch 2 of 2" in capsys.readouterr().err
    assert [(line["epoch"], line["step"]) for line in lines(config.out)] == [(1, 3), (2, 6)]
    assert len(row["history"]["loss"]) == 2


@pytest.mark.slow
def test_more_epochs_go_on_and_equal_a_whole_run(config, tmp_path):
    whole = main(replace(config, epochs=3, out=tmp_path / "whole"))
    main(config)
    with (config.out / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "st')  # torn by a kill
    row = main(replace(config, epochs=3, resume=True))
    assert row["test_loss"] == whole["test_loss"]
    assert lines(config.out) == lines(tmp_path / "whole")
    files = [(folder / "params.safetensors").read_bytes() for folder in (config.out, tmp_path / "whole")]
    assert files[0] == files[1]


def test_a_set_without_room_to_train_on_it_points_to_streams(config, monkeypatch):
    monkeypatch.setattr("experiments.harness.streamed.free_memory", lambda: 40 * 28 * 28 - 1)
    with pytest.raises(ValueError, match=r"^mnist must fit into memory twice to be trained on, got .*; --stream reads"):
        main(config)


def test_a_broken_loss_exits_with_its_step(config, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(replace(config, optimizer="sgd", learning_rate=1e38))
    assert stopped.value.code == 1
    assert "(step " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"), [("epochs", -1), ("batch_size", 0), ("save_every", 0), ("learning_rate", float("inf"))]
)
def test_numbers_that_cannot_be_meant(config, name, value):
    with pytest.raises(ValueError, match=f"--{name.replace('_', '-')} must be"):
        main(replace(config, **{name: value}))
    assert not config.out.exists()


def test_what_the_model_does_not_take_is_told_in_options(config):
    with pytest.raises(ValueError, match="--dropout is an option of fashion_cnn, simple_cnn, got --model mlp; leave"):
        main(replace(config, dropout=0.5))
    (config.out.parent).write_text("a file")
    with pytest.raises(ValueError, match="--out must be a folder that can be written to; got a/out"):
        main(config)


def test_the_command_that_goes_on(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "--out", "a b", "--resume", "--seed", "3"])
    assert resume_command() == "python -m experiments.train --out 'a b' --seed 3 --resume"


def whole_lines(out):
    path = out / "metrics.jsonl"
    return [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")] if path.exists() else []


@pytest.mark.slow
def test_signals_and_kills_of_the_command(tiny_sets, tmp_path):
    told = tmp_path / "told"

    def start(out, *more, stderr=told):
        options = ["--model", "lenet5", "--data-dir", str(tiny_sets), "--batch-size", "8", "--epochs", "800"]
        command = [sys.executable, "-m", "experiments.train", *options, "--save-every", "50", "--out", str(out), *more]
        with stderr.open("w") as file:
            environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file, env=environment)

    whole, out = tmp_path / "whole", tmp_path / "out"
    assert start(whole).wait() == 0
    for count, number, code in ((20, signal.SIGTERM, 143), (60, signal.SIGINT, 130), (100, signal.SIGKILL, -9)):
        process = start(out, "--resume")
        while process.poll() is None and len(whole_lines(out)) < count:
            time.sleep(0.01)
        process.send_signal(number)
        assert process.wait() == code, told.read_text()
        assert number == signal.SIGKILL or f"--out {out} --resume" in told.read_text()
    process = start(out, "--resume")
    while (out / "checkpoints" / ".lock").exists() and "going on from step" not in told.read_text():
        time.sleep(0.01)
    refused = tmp_path / "refused"
    assert start(out, "--resume", stderr=refused).wait() == 2
    assert "another run uses the folder" in refused.read_text()
    assert process.wait() == 0
    assert lines(out) == lines(whole)
    assert (out / "params.safetensors").read_bytes() == (whole / "params.safetensors").read_bytes()
