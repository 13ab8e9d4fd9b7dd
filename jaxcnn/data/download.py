"""One file from the network: whole under its checksum or not there, gone on with where it broke off."""

import hashlib
import http.client
import os
import queue
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from jaxcnn.data.published import RemoteFile

SECONDS_TO_CONNECT = 1.8  # so that a missing network is told within 3, those in which Python starts included
SECONDS_TO_WAIT = 30  # for the next bytes of a server that answered
_PIECE = 1 << 16


def fetch(remote: RemoteFile, folder: Path, advance: Callable[[int], object]) -> Path:
    """Downloads one file into `folder`, by way of NAME.part, which a later call goes on with.

    Args:
        remote: address, size and SHA-256.
        folder: exists already.
        advance: called with the number of bytes that are newly there.

    Returns:
        The file, of the very size and sum.

    Raises:
        ConnectionError: no connection within 3 seconds, a server's refusal, or one that breaks off.
        ValueError: bytes of another size or sum; they are removed.
        OSError: a folder that can't be written to.
    """
    path, part = folder / remote.name, folder / f"{remote.name}.part"
    if path.exists():
        if _sum(path) == remote.sha256:
            advance(remote.size)
            return path
        path.unlink()  # a disk or a system that failed has damaged it since
    start = part.stat().st_size if part.exists() else 0
    if start < remote.size:
        check_reachable(remote.url)
        _receive(remote, part, start, advance)
    else:
        advance(remote.size)
    _check(part, remote)
    os.replace(part, path)
    return path


def check_reachable(url: str) -> None:
    """Connects to the server of `url`, or to the proxy before it, and hangs up.

    Raises:
        ConnectionError: no connection within 3 seconds, the time for finding the address included.
    """
    host, port = _first_hop(url)
    answers: queue.Queue[OSError | None] = queue.Queue()
    # In a thread, as looking up a name has no time limit of its own.
    threading.Thread(target=_connect, args=(host, port, answers), daemon=True).start()
    try:
        failure = answers.get(timeout=SECONDS_TO_CONNECT)
    except queue.Empty:
        failure = OSError("no answer")
    if failure is not None:
        raise ConnectionError(f"{url} can't be reached ({failure})") from failure


def _first_hop(url: str) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        parts = urllib.parse.urlsplit(proxy if "//" in proxy else f"//{proxy}", scheme="http")
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _connect(host: str, port: int, answers: "queue.Queue[OSError | None]") -> None:
    try:
        socket.create_connection((host, port), timeout=SECONDS_TO_CONNECT).close()
        answers.put(None)
    except OSError as error:
        answers.put(error)


def _receive(remote: RemoteFile, part: Path, start: int, advance: Callable[[int], object]) -> None:
    with _answer(remote, start) as answer:
        goes_on = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        left = remote.size - (start if goes_on else 0)
        _check_length(remote, answer.headers.get("Content-Length"), left)
        if goes_on:
            advance(start)
        try:
            with open(part, "ab" if goes_on else "wb") as file:
                _copy(answer, file, left, advance)
        except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
            raise ConnectionError(f"{remote.url} broke off ({error}); what came is kept and gone on with") from error
    if (size := part.stat().st_size) < remote.size:
        raise ConnectionError(
            f"{remote.url} broke off after {size:,} of {remote.size:,} bytes; what came is kept and gone on with"
        )


def _answer(remote: RemoteFile, start: int) -> Any:
    request = urllib.request.Request(remote.url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        return urllib.request.urlopen(request, timeout=SECONDS_TO_WAIT)
    except (urllib.error.HTTPError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise ConnectionError(f"{remote.url} can't be had ({error})") from error
    except urllib.error.URLError as error:
        raise ConnectionError(f"{remote.url} can't be had ({error.reason})") from error


def _check_length(remote: RemoteFile, declared: str | None, left: int) -> None:
    """Refuse what is another file, before the part that is there is written over by it."""
    if declared is not None and declared != str(left):
        raise ConnectionError(
            f"{remote.url} must have {left:,} bytes to send, got an answer of {declared}, as pages have on which a"
            " network asks to log in"
        )


def _copy(answer: Any, file: IO[bytes], size: int, advance: Callable[[int], object]) -> None:
    # One byte more than there should be is enough to know, however much a server sends.
    left = size + 1
    while left and (piece := answer.read(min(left, _PIECE))):
        file.write(piece)
        left -= len(piece)
        advance(len(piece))


def _check(part: Path, remote: RemoteFile) -> None:
    got = _sum(part)
    if got != remote.sha256:
        part.unlink()
        raise ValueError(
            f"{remote.url} must have the SHA-256 {remote.sha256}, got {got}; the file is removed: try again, "
            "or name a folder with the right files by --data-dir."
        )


def _sum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
