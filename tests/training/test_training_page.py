"""The examples of docs/training.md run, in their order, on a small set."""

import re
from pathlib import Path

import numpy as np
import pytest

from jaxcnn import data

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_the_examples_run(monkeypatch):
    load, places = data.load, {}

    def load_few(name):
        whole = load(name)
        return whole.split(0.9, seed=0)[0]

    monkeypatch.setattr(data, "load", load_few)
    assert len(BLOCKS) == 7
    for block in BLOCKS:
        exec(block, places)
    assert np.isfinite(places["history"].loss).all()
