"""How much memory is free, so that a set which can't fit is refused before the machine stalls."""

import math
from collections.abc import Sequence
from pathlib import Path

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def free_memory() -> int | None:
    """Bytes that this process may still take: what Linux counts as available, within its control group's limit.

    None where the system does not tell.

    Source: proc_meminfo(5), MemAvailable; the kernel's cgroup-v2 documentation, memory.max.
    """
    found = [number for number in (_available(), left_in_group()) if number is not None]
    return min(found, default=None)


def refuse_more_than_memory(count: int, shape: Sequence[int], path: Path) -> None:
    """ValueError where `count` uint8 images of this shape take more than is free; `path` is one of them."""
    needed, free = count * math.prod(shape), free_memory()
    if free is not None and needed > free:
        size = "×".join(map(str, shape))
        raise ValueError(
            f"{count:,} images like {path}, {size}, must fit into memory to be read at once, got {shown_bytes(needed)}"
            f" for {shown_bytes(free)} that are free; stream them by data.stream('folder:PATH', …) and"
            " training.fit_stream, or make them smaller by image_size."
        )


def shown_bytes(count: int) -> str:
    """A number of bytes as people read it: 1.5 GiB."""
    power = min(max(count.bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    return f"{count / 1024**power:.4g} {_UNITS[power]}"


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    kilobytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(kilobytes[0]) * 1024 if kilobytes else None


def left_in_group(group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Cached files are counted as used there, and are given up when room is needed."""
    try:
        most, used = ((group / name).read_text("ascii").strip() for name in ("memory.max", "memory.current"))
        lines = (group / "memory.stat").read_text("ascii").splitlines()
        cached = [line.split()[1] for line in lines if line.startswith("file ")]
    except OSError:
        return None
    return int(most) - int(used) + int(cached[0]) if most.isdigit() and cached else None
