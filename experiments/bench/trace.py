"""What a compiled program's instructions are for, and how the wall clock falls to them.

XLA writes into a program's text which operation an instruction comes from (`op_name`, with `transpose(` in what
autodiff wrote backward) and from which line of Python (a table of stack frames); the profiler's trace names the
instruction that ran. Nothing is guessed from the names that XLA gives its fusions.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

FORWARD = "convolutions, forward"
TO_INPUT = "convolutions, gradient to the input"
TO_KERNEL = "convolutions, gradient to the kernel: products"
COPIES = "convolutions: patches and other copies"
DENSE = "dense layers"
POINTWISE = "pooling, activations, biases, loss"
OPTIMIZER = "optimizer"
IMAGES = "images taken and scaled"
REST = "dispatch, the loop and the rest"
KINDS = (FORWARD, TO_INPUT, TO_KERNEL, COPIES, DENSE, POINTWISE, OPTIMIZER, IMAGES, REST)

CONTAINERS = {"while", "call", "conditional"}  # what they hold has events of its own
CONVOLUTIONS = re.compile(r"jaxcnn/functional/(conv|depthwise|transpose|local)\.py")


class Instruction(NamedTuple):
    """An instruction, the JAX operation it comes from, and `file function` of every caller, a line each."""

    opcode: str
    op_name: str
    target: str
    callers: str


class Event(NamedTuple):
    """When an instruction ran, in any unit."""

    kind: str
    start: float
    end: float


def instructions(text: str) -> dict[str, Instruction]:
    """Name -> instruction, from a compiled program's `as_text()`.

    Raises:
      ValueError: the text says not where its instructions come from, as other versions of JAX may have it.
    """
    frames = _callers(text)
    found = {}
    for line in text.splitlines():
        if parts := re.match(r"\s+(?:ROOT )?%?([\w.-]+) = .*?\s([\w-]+)\(", line):
            frame = _field(line, r"stack_frame_id=(\d+)")
            target = _field(line, r'custom_call_target="([^"]*)"')
            found[parts[1]] = Instruction(parts[2], _field(line, r'op_name="([^"]*)"'), target, frames.get(frame, ""))
    return found


def _field(line: str, pattern: str) -> str:
    found = re.search(pattern, line)
    return found[1] if found else ""


def _callers(text: str) -> dict[str, str]:
    """Stack frame -> `file function` of it and all its callers."""
    files, functions = (_table(text, name, r'"(.*)"') for name in ("FileNames", "FunctionNames"))
    places = _table(text, "FileLocations", r"file_name_id=(\d+) function_name_id=(\d+)")
    named = {n: f"{files[place[0]][0]} {functions[place[1]][0]}" for n, place in places.items()}
    found: dict[str, str] = {}
    # A frame's parent is written as its number plus 1, after all its own callers.
    for number, (place, parent) in _table(text, "StackFrames", r"location_id=(\d+) parent_frame_id=(\d+)").items():
        found[number] = f"{named[place]}\n{found.get(str(int(parent) - 1), '')}"
    return found


def _table(text: str, name: str, pattern: str) -> dict[str, tuple[str, ...]]:
    block = re.search(rf"^{name}\n((?:\d+ .*\n)+)", text, re.MULTILINE)
    if block is None:
        raise ValueError(f"the program's text must hold a table of {name}; this version of JAX writes none")
    lines = (re.match(rf"(\d+) .*?{pattern}", line) for line in block[1].splitlines())
    return {line[1]: line.groups()[1:] for line in lines if line}


def kind_of(instruction: Instruction) -> str:
    """What the instruction is for, one of `KINDS`."""
    _, op_name, _, callers = instruction
    if CONVOLUTIONS.search(callers) and "with_bias" not in callers:
        return _kind_in_convolution(instruction)
    if "nn/linear.py" in callers:
        return DENSE
    if "training/examples.py" in callers or "scale_images" in callers:
        return IMAGES
    if "jvp(" in op_name or "training/metrics.py" in callers:
        return POINTWISE
    return OPTIMIZER if "optax/" in callers else REST


def _kind_in_convolution(instruction: Instruction) -> str:
    opcode, op_name, target, _ = instruction
    backward = "transpose(" in op_name
    if opcode == "convolution" or "convolution" in target or op_name.endswith("conv_general_dilated"):
        if "kernel_gradient" in op_name:
            return TO_KERNEL
        return TO_INPUT if backward else FORWARD
    if opcode == "dot" or "matmul" in target or op_name.endswith("dot_general"):
        return TO_KERNEL if backward else FORWARD
    return COPIES


def kinds_of(text: str) -> dict[str, str]:
    """Name in a trace -> kind, for the instructions that do work themselves."""
    return {
        f"{name}{found.target}": kind_of(found)
        for name, found in instructions(text).items()
        if found.opcode not in CONTAINERS
    }


def shared_time(events: Iterable[Event]) -> dict[str, float]:
    """Kind -> its part of the wall clock: every moment is shared equally by what runs in it, on any thread."""
    changes = sorted(
        change for event in events for change in ((event.start, 1, event.kind), (event.end, -1, event.kind))
    )
    found: dict[str, float] = {}
    running, last = Counter[str](), 0.0
    for at, change, kind in changes:
        if several := running.total():
            for other, count in running.items():
                found[other] = found.get(other, 0.0) + (at - last) * count / several
        running[kind] += change
        last = at
    return found


def with_rest(times: Mapping[str, float], whole: float) -> dict[str, float]:
    """All kinds in their order; what no instruction ran in is the loop's."""
    rest = whole - sum(time for kind, time in times.items() if kind != REST)
    return {kind: rest if kind == REST else times.get(kind, 0.0) for kind in KINDS}
