"""The benchmark's cases: what each section times, and beside whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.bench.models import Entry, lecture_models

IMAGE, CLASSES = [28, 28, 1], 10
GRADIENTS = {"": "forward", "kernel": "and gradient to the kernel", "both": "and both gradients"}


@dataclass(frozen=True)
class Item:
    """A line of a section: what is timed by which contenders; `work` is what they are told."""

    section: str
    label: str
    work: Mapping[str, Any]
    batch: int
    contenders: Sequence[str] = field(default=())  # all that can, where empty

    @property
    def group(self) -> str:
        """Items of one group share their contenders' processes."""
        return self.label if self.section in ("step", "forward") else self.section


def model_work(kind: str, entry: Entry, batch: int, image: Sequence[int] = IMAGE) -> dict[str, Any]:
    """A step or a forward pass of a model."""
    return {
        "kind": kind,
        "model": entry.model,
        "options": entry.options,
        "layers": list(entry.layers),
        "image": list(image),
        "classes": CLASSES,
        "batch": batch,
    }


def model_items(section: str, kind: str, models: Sequence[str], batches: Sequence[int]) -> list[Item]:
    """Every model at every batch, small batches first, so that each one's highest memory is its own."""
    return [
        Item(section, entry.label, model_work(kind, entry, batch), batch)
        for entry in lecture_models()
        if entry.label in models or entry.model in models
        for batch in sorted(batches)
    ]


def operation_work(operation: str, x: Sequence[int], kernel: Sequence[int], gradient: str, **options: Any) -> Any:
    """A single operation, in float32; `x` and `kernel` are shapes, channels last."""
    defaults = {"strides": 1, "padding": 0, "output_padding": 0}
    shapes = {"operation": operation, "x": list(x), "kernel": list(kernel), "gradient": gradient}
    return {"kind": "operation", **defaults, **shapes, **options}


def transpose_items() -> list[Item]:
    """Transposed convolutions: jax issue 31662's in float32, whole and with an eighth of its cells, since lax takes
    seconds for each; a long one-dimensional one as in jax issue 23783; and a decoder's in two dimensions."""
    volume = {"kernel": (3, 3, 3, 1, 64), "strides": 2, "padding": 1, "output_padding": 1}
    signal = {"x": (4, 64, 128), "kernel": (256, 1, 128), "strides": 64}
    image = {"x": (16, 14, 14, 64), "kernel": (3, 3, 32, 64), "strides": 2, "padding": 1, "output_padding": 1}
    cases = {
        "3-D, 32×32×16×64 to 64×64×32×1": {"x": (1, 32, 32, 16, 64), **volume},
        "1-D, 64×128 to 4288×1, window 256": signal,
        "2-D, 14×14×64 to 28×28×32": image,
    }
    whole = operation_work("conv_transpose", (1, 64, 64, 32, 64), gradient="kernel", **volume)
    issue = Item("conv_transpose", f"3-D of jax issue 31662, {GRADIENTS['kernel']}", whole, 1)
    return [issue, *_with_gradients("conv_transpose", "conv_transpose", cases)]


def depthwise_items() -> list[Item]:
    """The depthwise convolution of jax issue 23713, 256 channels of 124×124."""
    case = {"x": (1, 124, 124, 256), "kernel": (3, 3, 256, 1), "padding": 1}
    return _with_gradients("depthwise", "depthwise_conv", {"124×124×256 of jax issue 23713": case})


def _with_gradients(section: str, operation: str, cases: Mapping[str, dict[str, Any]]) -> list[Item]:
    return [
        Item(section, f"{label}, {words}", operation_work(operation, gradient=gradient, **case), case["x"][0])
        for label, case in cases.items()
        for gradient, words in GRADIENTS.items()
    ]


def loop_items() -> list[Item]:
    """Inside a loop and outside: jax issue 12868's convolution, twice, and the training steps of convnet."""
    issue: dict[str, Any] = {
        "kind": "repeated",
        "operation": "conv",
        "x": [1, 1000, 1024],
        "kernel": [1, 1000, 1000],
        "padding": 0,
        "gradient": "",
        "times": 2,
        "data_format": "channels_first",
    }
    items = [
        Item("loop", f"jax issue 12868's convolution, {words} fori_loop", {**issue, "inside": inside}, 1)
        for words, inside in (("outside", False), ("inside", True))
    ]
    for entry in (entry for entry in lecture_models() if entry.model == "convnet"):
        for words, kind in (("a call a step", "single_step"), ("inside fori_loop", "step")):
            work = model_work(kind, entry, 64)
            items.append(Item("loop", f"training step of {entry.label}, {words}", work, 64, ("jaxcnn",)))
    return items


def scaling_items(*, most: int = 1024) -> list[Item]:
    """Our step by batch, by image size, and by channels of one layer."""
    convnet = next(entry for entry in lecture_models() if entry.label == "convnet max")
    ours = ("jaxcnn",)
    batches = [
        Item("scaling", f"batch {batch}", model_work("step", convnet, batch), batch, ours)
        for batch in (1, 4, 16, 64, 256, 1024)
        if batch <= most
    ]
    sizes = [
        Item("scaling", f"image {size}×{size}", model_work("step", convnet, 16, (size, size, 1)), 16, ours)
        for size in (28, 56, 112, 224)
        if size * size * 16 <= most * 28 * 28
    ]
    channels = [
        Item("scaling", f"{n} channels", operation_work("conv", (16, 28, 28, n), (3, 3, n, n), "both"), 16, ours)
        for n in (8, 16, 32, 64, 128, 256)
        if n <= most
    ]
    return [*batches, *sizes, *channels]
