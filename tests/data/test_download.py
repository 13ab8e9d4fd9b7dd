"""Files from a server on this machine: whole, resumed, refused; and what is said without a network."""

import contextlib
import errno
import hashlib
import http.server
import socket
import threading
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from jaxcnn.data import download
from jaxcnn.data.published import PUBLISHED, RemoteFile

CONTENT = bytes(range(256)) * 300
SUM = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, by ranges where `ranges` is set, of which it sends `most` bytes."""

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.ranges else 0
        self.send_response(206 if start else 200)
        if server.sized:
            self.send_header("Content-Length", str(len(server.content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        self.end_headers()
        self.wfile.write(server.content[start : start + server.most])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("urllib.request.getproxies", dict)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.content, running.asked, running.ranges, running.most = CONTENT, [], True, 1 << 30
        running.sized = True
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def remote(server, **changes) -> RemoteFile:
    url = f"http://127.0.0.1:{server.server_port}/set.gz"
    return RemoteFile(**{"url": url, "size": len(CONTENT), "sha256": SUM} | changes)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


class TestFetch:
    def test_whole_file_and_every_byte_counted(self, server, tmp_path):
        counted = []
        path = download.fetch(remote(server), tmp_path, counted.append)
        assert path.read_bytes() == CONTENT
        assert sum(counted) == len(CONTENT)
        assert names(tmp_path) == ["set.gz"]

    def test_goes_on_where_it_broke_off(self, server, tmp_path):
        server.most = 1000
        with pytest.raises(ConnectionError, match=r"set\.gz broke off .*what came is kept"):
            download.fetch(remote(server), tmp_path, lambda _: None)
        assert names(tmp_path) == ["set.gz.part"]
        server.most, counted = 1 << 30, []
        path = download.fetch(remote(server), tmp_path, counted.append)
        assert path.read_bytes() == CONTENT
        assert server.asked == [None, "bytes=1000-"]
        assert sum(counted) == len(CONTENT)

    def test_server_without_ranges_starts_anew(self, server, tmp_path):
        (tmp_path / "set.gz.part").write_bytes(CONTENT[:1000])
        server.ranges = False
        assert download.fetch(remote(server), tmp_path, lambda _: None).read_bytes() == CONTENT

    def test_fetched_file_is_not_asked_for_again(self, server, tmp_path):
        for _ in range(2):
            download.fetch(remote(server), tmp_path, lambda _: None)
        assert len(server.asked) == 1

    def test_fetched_file_that_was_damaged_since_is_fetched_again(self, server, tmp_path):
        (tmp_path / "set.gz").write_bytes(CONTENT[:1000])
        assert download.fetch(remote(server), tmp_path, lambda _: None).read_bytes() == CONTENT

    @pytest.mark.parametrize("start", [0, 1000])
    def test_wrong_checksum_is_removed(self, server, tmp_path, start):
        if start:
            (tmp_path / "set.gz.part").write_bytes(bytes(start))
        with pytest.raises(ValueError, match=r"set\.gz must have the SHA-256 0000.*, got .* removed: try again, or .*"):
            download.fetch(remote(server, sha256="0" * 64), tmp_path, lambda _: None)
        assert names(tmp_path) == []

    def test_more_than_declared_is_not_taken(self, server, tmp_path):
        server.content, server.sized, counted = CONTENT * 10, False, []
        with pytest.raises(ValueError, match="must have the SHA-256"):
            download.fetch(remote(server), tmp_path, counted.append)
        assert sum(counted) == len(CONTENT) + 1

    @pytest.mark.parametrize("ranges", [True, False])
    def test_a_page_in_place_of_the_file_leaves_the_part_alone(self, server, tmp_path, ranges):
        (tmp_path / "set.gz.part").write_bytes(CONTENT[:100])
        server.content, server.ranges = b"<html>log in</html>" * 10, ranges
        offered = 90 if ranges else 190
        with pytest.raises(
            ConnectionError, match=rf"set\.gz must have [\d,]+ bytes to send, got an answer of {offered},"
        ):
            download.fetch(remote(server), tmp_path, lambda _: None)
        assert (tmp_path / "set.gz.part").read_bytes() == CONTENT[:100]

    def test_refusal(self, server, tmp_path, monkeypatch):
        monkeypatch.setattr(Handler, "do_GET", lambda self: self.send_error(404))
        with pytest.raises(ConnectionError, match=r"set\.gz can't be had \(HTTP Error 404: .*\)$"):
            download.fetch(remote(server), tmp_path, lambda _: None)

    def test_full_disk_stays_itself(self, server, tmp_path, monkeypatch):
        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(download, "_copy", full)
        with pytest.raises(OSError, match="No space left") as error:
            download.fetch(remote(server), tmp_path, lambda _: None)
        assert error.value.errno == errno.ENOSPC


class TestNoNetwork:
    def test_refused(self, monkeypatch):
        monkeypatch.setattr("urllib.request.getproxies", dict)
        with socket.socket() as silent:  # bound, but it does not listen
            silent.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
            with pytest.raises(ConnectionError, match=f"{url} can't be reached"):
                download.check_reachable(url)

    def test_silence_is_not_waited_for(self, monkeypatch):
        # As when the name server doesn't answer: no time limit of a socket ends that.
        released = threading.Event()

        def silent(*_, **__):
            released.wait(60)
            raise OSError("too late")

        monkeypatch.setattr("urllib.request.getproxies", dict)
        monkeypatch.setattr("socket.create_connection", silent)
        monkeypatch.setattr(download, "SECONDS_TO_CONNECT", 0.01)
        with pytest.raises(ConnectionError, match=r"can't be reached \(no answer\)"):
            download.check_reachable("http://example.org/x")
        released.set()

    def test_server_that_never_accepts(self, monkeypatch):
        # A full queue of connections drops the next one without a word, as a black hole in the network does.
        monkeypatch.setattr("urllib.request.getproxies", dict)
        monkeypatch.setattr(download, "SECONDS_TO_CONNECT", 0.1)
        with socket.socket() as deaf, contextlib.ExitStack() as waiting:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            for _ in range(4):
                client = waiting.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(deaf.getsockname())
            with pytest.raises(ConnectionError, match=r"can't be reached \((no answer|timed out)\)"):
                download.check_reachable(f"http://127.0.0.1:{deaf.getsockname()[1]}/x")

    def test_limit_is_what_is_promised(self):
        assert download.SECONDS_TO_CONNECT < 3

    def test_proxy_is_the_first_hop(self, monkeypatch):
        monkeypatch.setattr("urllib.request.getproxies", lambda: {"http": "http://proxy.example:3128"})
        monkeypatch.setattr("urllib.request.proxy_bypass", lambda host: host == "inside.example")
        assert download._first_hop("http://out.example/x") == ("proxy.example", 3128)
        assert download._first_hop("http://inside.example/x") == ("inside.example", 80)
        assert download._first_hop("https://out.example/x") == ("out.example", 443)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_sizes_and_sums_are_those_that_tfds_pins(name):
    pinned = Path(tfds.__file__).with_name("url_checksums") / f"{PUBLISHED[name].family}.txt"
    lines = [line.split("\t") for line in pinned.read_text("utf-8").splitlines()]
    expected = {url: (int(size), sha256) for url, size, sha256, _ in lines}
    assert {file.url: (file.size, file.sha256) for file in PUBLISHED[name].files} == expected
