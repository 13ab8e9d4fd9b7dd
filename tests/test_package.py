"""The wheel holds `jaxcnn` alone, samples included, and works outside the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USE = """
import jax.numpy as jnp, optax
from flax import nnx
import jaxcnn, jaxcnn.functional as F
from jaxcnn import analysis, data, models, training
print(jaxcnn.__file__)
for name in ("fashion_mnist", "mnist"):
    train, test = data.load(name), data.load(name, split="test")
    assert name in data.available()
    assert train.source == "full" or (len(train), len(test)) == (8000, 2000)
assert train.source == "sample"  # that of mnist: the other may be here as Debian's package
model = models.create("swish_cnn", rngs=nnx.Rngs(0))
assert analysis.count_params(model) == 9532
rest, part = test.split(0.05, seed=0)
assert len(training.fit(model, part, epochs=1, optimizer=optax.sgd(0.1)).loss) == 1
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_wheel_holds_the_package_alone(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].removesuffix(".dist-info").split("-")[0] for name in names} == {"jaxcnn"}
    for split in ("train", "t10k"):
        assert f"jaxcnn/data/samples/mnist/{split}-images-idx3-ubyte.gz" in names
        assert f"jaxcnn/data/samples/fashion_mnist/{split}-labels-idx1-ubyte.gz" in names


@pytest.mark.slow
def test_wheel_works_outside_the_checkout(wheel, tmp_path):
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*install, str(wheel)], check=True)
    # What this user has prepared is no part of the wheel.
    elsewhere = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TFDS_DATA_DIR": str(tmp_path / "tensorflow_datasets")}
    environment = (
        {k: v for k, v in os.environ.items() if k != "JAXCNN_DATA_DIR"} | elsewhere | {"PYTHONPATH": str(site)}
    )
    used = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", "-c", USE],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert used.returncode == 0, used.stderr
    assert Path(used.stdout.splitlines()[0]).is_relative_to(site)
