"""A tiny full set in IDX files: 28×28 images whose class shows in their brightness."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcnn.data.idx import write_idx


@pytest.fixture(scope="session")
def tiny_sets(tmp_path_factory):
    """A folder with `mnist/`: 40 training and 20 test images of ten classes."""
    folder = tmp_path_factory.mktemp("sets")
    (folder / "mnist").mkdir()
    rng = np.random.default_rng(0)
    for prefix, count in (("train", 40), ("t10k", 20)):
        labels = np.arange(count, dtype=np.uint8) % 10
        noise = rng.integers(0, 20, (count, 28, 28), dtype=np.uint8)
        write_idx(folder / "mnist" / f"{prefix}-images-idx3-ubyte.gz", noise + 20 * labels[:, None, None])
        write_idx(folder / "mnist" / f"{prefix}-labels-idx1-ubyte.gz", labels)
    return folder


@pytest.fixture(autouse=True)
def _figures_are_made_and_not_rendered(monkeypatch, request):
    """A fast test of an experiment asks which pictures there are; rendering them takes longer than all else it does.

    Slow tests render, and so do fixtures of a module, which come first; tests/visualization looks at what is drawn.
    """
    if "slow" not in request.keywords:
        dot = io.BytesIO()
        Image.new("L", (1, 1)).save(dot, "PNG")
        monkeypatch.setattr("experiments.harness.results.encode_png", lambda _: dot.getvalue())


@pytest.fixture(autouse=True)
def _programs_are_not_kept(monkeypatch):
    """A test leaves JAX's settings and the user's cache folder alone."""
    monkeypatch.setattr("experiments.harness.command.keep_programs", lambda: None)
