"""`experiments.prepare` as processes: killed at any moment, or two at once. Nothing half-prepared is ever loaded."""

import dataclasses
import hashlib
import http.server
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from jaxcnn import data
from jaxcnn.data.idx import file_names, write_idx
from jaxcnn.data.prepare import prepare
from jaxcnn.data.published import PUBLISHED, RemoteFile

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")]

KILLS = 18
COUNT = 3000


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path) -> Path:
    monkeypatch.delenv("JAXCNN_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tensorflow_datasets"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return tmp_path / "cache" / "jaxcnn" / "datasets"


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Path:
    """A folder with mnist/ whose writing takes about a second."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "mnist").mkdir()
    rng = np.random.default_rng(0)
    for prefix in ("train", "t10k"):
        images, labels = (folder / "mnist" / f"{name}.gz" for name in file_names(prefix))
        write_idx(images, rng.integers(0, 256, (COUNT, 28, 28), dtype=np.uint8))
        write_idx(labels, (np.arange(COUNT) % 10).astype(np.uint8))
    return folder


def started(local: Path, tmp_path: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "experiments.prepare", "mnist", "--data-dir", str(local)]
    with open(tmp_path / "said.txt", "ab") as said:
        return subprocess.Popen(command, stdout=said, stderr=said)


def assert_is_whole(local: Path) -> None:
    for split in ("train", "test"):
        ours, theirs = data.load("mnist", split=split), data.load("mnist", split=split, data_dir=local)
        np.testing.assert_array_equal(ours.images, theirs.images)
        np.testing.assert_array_equal(ours.labels, theirs.labels)


def assert_is_whole_or_absent(local: Path, cache: Path) -> bool:
    whole = data.load("mnist").source == "full"
    assert (cache / "mnist" / "3.0.1").exists() == whole
    if whole:
        assert_is_whole(local)
    return whole


def killed_after(process: subprocess.Popen, seconds: float, lock: Path | None) -> None:
    """Kills it that long after its start, or after it took the lock where one is given."""
    while lock and not lock.exists() and process.poll() is None:
        time.sleep(0.005)
    time.sleep(seconds)
    process.kill()
    process.wait(60)


def test_killed_at_any_moment(local, cache, tmp_path):
    start = time.monotonic()
    assert started(local, tmp_path).wait(300) == 0, (tmp_path / "said.txt").read_text()
    duration = time.monotonic() - start
    (lock,) = cache.glob(".*.lock")
    moments, halves, wholes = random.Random(0), 0, 0
    for number in range(KILLS):
        folder = cache / "mnist"
        if folder.exists():
            folder.rename(tmp_path / f"prepared{number}")
        lock.unlink(missing_ok=True)
        # A third of the kills over everything, imports too; the rest while it reads and writes.
        whole_run = number % 3 == 0
        process = started(local, tmp_path)
        killed_after(process, moments.random() * duration * (1 if whole_run else 0.5), None if whole_run else lock)
        halves += (cache / ".mnist.staging").exists()
        wholes += assert_is_whole_or_absent(local, cache)
        if number % 4 == 3:  # otherwise the next one starts from what this one left
            prepare("mnist", data_dir=local)
            assert_is_whole(local)
            assert not (cache / ".mnist.staging").exists()
    assert halves >= 2, "too few kills while it wrote to say anything"
    assert started(local, tmp_path).wait(300) == 0
    assert_is_whole(local)
    assert sorted(path.name for path in cache.iterdir()) == [".mnist.lock", "mnist"]


def test_two_at_once(local, cache, tmp_path):
    both = [started(local, tmp_path) for _ in range(2)]
    assert [process.wait(300) for process in both] == [0, 0]
    said = (tmp_path / "said.txt").read_text()
    assert "is prepared already" in said  # by the one that waited, or that came late
    assert_is_whole(local)
    assert sorted(path.name for path in cache.iterdir()) == [".mnist.lock", "mnist"]


DOWNLOADS = """
import dataclasses, sys
from jaxcnn.data.published import PUBLISHED, RemoteFile
from jaxcnn.data.prepare import prepare
place, *files = sys.argv[1:]
files = tuple(RemoteFile(f"{place}/{name}", int(size), sha256) for name, size, sha256 in (f.split(":") for f in files))
PUBLISHED["mnist"] = dataclasses.replace(PUBLISHED["mnist"], files=files)
prepare("mnist")
"""


def test_killed_while_it_downloads(local, cache, monkeypatch):
    sent, asked, patient = threading.Event(), [], threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        """Gives half of a file and then nothing, until `patient` is set; goes on by ranges."""

        def do_GET(self):
            content = (local / "mnist" / self.path[1:]).read_bytes()
            begin = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            asked.append((self.path[1:], begin))
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(content) - begin))
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            self.wfile.write(content[begin : None if patient.is_set() else len(content) // 2])
            self.wfile.flush()
            sent.set()
            patient.wait(60)

        def log_message(self, *_):
            pass

    names = [file.name for file in PUBLISHED["mnist"].files]
    contents = {name: (local / "mnist" / name).read_bytes() for name in names}
    sums = {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in contents.items()}
    kept = len(contents[names[0]]) // 2 - (1 << 17)  # of the half that was sent, some pieces are under way
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}"
        files = [f"{name}:{size}:{sha256}" for name, (size, sha256) in sums.items()]
        environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
        process = subprocess.Popen([sys.executable, "-c", DOWNLOADS, place, *files], env=environment)
        assert sent.wait(60)
        part = cache / ".downloads" / "mnist" / f"{names[0]}.part"
        while not part.exists() or part.stat().st_size < kept:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        assert data.load("mnist").source == "sample"
        patient.set()
        remote = tuple(RemoteFile(f"{place}/{name}", *sums[name]) for name in names)
        monkeypatch.setitem(PUBLISHED, "mnist", dataclasses.replace(PUBLISHED["mnist"], files=remote))
        monkeypatch.setattr("urllib.request.getproxies", dict)
        prepare("mnist")
        server.shutdown()
    assert asked[0] == (names[0], 0)
    assert asked[1][0] == names[0]
    assert asked[1][1] >= kept
    assert_is_whole(local)
    assert not (cache / ".downloads" / "mnist").exists()
