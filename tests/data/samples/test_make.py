import importlib
import json
import sys

import numpy as np
import pytest

from jaxcnn.data.idx import read_idx
from jaxcnn.data.samples import make

load_module = importlib.import_module("jaxcnn.data.load")


@pytest.fixture
def npm(tmp_path):
    """Five digits of each class; the first pixel is the class, the second the number, as the package rounds them."""
    folder = tmp_path / "package" / "src" / "digits"
    folder.mkdir(parents=True)
    for digit in range(10):
        pixels = np.zeros((5, 784))
        pixels[:, 0], pixels[:, 1] = digit, np.arange(5)
        (folder / f"{digit}.json").write_text(json.dumps({"data": np.round(pixels / 255, 3).ravel().tolist()}))
    return tmp_path / "package"


class TestReadNpmDigits:
    def test_every_pixel_value_survives_three_decimals(self, npm):
        values = np.resize(np.arange(256), 784)
        file = npm / "src" / "digits" / "0.json"
        file.write_text(json.dumps({"data": [round(int(v) / 255, 3) for v in values]}))
        digits = make.read_npm_digits(npm)
        np.testing.assert_array_equal(digits.images[digits.labels == 0].ravel(), values)

    def test_labels_follow_their_images(self, npm):
        digits = make.read_npm_digits(npm)
        assert digits.images.shape == (50, 28, 28, 1)
        np.testing.assert_array_equal(digits.images[:, 0, 0, 0], digits.labels)
        assert (np.diff(digits.labels) < 0).any(), "sorted by class"

    @pytest.mark.parametrize(
        ("values", "message"), [([0.0] * 783, "784 values, got 783"), ([0.5] * 784, "three decimals"), ([], "got 0")]
    )
    def test_bad_file(self, npm, values, message):
        (npm / "src" / "digits" / "3.json").write_text(json.dumps({"data": values}))
        with pytest.raises(ValueError, match=rf"3\.json must hold .*{message}"):
            make.read_npm_digits(npm)


class TestMain:
    def _run(self, monkeypatch, *arguments):
        monkeypatch.setattr(make, "SIZES", {"train": 20, "test": 10})
        monkeypatch.setattr(sys, "argv", ["make", *map(str, arguments)])
        make.main()

    def test_writes_both_samples_the_same_every_time(self, npm, tmp_path, write_set, monkeypatch):
        debian = write_set(tmp_path / "debian", count=40)
        outs = [tmp_path / "a", tmp_path / "b"]
        for out in outs:
            self._run(monkeypatch, "--npm", npm, "--debian", debian, "--out", out)
        files = sorted(path.relative_to(outs[0]) for path in outs[0].rglob("*") if path.is_file())
        assert len(files) == 8
        for file in files:
            assert (outs[0] / file).read_bytes() == (outs[1] / file).read_bytes()
        fashion = read_idx(outs[0] / "fashion_mnist" / "t10k-labels-idx1-ubyte.gz", ndim=1)
        np.testing.assert_array_equal(np.sort(fashion), np.arange(10))
        monkeypatch.setattr(load_module, "SAMPLES", outs[0])
        monkeypatch.delenv("JAXCNN_DATA_DIR", raising=False)
        digits = [load_module.load("mnist", split=split) for split in ("train", "test")]
        seen = np.concatenate([dataset.images[:, 0, 0:2, 0] for dataset in digits])
        assert len({(int(digit), int(number)) for digit, number in seen}) == 50

    def test_bad_source_exits_with_2_and_writes_nothing(self, npm, tmp_path, monkeypatch, capsys):
        with pytest.raises(SystemExit, match="2"):
            self._run(monkeypatch, "--npm", npm, "--debian", tmp_path / "nowhere", "--out", tmp_path / "out")
        assert "nowhere" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
