"""Tables, pictures and sentences of what the border contributes to trained nets."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from flax import nnx

from experiments.harness.border import erased, gradient_by_ring
from experiments.harness.results import write_picture
from experiments.harness.statistics import band, estimate, judge, paired
from experiments.harness.tables import Records
from jaxcnn.data import Dataset
from jaxcnn.training import evaluate
from jaxcnn.visualization import Curve, Picture, Section, curves

WIDTHS = (1, 2, 3, 4)  # outermost pixels that are erased
FEWER_WINDOWS = 2  # outermost pixels that fewer windows of 3×3 see than the others, where nothing is padded


class Border(NamedTuple):
    """What the runs of one variant make of the border: seed -> a list.

    Attributes:
      gradients: relative |gradient| of a pixel at distance 1, 2, … from the border.
      losses: accuracy lost when the outermost 1, 2, … pixels are erased.
    """

    gradients: Mapping[int, list[float]]
    losses: Mapping[int, list[float]]


def measure_borders(models: Mapping[int, nnx.Module], test: Dataset) -> Border:
    """Both measures of trained models, on the test images."""
    sets = [test, *(erased(test, width) for width in WIDTHS)]
    losses = {}
    for seed, model in models.items():
        whole, *without = (evaluate(model, images)["accuracy"] for images in sets)
        losses[seed] = [whole - accuracy for accuracy in without]
    return Border({seed: gradient_by_ring(model, test) for seed, model in models.items()}, losses)


def lost_records(borders: Mapping[str, Border]) -> Records:
    """A line a variant: the accuracy that its border pixels are worth, in percentage points."""
    return [
        {"variant": label}
        | {f"outermost {width} px": _points(_at(border.losses, place)) for place, width in enumerate(WIDTHS)}
        for label, border in borders.items()
    ]


def _points(lost: Mapping[int, float]) -> str:
    return f"{estimate([100 * share for share in lost.values()]).text(2)} points"


def border_sections(folder: Path, borders: Mapping[str, Border]) -> list[Section]:
    """The curves of both measures; nothing where nothing was trained."""
    if not borders:
        return []
    told = "Gradients and accuracies of the test images, means over the seeds; the nets were trained on whole images."
    return [Section("What the border contributes", [told, _gradients(folder, borders), _losses(folder, borders)])]


def _gradients(folder: Path, borders: Mapping[str, Border]) -> Picture:
    figure = curves(
        [_curve(label, border.gradients, 0.0, math.inf) for label, border in borders.items()],
        title="How much the logit of the true class depends on a pixel",
        ylabel="|gradient| / mean of all pixels",
        xlabel="distance from the border (pixels)",
        solid_label="mean over seeds",
    )
    return write_picture(folder, "border_gradients", figure, "Lines: mean gradient by distance from the border.")


def _losses(folder: Path, borders: Mapping[str, Border]) -> Picture:
    figure = curves(
        [_curve(label, border.losses, -1.0, 1.0) for label, border in borders.items()],
        title="Accuracy lost when the border is erased",
        ylabel="accuracy lost (fraction)",
        xlabel="outermost pixels erased",
        solid_label="mean over seeds",
    )
    return write_picture(folder, "border_erased", figure, "Lines: accuracy lost by pixels erased at the border.")


def _curve(label: str, by_seed: Mapping[int, list[float]], least: float, most: float) -> Curve:
    places = [estimate(values) for values in zip(*by_seed.values(), strict=True)]
    return Curve("two_convs", label, [place.mean for place in places], False, *band(places, least, most))


def border_sentences(borders: Mapping[str, Border]) -> list[str]:
    """Whether the border counts for less without padding: by the gradients of trained nets, and by accuracy."""
    valid, same = (borders.get(f"{padding}, stride 1") for padding in ("valid", "same"))
    if valid is None or same is None:
        return []
    place = WIDTHS.index(FEWER_WINDOWS)
    gradients, losses = (
        paired(_at(first, index), _at(second, index))
        for first, second, index in ((same.gradients, valid.gradients, 0), (same.losses, valid.losses, place))
    )
    return [
        judge(
            "Without padding the border counts for less in trained nets",
            "|gradient| of the outermost pixels relative to all, same minus valid, stride 1",
            gradients,
            2,
        ),
        judge(
            "Without padding erasing the border costs less",
            f"accuracy lost with the outermost {FEWER_WINDOWS} pixels, same minus valid, stride 1",
            losses,
        ),
    ]


def _at(by_seed: Mapping[int, list[float]], place: int) -> dict[int, float]:
    return {seed: values[place] for seed, values in by_seed.items()}
