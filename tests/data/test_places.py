"""What is listed is what `load` finds."""

import json

from jaxcnn import data
from jaxcnn.data import prepared
from jaxcnn.data.places import Place, places


def test_a_folder_is_listed_once(write_set, tmp_path, monkeypatch):
    folder = write_set(tmp_path / "mnist")
    monkeypatch.setenv("JAXCNN_DATA_DIR", str(tmp_path))
    found = [place for place in places(tmp_path) if place.kind == "files"]
    assert found == [Place("mnist", "files", folder, "--data-dir")]


def test_another_version_is_not_the_named_set(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "theirs"))
    monkeypatch.delenv("JAXCNN_DATA_DIR", raising=False)
    folder = prepared.own_folder() / "mnist" / "9.0.0"
    folder.mkdir(parents=True)
    for name in ("features.json", "dataset_info.json"):
        (folder / name).write_text(json.dumps({}))
    assert [(place.name, place.folder) for place in places() if place.kind == "prepared"] == [("tfds:mnist", folder)]
    assert data.load("mnist").source == "sample"
