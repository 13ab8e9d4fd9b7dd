"""Files of weights: what is saved is loaded to the bit, and anything else is refused with the file's name."""

import json
import os
import pickle
import re
import struct

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxcnn import training

NAMES = [
    "dense.bias",
    "dense.kernel",
    "hidden.bias",
    "hidden.kernel",
    "norm.bias",
    "norm.mean",
    "norm.scale",
    "norm.var",
]


class Kept(nnx.Variable):
    """A kind of state that neither Flax nor jaxcnn knows."""


class Assorted(nnx.Module):
    """Every dtype that is kept, in every sort of place."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.halves = nnx.List([nnx.Param(jnp.array(rng.normal(size=(2, 3)), t)) for t in (jnp.bfloat16, jnp.float16)])
        self.eighths = nnx.Dict(e4=Kept(jnp.array([0.5 * seed], jnp.float8_e4m3fn)))
        self.numbers = nnx.BatchStat(jnp.array(rng.integers(-100, 100, (3, 1)), jnp.int8))
        self.flags, self.count = Kept(jnp.array([True, bool(seed)])), Kept(jnp.array(2**32 - 1 - seed, jnp.uint32))
        self.wide = Kept(np.asfortranarray(rng.normal(size=(2, 3))))
        self.none, self.plain = Kept(jnp.zeros((0, 3))), jnp.array([np.nan, -0.0, seed], jnp.float32)
        self.key = nnx.Variable(jax.random.key(seed))


def bits(arrays):
    return {path: (array.dtype, array.shape, array.tobytes()) for path, array in arrays.items()}


def raw(header, data=b""):
    """A .safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(shape, start, stop, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


@pytest.fixture
def saved(softmax, tmp_path):
    """A small file, and a model that it fits."""
    path = tmp_path / "model.safetensors"
    training.save(softmax(rngs=nnx.Rngs(0)), path)
    return path, softmax(rngs=nnx.Rngs(1))


@pytest.fixture
def refused(arrays, tmp_path):
    """Checks that a file with this content is refused in one sentence that names it, and the model left alone."""

    def check(content, model, match=None):
        path = tmp_path / "other.safetensors"
        path.write_bytes(content)
        before = bits(arrays(model))
        with pytest.raises(ValueError, match=match) as error:
            training.load(model, path)
        assert str(error.value).startswith(str(path))
        assert "\n" not in str(error.value)
        assert bits(arrays(model)) == before

    return check


def test_a_trained_model_is_loaded_to_the_bit(make_images, stateful, arrays, tmp_path, sgd):
    model, other = stateful(rngs=nnx.Rngs(0)), stateful(rngs=nnx.Rngs(1))
    training.fit(model, make_images(16), epochs=1, batch_size=8, optimizer=sgd, progress=False)
    streams = {path: array for path, array in arrays(other).items() if "rngs" in path}
    assert training.save(model, tmp_path / "m.safetensors") == tmp_path / "m.safetensors"
    assert training.load(other, str(tmp_path / "m.safetensors")) is other
    expected = {path: array for path, array in arrays(model).items() if "rngs" not in path} | streams
    assert bits(arrays(other)) == bits(expected)
    assert sorted(safetensors.numpy.load_file(tmp_path / "m.safetensors")) == NAMES
    images = make_images(3, seed=1).images
    np.testing.assert_array_equal(training.predict(model, images), training.predict(other, images))


def test_every_dtype_and_place_is_kept(arrays, tmp_path):
    path = tmp_path / "m.safetensors"
    model, other = Assorted(1), Assorted(2)
    training.save(model, path)
    training.load(other, path)
    expected = arrays(model) | {("key",): arrays(Assorted(2))[("key",)]}
    assert bits(arrays(other)) == bits(expected)
    assert isinstance(other.wide[...], np.ndarray)
    assert isinstance(other.plain, jax.Array)


def test_a_model_without_values_is_filled(saved, softmax, arrays):
    shapes = nnx.eval_shape(lambda: softmax(rngs=nnx.Rngs(5)))
    assert bits(arrays(training.load(shapes, saved[0]))) == bits(arrays(softmax(rngs=nnx.Rngs(0))))


def test_the_same_weights_give_the_same_bytes(softmax, tmp_path):
    names = [f"note {i}" for i in range(20)]
    for order, file in ((names, "a"), (names[::-1], "b")):
        training.save(softmax(rngs=nnx.Rngs(0)), tmp_path / file, metadata=dict.fromkeys(order, "é\n"))
    content = (tmp_path / "a").read_bytes()
    assert content == (tmp_path / "b").read_bytes()
    assert int.from_bytes(content[:8], "little") % 8 == 0


def test_metadata_comes_back_and_other_programs_read_it(saved, softmax):
    path, model = saved
    training.save(model, path, metadata={"model": "softmax", "classes": "3"})
    found = training.read_metadata(path)
    assert found.keys() == {"model", "classes", "jaxcnn.format", "jaxcnn.version", "jaxcnn.sha256"}
    with safetensors.safe_open(path, framework="np") as file:
        assert file.metadata() == found
        np.testing.assert_array_equal(file.get_tensor("dense.kernel"), model.dense.kernel[...])


def test_files_of_other_programs_are_read(saved, arrays):
    path, model = saved
    expected = {"dense.kernel": np.full((64, 3), 2, np.float32), "dense.bias": np.arange(3, dtype=np.float32)}
    safetensors.numpy.save_file(expected, path, metadata={"format": "pt", "sha256": "0"})
    training.load(model, path)
    np.testing.assert_equal(arrays(model), {tuple(name.split(".")): array for name, array in expected.items()})
    assert training.read_metadata(path) == {"format": "pt", "sha256": "0"}


def test_every_byte_is_guarded(saved, refused):
    path, model = saved
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    start = 8 + int.from_bytes(content[:8], "little")
    for at in [*range(start), *rng.integers(start, len(content), 50)]:
        damaged = bytearray(content)
        damaged[at] ^= 1 << int(rng.integers(8))
        refused(bytes(damaged), model)
    for size in [*range(0, start, 7), start, len(content) - 1]:
        refused(content[:size], model, "whole")
    refused(content + b"\0", model, "whole")
    training.load(model, path)


BAD = {
    "nothing": (b"", "header too small"),
    "text": (b"weights, one a line\n" * 9, "another kind"),
    "a header longer than the file": (struct.pack("<Q", 2**62) + b"{}", "header too large"),
    "a huge shape": (raw({"dense.bias": entry([2**40, 2**40], 0, 4)}, b"1234"), "overflow"),
    "a large shape": (raw({"dense.bias": entry([2**40], 0, 2**42)}, b"1234"), "not fully covered"),
    "a shape that wraps around": (raw({"dense.bias": entry([2**62, 4], 0, 0)}), "overflow"),
    "a negative size": (raw({"dense.bias": entry([-1], 0, 4)}, b"1234"), "expected usize"),
    "bytes outside": (raw({"dense.bias": entry([2], 0, 8)}, b"1234"), "not fully covered"),
    "bytes twice": (raw({"a": entry([1], 0, 4), "b": entry([1], 0, 4)}, b"1234"), "invalid offset"),
    "bytes of nobody": (raw({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, b"1234" * 3), "invalid offset"),
    "a name twice": (
        raw(b'{"a":%b,"a":%b}' % ((json.dumps(entry([1], 0, 4)).encode(),) * 2), b"1234"),
        "'a' occurs twice",
    ),
    "a note twice": (raw(b'{"__metadata__":{"a":"1","a":"2"}}'), "'a' occurs twice"),
    "no object": (raw([1]), "another kind"),
    "brackets without end": (raw(b'{"a":' + b"[" * 100_000), "recursion limit"),
    "a dtype of nobody": (raw({"a": entry([1], 0, 4, "F31")}, b"1234"), "unknown variant"),
    "a dtype that JAX hasn't": (raw({"a": entry([8], 0, 4, "F4")}, b"1234"), "got F4 for a"),
    "a newer format": (raw({"__metadata__": {"jaxcnn.format": "2"}}), "got format '2'"),
    "no sum": (raw({"__metadata__": {"jaxcnn.format": "1"}}), "SHA-256"),
}


@pytest.mark.parametrize("case", BAD, ids=BAD)
def test_what_is_no_file_of_weights(case, refused, softmax):
    content, reason = BAD[case]
    refused(content, softmax(rngs=nnx.Rngs(0)), reason)


class Trap:
    def __reduce__(self):
        return os.abort, ()


def test_nothing_is_unpickled(refused, softmax, tmp_path):
    model = softmax(rngs=nnx.Rngs(0))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        refused(pickle.dumps(Trap(), protocol), model, "a pickle" if protocol > 1 else "another kind")
    np.savez(tmp_path / "m.npz", trap=np.array(Trap(), object))
    refused((tmp_path / "m.npz").read_bytes(), model, "a zip archive, as torch.save")


@given(at=st.integers(0, 400), piece=st.binary(max_size=12), gone=st.integers(0, 12))
@settings(max_examples=100)
def test_damage_without_a_sum_is_told_or_harmless(at, piece, gone, tmp_path_factory):
    content = raw({"dense.bias": entry([3], 0, 12), "dense.kernel": entry([64, 3], 12, 780)}, bytes(780))
    path = tmp_path_factory.mktemp("fuzz") / "m.safetensors"
    path.write_bytes(content[:at] + piece + content[at + gone :])
    model = nnx.Dict(dense=nnx.Dict(bias=nnx.Param(np.ones(3, np.float32)), kernel=nnx.Param(np.ones((64, 3), "f4"))))
    try:
        training.load(model, path)
        message = None
    except ValueError as error:
        message = str(error)
    assert message is None or (message.startswith(str(path)) and model["dense"]["bias"][...].all())


def test_all_that_differs_is_listed(saved, softmax, stateful):
    path, _ = saved
    wider = softmax(4, rngs=nnx.Rngs(0))
    expected = (
        f"{path} must hold the variables of the model Softmax, but 2 differ: dense.bias is float32(3,) in the file and"
        " float32(4,) in the model; dense.kernel is float32(64, 3) in the file and float32(64, 4) in the model; build"
    )
    with pytest.raises(ValueError, match=re.escape(expected)):
        training.load(wider, path)
    with pytest.raises(ValueError, match=r"dense\.kernel is float32\(64, 3\).*norm\.var is absent in the file"):
        training.load(stateful(rngs=nnx.Rngs(0)), path)
    half = softmax(rngs=nnx.Rngs(0))
    half.dense.bias = nnx.Param(jnp.zeros(3, jnp.bfloat16))
    with pytest.raises(ValueError, match=r"1 differ: dense\.bias is float32\(3,\) in the file and bfloat16\(3,\)"):
        training.load(half, path)


def test_paths_that_are_no_file(softmax, tmp_path):
    model = softmax(rngs=nnx.Rngs(0))
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors, which does not exist"):
        training.load(model, tmp_path / "none.safetensors")
    with pytest.raises(IsADirectoryError, match=re.escape(f"the folder {tmp_path}")):
        training.read_metadata(tmp_path)
    with pytest.raises(ValueError, match="/dev/null, which is no ordinary file"):
        training.load(model, "/dev/null")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_earlier_file(saved, arrays, monkeypatch, step):
    path, model = saved
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        training.save(model, path)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_what_cannot_be_saved(softmax, tmp_path):
    model, path = softmax(rngs=nnx.Rngs(0)), tmp_path / "m.safetensors"
    with pytest.raises(ValueError, match=r"leave keys that begin with jaxcnn\. to jaxcnn, got 'jaxcnn\.format'"):
        training.save(model, path, metadata={"jaxcnn.format": "2"})
    with pytest.raises(ValueError, match=r"two of the name a\.b"):
        training.save(nnx.Dict({"a.b": nnx.Param(jnp.ones(1)), "a": nnx.Dict(b=nnx.Param(jnp.ones(1)))}), path)
    with pytest.raises(ValueError, match=r"variable odd must be an array of a dtype .* got complex128"):
        training.save(nnx.Dict(odd=nnx.Param(np.ones(1, complex))), path)
    with pytest.raises(
        ValueError,
        match=r"must hold values, but \['dense'\]\['bias'\].* is a shape alone, as nnx\.eval_shape leaves it",
    ):
        training.save(nnx.eval_shape(lambda: softmax(rngs=nnx.Rngs(5))), path)
    assert list(tmp_path.iterdir()) == []
