"""Metrics in files: every line once, whatever happened in between."""

import json
import struct
import sys

import numpy as np
import pytest
from flax import nnx

from jaxcnn import training
from jaxcnn.training import JSONLines, TensorBoard


class Copies(training.Callback):
    def __init__(self):
        self.found = []

    def on_chunk_end(self, run):
        self.found.append(run.snapshot())


class From(training.Callback):
    def __init__(self, copy):
        self.copy = copy

    def on_train_begin(self, run):
        run.restore(self.copy.arrays, self.copy.record)


@pytest.fixture
def fit(make_images, softmax, rmsprop):
    def call(*callbacks, epochs=2):
        model, data = softmax(rngs=nnx.Rngs(0)), make_images(20)
        options = {"batch_size": 8, "optimizer": rmsprop, "steps_per_execution": 1, "progress": False}
        return training.fit(model, data, validation=data, epochs=epochs, callbacks=callbacks, **options)

    return call


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def without_times(lines):
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def test_a_line_an_epoch_and_one_every_so_many_steps(fit, tmp_path):
    path = tmp_path / "metrics.jsonl"
    history = fit(JSONLines(path, every=2))
    lines = rows(path)
    assert [(line.get("epoch"), line["step"]) for line in lines] == [(None, 2), (1, 3), (None, 4), (None, 6), (2, 6)]
    assert [line["val_loss"] for line in lines if "epoch" in line] == history.val_loss
    _, _, first, second, epoch = lines  # epoch 2: step 4 on 8 examples, steps 5 and 6 on 8 and 4
    assert (8 * first["loss"] + 12 * second["loss"]) / 20 == pytest.approx(epoch["loss"], rel=1e-5)
    assert (8 * first["accuracy"] + 12 * second["accuracy"]) / 20 == pytest.approx(epoch["accuracy"])


def test_a_resumed_run_leaves_the_file_of_one_never_interrupted(fit, tmp_path):
    path, copies = tmp_path / "metrics.jsonl", Copies()
    fit(JSONLines(path, every=2), copies)
    whole, text = rows(path), path.read_text()
    assert [copy.record.step for copy in copies.found] == [1, 2, 3, 4, 5, 6]
    for copy in copies.found:  # what was written after the copy is dropped, a torn line too
        path.write_text(text + '{"step": 7, "lo')
        fit(JSONLines(path, every=2, append=True), From(copy))
        assert without_times(rows(path)) == without_times(whole)


def test_an_earlier_file_is_kept_and_a_strange_one_named(fit, tmp_path):
    with pytest.raises(IsADirectoryError, match=f"got the folder {tmp_path}; name a file in it"):
        fit(training.JSONLines(tmp_path))
    path = tmp_path / "metrics.jsonl"
    path.write_text("[1]\n")
    with pytest.raises(
        FileExistsError, match=r"metrics\.jsonl holds the metrics of an earlier run; choose another path"
    ):
        fit(JSONLines(path))
    with pytest.raises(ValueError, match=r"line 1 of .*metrics\.jsonl must be a JSON object with a step, got '\[1\]"):
        fit(JSONLines(path, append=True))
    assert path.read_text() == "[1]\n"
    with pytest.raises(FileNotFoundError):
        fit(JSONLines(tmp_path / "absent" / "metrics.jsonl"))


def scalars(folder):
    """The events of TensorBoard's record files: length, checksum, message, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            found += [(event.step, value.tag, value.simple_value) for value in event.summary.value]
            data = data[16 + length :]
    return found


def test_tensorboard_gets_the_same(fit, tmp_path):
    pytest.importorskip("tensorboardX")
    history = fit(TensorBoard(tmp_path / "events", every=2))
    found = scalars(tmp_path / "events")
    assert [step for step, tag, _ in found if tag == "steps/loss"] == [2, 4, 6]
    losses = [(step, value) for step, tag, value in found if tag == "epoch/val_loss"]
    assert [step for step, _ in losses] == [3, 6]
    np.testing.assert_allclose([value for _, value in losses], history.val_loss, rtol=1e-6)


def test_tensorboard_names_what_is_missing(fit, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs the package tensorboardX; run pip install 'jaxcnn\[tensorb"):
        fit(TensorBoard(tmp_path))
