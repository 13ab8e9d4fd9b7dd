"""Arrays keep their bits, whatever their dtype; what a folder declares is looked at before it is read."""

import errno
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcnn.training.checkpoints.arrays import read_arrays, to_host, to_tree, write_arrays
from jaxcnn.training.checkpoints.manifest import DamagedError

TREE = {
    "../../escape": np.array([np.nan, -0.0, np.inf, 1e-45], np.float32),
    "half": np.arange(6, dtype=jnp.bfloat16).reshape(2, 3),
    "count": np.array(7, np.uint32),
    "none": np.zeros((0, 3), np.int32),
    "flags": np.array([True, False]),
    "keys": jax.random.split(jax.random.key(3), 2),
    "other": jax.random.key(4, impl="rbg"),
}


def test_arrays_keep_their_bits_and_names_are_no_paths(tmp_path):
    template = jax.eval_shape(lambda tree: tree, TREE)
    write_arrays(tmp_path / "in" / "arrays", to_host(TREE))
    found = to_tree(template, read_arrays(tmp_path / "in" / "arrays", template))
    assert [entry.name for entry in tmp_path.iterdir()] == ["in"]
    assert jax.tree.structure(found) == jax.tree.structure(TREE)
    for name, leaf in TREE.items():
        assert found[name].dtype == leaf.dtype
        assert to_host(found[name])[0].tobytes() == to_host(leaf)[0].tobytes(), name


def test_another_shape_than_the_models_is_refused_before_it_is_read(tmp_path):
    write_arrays(tmp_path / "arrays", [np.zeros(4, np.float32)])
    for shape, dtype in (((5,), np.float32), ((4,), np.int32), ((2, 2), np.float32)):
        with pytest.raises(DamagedError, match=r"array 000000 is declared float32\(4,\)"):
            read_arrays(tmp_path / "arrays", [jax.ShapeDtypeStruct(shape, dtype)])
    with pytest.raises(DamagedError, match="not those that the manifest lists"):
        read_arrays(tmp_path / "arrays", [jax.ShapeDtypeStruct((4,), np.float32)] * 2)
    with pytest.raises(DamagedError, match="can't be read"):
        read_arrays(tmp_path / "nothing", [jax.ShapeDtypeStruct((4,), np.float32)])


def test_what_orbax_refuses_is_told_in_its_words():
    with pytest.raises(OSError, match="path should be absolute"):
        write_arrays(Path("arrays"), [np.zeros(4, np.float32)])


def test_what_the_system_refuses_to_write_is_an_os_error_and_one_alone(tmp_path, capfd):
    resource = pytest.importorskip("resource", reason="limits on files are POSIX's")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(0).integers(0, 2**32, 100_000, dtype=np.uint32)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as refused:
            write_arrays(tmp_path / "arrays", [noise])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refused.value.errno == errno.EFBIG
    assert capfd.readouterr().err == ""
