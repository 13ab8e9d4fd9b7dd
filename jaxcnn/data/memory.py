"""How much memory is free, so that a set which can't fit is refused before the machine stalls."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def free_memory() -> int | None:
    """Bytes that this process may still take: what Linux counts as available, within its control groups' limits.

    None where the system does not tell.

    Source: proc_meminfo(5), MemAvailable; the kernel's cgroup-v2 documentation, memory.max.
    """
    found = [_available(), *map(left_in_group, own_groups())]
    return min((number for number in found if number is not None), default=None)


def refuse_more_than_memory(count: int, shape: Sequence[int], path: Path) -> None:
    """ValueError where `count` uint8 images of this shape take more than is free; `path` is one of them."""
    needed, free = count * math.prod(shape), free_memory()
    if free is not None and needed > free:
        size = "×".join(map(str, shape))
        raise ValueError(
            f"{count:,} images like {path}, {size}, must fit into memory to be read at once, got {shown_bytes(needed)}"
            f" for {shown_bytes(free)} that are free; stream them by data.stream('folder:PATH', …) and"
            " training.fit_stream (experiments: --stream, and a small --validation), or make them smaller by"
            " image_size."
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


def own_groups(listing: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> Iterator[Path]:
    """The folders of the group that this process is in and of those around it, each of which may set a limit."""
    try:
        lines = listing.read_text("utf-8").splitlines()
    except OSError:
        lines = []
    for group in [line.removeprefix("0::/") for line in lines if line.startswith("0::/")] or [""]:
        yield from (root.joinpath(*Path(group).parts[:depth]) for depth in range(len(Path(group).parts) + 1))


def left_in_group(group: Path) -> int | None:
    """Bytes within the group's limit. Cached files are counted as used there, and given up when room is needed."""
    try:
        most, used = ((group / name).read_text("ascii").strip() for name in ("memory.max", "memory.current"))
        lines = (group / "memory.stat").read_text("ascii").splitlines()
        cached = [line.split()[1] for line in lines if line.startswith("file ")]
    except OSError:
        return None
    return int(most) - int(used) + int(cached[0]) if most.isdigit() and cached else None
