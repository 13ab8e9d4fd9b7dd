import subprocess
import sys

import jaxcnn.visualization as visualization


def test_every_public_name_exists_and_is_documented():
    for name in visualization.__all__:
        assert getattr(visualization, name).__doc__


def test_importing_leaves_pyplot_and_the_neighbours_alone():
    code = "import sys, jaxcnn.visualization; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    neighbours = ["data", "training", "analysis", "models", "nn", "functional", "lowering", "geometry"]
    assert not {"matplotlib.pyplot", *(f"jaxcnn.{name}" for name in neighbours)} & set(loaded)
