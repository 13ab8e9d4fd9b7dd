"""The page of operations names what there is, all of it and nothing else."""

import re
from pathlib import Path

import jaxcnn.functional as F
from jaxcnn import interop, nn

PAGE = (Path(__file__).parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")


def public(module):
    return {name for name, value in vars(module).items() if callable(value) and not name.startswith("_")}


def test_every_operation_has_its_row():
    rows = "".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("|"))
    assert set(re.findall(r"`F\.(\w+)`", rows)) == public(F) - {"explain"}


def test_every_name_on_the_page_exists():
    for module, prefix in ((F, "F"), (nn, "nn"), (interop, "interop")):
        assert set(re.findall(rf"(?<![\w.]){prefix}\.(\w+)", PAGE)) <= public(module)
