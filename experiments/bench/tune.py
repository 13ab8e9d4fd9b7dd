"""The forms of a convolution measured on this machine: what the table in `jaxcnn.lowering.select` rests on.

For the convolutions of the lecture models, forward, gradient to the input and gradient to the kernel, every form that
could serve, with slices of the batch of several sizes. ← marks what the programs of `jaxcnn.training` take, (←) what
others take where that differs: they don't call oneDNN, so that XLA can serialize them.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from experiments.bench.forms_page import cells
from experiments.bench.models import lecture_models, shape_after
from experiments.bench.results import command
from experiments.bench.timing import take_turns
from experiments.harness.environment import environment
from experiments.harness.tables import print_table
from experiments.peers.jax_operations import repeat_calls
from jaxcnn.lowering import exchanged, kernel_gradient, onednn, patches, select, spread
from jaxcnn.lowering.taps import padded
from jaxcnn.training.compiling import compiling
from jaxcnn.visualization import write_atomically

SLICES = tuple(2**power for power in range(18, 25, 2))
# A form's name -> where the bytes of its slices are written down.
SLICED: dict[str, tuple[ModuleType, str]] = {
    "sliced": (select, "UNROLLED_BYTES"),
    "spread": (spread, "PRODUCT_BYTES"),
    "strips": (kernel_gradient, "STRIP_BYTES"),
    "patches by oneDNN": (patches, "PATCH_BYTES"),
    "exchanged by oneDNN": (exchanged, "COTANGENT_BYTES"),
}
ONEDNN, BLOCKS = "oneDNN", "blocks by oneDNN"
NAMES: dict[Any, str] = {select.by_onednn: ONEDNN, select.blocks_by_onednn: BLOCKS}
NUMBERS = lax.ConvDimensionNumbers((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))


class Layer(NamedTuple):
    """A convolution of stride 1: shapes of its input and kernel, and its padding."""

    x: tuple[int, ...]
    kernel: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]

    @property
    def out(self) -> tuple[int, ...]:
        sizes = zip(self.x[1:3], self.kernel[:2], self.padding, strict=True)
        return (self.x[0], *(n + low + high - k + 1 for n, k, (low, high) in sizes), self.kernel[-1])

    def __str__(self) -> str:
        shapes = ("×".join(map(str, shape)) for shape in (self.x, self.kernel))
        return " * ".join(shapes) + (" SAME" if any(map(any, self.padding)) else "")


class Candidate(NamedTuple):
    """A form with a size of its slices, as a function of two arrays; `slice_bytes` is 0 where it has none.

    `chosen`: who takes it, "training", "others", "both" or "".
    """

    form: str
    slice_bytes: int
    call: Callable[[Any, Any], Any]
    chosen: str = ""


def main(labels: Sequence[str], *, batch: int, seconds: float, folder: Path) -> list[dict[str, Any]]:
    """Measure and print every layer of the models, one table a layer and pass; the lines as numbers, and forms.json."""
    found: list[dict[str, Any]] = []
    for layer in layers_of(labels, batch):
        for name, (left, right, candidates) in passes(layer).items():
            print(f"{layer}, {name}", file=sys.stderr)
            lines = measure(candidates, *arrays(left, right), seconds=seconds)
            flops = int(2 * np.prod(layer.out[:3]) * np.prod(layer.kernel))
            found += [{"layer": str(layer), "pass": name, "flops": flops, **line} for line in lines]
            print_table([cells(line) for line in found[-len(lines) :]], title=f"{layer}, {name}")
    result = {"environment": environment() | {"command": command(sys.argv[1:])}, "batch": batch, "rows": found}
    write_atomically(folder / "forms.json", json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return found


def layers_of(labels: Sequence[str], batch: int) -> list[Layer]:
    """The convolutions of the models, each once."""
    found: dict[Layer, None] = {}
    for entry in (entry for entry in lecture_models() if entry.label in labels):
        shape: tuple[int, ...] = (28, 28, 1)
        for spec in entry.layers:
            if spec["layer"] == "conv":
                window, after = spec["window"], shape_after(spec, shape)
                pad = (window - 1) // 2 if spec["padding"] == "SAME" else 0
                kernel = (window, window, shape[-1], after[-1])
                found[Layer((batch, *shape), kernel, ((pad, pad),) * 2)] = None
            shape = shape_after(spec, shape)
    return list(found)


def passes(layer: Layer) -> dict[str, tuple[tuple[int, ...], tuple[int, ...], list[Candidate]]]:
    """Forward and the two gradients: shapes of both operands, and what could compute them."""
    k, turned = layer.kernel, (*layer.kernel[:2], layer.kernel[3], layer.kernel[2])
    back = tuple((w - 1 - low, w - 1 - high) for w, (low, high) in zip(k, layer.padding, strict=False))
    found = {
        "forward": (layer.x, k, canonical(layer.x, k, layer.padding)),
        "gradient to the kernel": (layer.x, layer.out, to_kernel(layer)),
    }
    if layer.x[-1] > 1:  # nobody asks for the gradient to the images
        found["gradient to the input"] = (layer.out, turned, canonical(layer.out, turned, back))
    return found


def options(padding: Any) -> dict[str, Any]:
    """lax's parameters of a canonical convolution."""
    return {
        "window_strides": (1, 1),
        "padding": padding,
        "lhs_dilation": (1, 1),
        "rhs_dilation": (1, 1),
        "dimension_numbers": NUMBERS,
        "feature_group_count": 1,
        "batch_group_count": 1,
        "precision": None,
        "preferred_element_type": None,
    }


