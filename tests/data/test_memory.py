"""A set larger than memory is refused before it is read, with the way out."""

import numpy as np
import pytest
from PIL import Image

from jaxcnn.data import memory
from jaxcnn.data.folder import read_folder


def test_a_folder_larger_than_memory_points_to_streams(tmp_path, monkeypatch):
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((30, 40, 3), np.uint8)).save(tmp_path / name / "0.png")
    monkeypatch.setattr(memory, "free_memory", lambda: 7199)
    with pytest.raises(
        ValueError,
        match=r"^2 images like .*a/0\.png, 30×40×3, must fit into memory .* got 7\.031 KiB for 7\.03 KiB that are free;"
        r" stream them by data\.stream\('folder:PATH', …\) and training\.fit_stream"
        r" \(experiments: --stream, and a small --validation\), or make them smaller",
    ):
        read_folder(tmp_path)
    monkeypatch.setattr(memory, "free_memory", lambda: 7200)
    assert len(read_folder(tmp_path)) == 2
    monkeypatch.setattr(memory, "free_memory", lambda: None)
    assert len(read_folder(tmp_path)) == 2


def test_the_limit_of_a_group_counts_without_cached_files(tmp_path):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 300\nfile 400\nfile_mapped 5\n")
    assert memory.left_in_group(tmp_path) == 700
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.left_in_group(tmp_path) is None
    assert memory.left_in_group(tmp_path / "absent") is None


def test_the_groups_around_a_process_count_too(tmp_path):
    (tmp_path / "cgroup").write_text("1:name=systemd:/old\n0::/user.slice/run 1.scope\n")
    found = list(memory.own_groups(tmp_path / "cgroup", tmp_path))
    assert found == [tmp_path, tmp_path / "user.slice", tmp_path / "user.slice" / "run 1.scope"]
    assert list(memory.own_groups(tmp_path / "absent", tmp_path)) == [tmp_path]


def test_bytes_as_people_read_them():
    assert [memory.shown_bytes(n) for n in (0, 1023, 1536, 5 * 2**30)] == ["0 bytes", "1023 bytes", "1.5 KiB", "5 GiB"]
