"""Every contender's program is valid Python, and the images are the same for all."""

import py_compile
from pathlib import Path

import pytest

from experiments.peers import images
from experiments.peers.protocol import fastest

PROGRAMS = sorted((Path(__file__).parents[3] / "experiments" / "peers").glob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_compiles(path, tmp_path):
    py_compile.compile(str(path), cfile=str(tmp_path / "compiled"), doraise=True)


def test_images_are_whole_batches_and_come_round():
    assert images.examples_for(64) == 8192
    assert images.examples_for(100) == 8100
    assert images.examples_for(10_000) == 10_000
    assert list(images.offsets(3, 4096)) == [0, 4096, 0]
    assert images.image_bytes(5) == images.image_bytes(5)
    assert set(images.labels(200, 10)) == set(range(10))


def test_the_fastest_form_is_kept():
    work = fastest({"slow": lambda: lambda steps: steps * 2.0, "fast": lambda: lambda steps: steps * 1.0})
    assert work.form == "fast"
    assert work.run(3) == 3.0


def test_a_form_that_is_known_is_the_only_one_built():
    def never():
        raise AssertionError("must not be built")

    work = fastest({"slow": lambda: lambda steps: steps * 2.0, "fast": never}, form="slow")
    assert (work.form, work.run(1)) == ("slow", 2.0)