def canonical(x: Any, kernel: Any, padding: Any) -> list[Candidate]:
    """lax's form, and every form of `select` that takes a convolution of one group."""
    params = options(padding)
    operands = [_struct(shape) for shape in (x, kernel)]

    def call_of(x: Any, kernel: Any) -> select.Call:
        shape = jax.eval_shape(lambda x, kernel: lax.conv_general_dilated(x, kernel, **params), x, kernel).shape
        return select.Call(x, kernel, shape[1:-1], params)

    def taken(by_onednn: bool) -> Any:
        with onednn.in_force(by_onednn):
            return select.choose(call_of(*operands))

    training, others = taken(True), taken(False)
    found = [Candidate("lax", 0, lambda x, kernel: lax.conv_general_dilated(x, kernel, **params))]
    is_available, block = onednn.is_available(), select.block_of(call_of(*operands))
    serves = {"multiplied": False, ONEDNN: is_available, BLOCKS: is_available and block > 1}  # the first is for groups
    for form in dict.fromkeys(rule.form for rule in select.RULES):
        name = NAMES.get(form, form.__name__.strip("_"))
        if serves.get(name, True):
            call = lambda x, kernel, form=form: form(lax.conv_general_dilated, call_of(x, kernel))  # noqa: E731
            found += by_slices(name, call, who(form is training, form is others))
    return found


def who(training: bool, others: bool) -> str:
    """Who takes a form."""
    return "both" if training and others else "training" if training else "others" if others else ""


def to_kernel(layer: Layer) -> list[Candidate]:
    """What autodiff makes of lax's convolution, our matrix products, and where oneDNN is available its forms."""
    params, (x, g, kernel) = options(layer.padding), map(_struct, (layer.x, layer.out, layer.kernel))
    window = layer.kernel[:2]

    def of_lax(x: Any, g: Any) -> Any:
        return jax.linear_transpose(lambda kernel: lax.conv_general_dilated(x, kernel, **params), kernel)(g)[0]

    def strips(x: Any, g: Any) -> Any:
        return kernel_gradient.kernel_gradient(x, g, **params)

    def of_patches(x: Any, g: Any) -> Any:
        whole = padded(x, layer.padding, (1, 1))
        return patches.kernel_gradient(whole, g, window=window, strides=(1, 1), spacing=(1, 1))

    def of_exchanged(x: Any, g: Any) -> Any:
        return exchanged.kernel_gradient(x, g, window, **params)

    is_available, suits = onednn.is_available(), exchanged.suits(x, g, **params)
    found = [Candidate("lax", 0, of_lax), *by_slices("strips", strips, who(not is_available, True))]
    if is_available:
        found += by_slices("patches by oneDNN", of_patches, who(not suits, False))
        found += by_slices("exchanged by oneDNN", of_exchanged, who(suits, False))
    return found


def _struct(shape: tuple[int, ...]) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def by_slices(name: str, call: Callable[[Any, Any], Any], chosen: str) -> Iterator[Candidate]:
    """The form with slices of each size, its own among them."""
    if name not in SLICED:
        yield Candidate(name, 0, call, chosen)
        return
    own = getattr(*SLICED[name])
    for size in sorted({*SLICES, own}):
        yield Candidate(name, size, call, chosen if size == own else "")


@contextlib.contextmanager
def slices_of(candidate: Candidate) -> Iterator[None]:
    """The candidate's size of slices in place of the module's own, while it is traced."""
    if candidate.form not in SLICED:
        yield
        return
    module, name = SLICED[candidate.form]
    own = getattr(module, name)
    setattr(module, name, candidate.slice_bytes)
    try:
        yield
    finally:
        setattr(module, name, own)


def arrays(*shapes: tuple[int, ...]) -> list[jax.Array]:
    """Random operands."""
    rng = np.random.default_rng(0)
    return [jnp.asarray(rng.standard_normal(shape, np.float32)) for shape in shapes]


def measure(candidates: Sequence[Candidate], x: Any, y: Any, *, seconds: float) -> list[dict[str, Any]]:
    """The candidates' milliseconds, in turns, fastest first."""
    runs = {}
    for number_, candidate in enumerate(candidates):
        with slices_of(candidate), compiling(), onednn.in_force(False):
            program = jax.jit(candidate.call).lower(x, y).compile()
        runs[str(number_)] = repeat_calls(program, x, y)
        runs[str(number_)](1)
    timings, _ = take_turns(runs, seconds=seconds)
    lines = [
        {"form": c.form, "slice_bytes": c.slice_bytes, "ms": timings[str(n)].ms, "chosen": c.chosen}
        for n, c in enumerate(candidates)
    ]
    return sorted(lines, key=lambda line: line["ms"])
