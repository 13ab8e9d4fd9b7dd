"""Exported models: the probabilities of `predict`, by JAX alone, for any number of images."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxcnn import models, nn, training

LECTURE_MODELS = [
    ("mlp", {}),
    *((name, {"pool": pool}) for name in ("swish_cnn", "lenet5", "simple_cnn", "fashion_cnn", "convnet")
      for pool in ("max", "none")),
    ("simple_cnn", {"dropout": 0.5, "pool": "avg"}),
    ("convnet", {"pool": "stride"}),
]  # fmt: skip

SERVER = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("jaxcnn", "flax", "optax", "orbax", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Missing())
import jax, jax.export
import numpy as np
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        served = jax.export.deserialize(file.read())
    np.save(f"{name}.npy", jax.jit(served.call)(np.load(f"{name}.images.npy")))
try:
    import jaxcnn
except ModuleNotFoundError:
    print("served without jaxcnn")
"""


class Wide(nnx.Module):
    """Layers whose forms differ by backend, BatchNorm and Dropout, for images of any size."""

    def __init__(self, channels, *, rngs):
        self.conv = nn.Conv(channels, 24, 3, strides=2, padding="SAME", rngs=rngs)
        self.norm = nnx.BatchNorm(24, rngs=rngs)
        self.depthwise = nn.DepthwiseConv(24, 3, padding="SAME", rngs=rngs)
        self.pool, self.flat = nn.MaxPool(3, strides=2, padding="SAME"), nn.GlobalAvgPool()
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.dense = nnx.Linear(24, 5, rngs=rngs)

    def __call__(self, x):
        x = self.pool(nnx.relu(self.depthwise(self.norm(self.conv(x)))))
        return self.dense(self.dropout(self.flat(x)))


def served(path):
    return jax.export.deserialize(path.read_bytes())


def images_of(n, *shape, dtype=np.uint8, seed=0):
    images = np.random.default_rng(seed).integers(0, 256, (n, *shape))
    return images.astype(dtype) if dtype == np.uint8 else (images / 255).astype(dtype)


@pytest.fixture
def trained(make_images, stateful, sgd):
    """A model whose running statistics differ from those of any batch."""
    model = stateful(rngs=nnx.Rngs(0))
    training.fit(model, make_images(16), epochs=1, batch_size=8, optimizer=sgd, progress=False)
    return model


def test_it_gives_the_probabilities_of_predict_for_any_batch(trained, tmp_path):
    path = training.export(trained, tmp_path / "m.jaxexport", input_shape=(8, 8, 1))
    program = served(path)
    assert program.platforms == ("cpu", "cuda", "tpu")
    for n in (1, 5):
        images = images_of(n, 8, 8, 1)
        np.testing.assert_allclose(program.call(images), training.predict(trained, images), atol=1e-6)
    with pytest.raises(ValueError, match="28"):
        program.call(images_of(1, 28, 28, 1))


@pytest.mark.slow
def test_nothing_of_this_package_or_machine_is_inside(tmp_path, arrays):
    model = Wide(3, rngs=nnx.Rngs(0))
    before = arrays(model)
    path = training.export(model, tmp_path / "m.jaxexport", input_shape=(10, 9, 3))
    program = served(path)
    assert set(re.findall(r"custom_call @([\w$.]+)", program.mlir_module())) <= {"shape_assertion"}
    text = path.read_bytes().replace(b"/jaxcnn_conv", b"")  # the label of an operation
    assert not re.search(rb"onednn|jaxcnn|\.py|site-packages", text, re.IGNORECASE)
    images = images_of(4, 10, 9, 3)
    np.testing.assert_allclose(program.call(images), training.predict(model, images), atol=1e-6)
    again = training.export(model, tmp_path / "again.jaxexport", input_shape=(10, 9, 3))
    assert again.read_bytes() == path.read_bytes()
    np.testing.assert_equal(arrays(model), before)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_floats_are_used_as_they_are(trained, tmp_path, dtype):
    path = training.export(trained, tmp_path / "m", input_shape=(8, 8, 1), dtype=dtype, batch_size=3, platforms=["cpu"])
    program, images = served(path), images_of(3, 8, 8, 1, dtype=dtype)
    assert (program.platforms, program.in_avals[0].shape) == (("cpu",), (3, 8, 8, 1))
    np.testing.assert_allclose(program.call(images), training.predict(trained, images), atol=1e-6)


def test_a_model_of_one_size_is_told_to_name_it(softmax, tmp_path):
    class Counting(softmax):
        def __call__(self, x):
            return self.dense(x.reshape(len(x), -1))

    model = Counting(rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="batch_size must be given for this model, got None"):
        training.export(model, tmp_path / "m", input_shape=(8, 8, 1))
    training.export(model, tmp_path / "m", input_shape=(8, 8, 1), batch_size=2)
    assert served(tmp_path / "m").call(images_of(2, 8, 8, 1)).shape == (2, 3)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"input_shape": (8, 8)}, r"input_shape must be \(height, width, channels\) of one image, got \(8, 8\)"),
        ({"input_shape": (8, 0, 1)}, r"input_shape\[1\] must be at least 1, got 0"),
        ({"input_shape": (9, 9, 1)}, r"the model Softmax fails on images of shape \(1, 9, 9, 1\)"),
        ({"dtype": np.int32}, "dtype must be uint8, or a floating dtype .* got int32"),
        ({"dtype": "floaty"}, "dtype must be a dtype such as np.uint8, got 'floaty'"),
        ({"dtype": np.float64}, "dtype must be uint8, or a floating dtype .* got float64"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"platforms": ()}, "platforms must be one or more different of cpu, cuda, rocm, tpu"),
        ({"platforms": ("cpu", "gpu")}, r"platforms must be .*, got \('cpu', 'gpu'\)"),
    ],
)
def test_arguments_are_checked_first(softmax, tmp_path, options, match):
    with pytest.raises((TypeError, ValueError), match=match):
        training.export(softmax(rngs=nnx.Rngs(0)), tmp_path / "m", **({"input_shape": (8, 8, 1)} | options))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_earlier_file(softmax, tmp_path, monkeypatch):
    path = tmp_path / "m.jaxexport"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        training.export(softmax(rngs=nnx.Rngs(0)), path, input_shape=(8, 8, 1))
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.jaxexport"]
    assert path.read_bytes() == b"old"


@pytest.mark.slow
def test_lecture_models_are_served_without_this_package(tmp_path):
    cases = [(name, options, (28, 28, 1)) for name, options in LECTURE_MODELS]
    cases += [("convnet", {}, (32, 24, 3)), ("lenet5", {}, (16, 20, 2))]
    expected = []
    for i, (name, options, shape) in enumerate(cases):
        model = models.create(name, input_shape=shape, num_classes=7, rngs=nnx.Rngs(i), **options)
        path = training.export(model, tmp_path / f"{i}", input_shape=shape)
        images = images_of(3, *shape, seed=i)
        np.save(f"{path}.images.npy", images)
        expected.append(training.predict(model, images))
    names = [str(tmp_path / f"{i}") for i in range(len(cases))]
    command = [sys.executable, "-c", SERVER, *names]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "served without jaxcnn\n", done.stderr
    for name, probabilities in zip(names, expected, strict=True):
        np.testing.assert_allclose(np.load(f"{name}.npy"), probabilities, atol=1e-6)


@pytest.mark.slow
def test_the_examples_of_the_serving_page_run(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    command = [sys.executable, "-W", "error", "-c", "\n".join(blocks)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.endswith("(5, 5, 1, 6)\n"), done.stderr
