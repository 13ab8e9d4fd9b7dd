"""The contenders' processes: started, asked, and ended."""

import json
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
LIMIT = 60.0  # seconds


@dataclass(frozen=True)
class Contender:
    """A program that does the benchmark's work, and the interpreter that runs it."""

    name: str
    module: str
    python: str
    environment: Mapping[str, str] = field(default_factory=dict)


class Worker:
    """A contender's running process: its `kinds` of work, its packages' `versions`, and the `import_seconds` from its
    start until it was ready."""

    def __init__(self, contender: Contender, *, limit: float = LIMIT):
        """`limit` is how many seconds an answer may take before the process is ended.

        Raises:
          OSError: the process doesn't start or says nothing.
        """
        self.name, self._contender, self._limit = contender.name, contender, limit
        self._start()

    def _start(self) -> None:
        start = time.perf_counter()
        self._process = subprocess.Popen(
            [self._contender.python, "-m", self._contender.module],
            cwd=ROOT,
            env={**os.environ, **self._contender.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        hello = self._read()
        if "error" in hello:
            raise OSError(f"the contender {self.name} doesn't start: {hello['error']}; run its module alone to see why")
        self.import_seconds = time.perf_counter() - start
        self.kinds, self.versions = hello["kinds"], hello["versions"]

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to a request, or `{"error": …}` from a process that fails, ends or takes too long.

        A process that has ended is started again for new work.
        """
        if self._process.poll() is not None:
            self._start()
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
        except OSError:
            return {"error": "the process ended"}
        return self._read()

    def _read(self) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        # Replies are single lines, and a reply is read before the next request: none can lie in a buffer.
        if not select.select([stdout], [], [], self._limit)[0]:
            self.close()
            return {"error": f"no answer within {self._limit:.0f} s"}
        line = stdout.readline()
        if not line:
            self.close()
            return {"error": "the process ended without a reply"}
        return json.loads(line)

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


PROBE = """
import importlib.util as u
found = {name for name in ("torch", "keras", "tensorflow", "jax") if u.find_spec(name)}
print(*sorted(found))
"""


def peers_of(python: str) -> list[Contender]:
    """The contenders that an interpreter can run: PyTorch, and Keras on TensorFlow and on JAX.

    Raises:
      ValueError: for what is no interpreter, or one that has none of them.
    """
    try:
        found = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError) as error:
        raise ValueError(f"--peers must name Python interpreters; {python} could not be run ({error})") from error
    peers = possible_peers(python, set(found))
    if not peers:
        raise ValueError(f"--peers must name interpreters that have torch or keras; {python} has neither")
    return peers


def possible_peers(python: str, packages: set[str]) -> list[Contender]:
    """The contenders that these packages allow."""
    peers = [Contender("PyTorch", "experiments.peers.torch_worker", python)] if "torch" in packages else []
    for backend, name in (("tensorflow", "Keras-TF"), ("jax", "Keras-JAX")):
        if {"keras", backend} <= packages:
            environment = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
            peers.append(Contender(name, "experiments.peers.keras_worker", python, environment))
    return peers


def own_contenders(python: str) -> Sequence[Contender]:
    """Ours, and plain Flax on lax."""
    return [
        Contender("jaxcnn", "experiments.peers.jaxcnn_worker", python),
        Contender("Flax", "experiments.peers.flax_worker", python),
    ]
