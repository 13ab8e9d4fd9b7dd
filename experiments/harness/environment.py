"""Where and when a result was measured."""

import datetime
import os
import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path

import jax

PACKAGES = ("jaxcnn", "jax", "jaxlib", "flax", "optax", "numpy")


def environment() -> dict[str, str]:
    """Command, date, machine, device and versions, as text."""
    devices = jax.devices()
    return {
        "command": shlex.join(["python", "-m", module(), *sys.argv[1:]]),
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "device": f"{len(devices)} × {devices[0].device_kind} ({jax.default_backend()})",
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def module() -> str:
    """What follows `python -m` in this process's command."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec.name.removesuffix(".__main__") if spec else "experiments"


def _processor() -> str:
    """The processor's name; Linux alone tells it in a file."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
