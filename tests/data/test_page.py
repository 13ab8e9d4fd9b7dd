"""docs/data.md: what its sections on own images and streams show can be run as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def blocks(*headings):
    """The Python of the sections with these headings, in the order of the page."""
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    chosen = [section for section in sections if section.split("\n", 1)[0] in headings]
    assert len(chosen) == len(headings)
    return [code for section in chosen for code in re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)]


@pytest.mark.slow
def test_examples_run(tmp_path, monkeypatch):
    for label in "ABCDEFGHIJ":
        for folder, shape in (("glyphs", (28, 28)), ("photos", (90, 70, 3))):
            (tmp_path / folder / label).mkdir(parents=True)
            for index in range(5):
                pixels = np.full(shape, ord(label) + index, np.uint8)
                Image.fromarray(pixels).save(tmp_path / folder / label / f"{index}.png")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    found = blocks("Own images", "Streams")
    for code in found:
        exec(compile(code, str(PAGE), "exec"), names)
    assert len(found) == 2
    assert (len(names["train"]), len(names["validation"])) == (40, 10)
    assert names["batches"].position == 5
