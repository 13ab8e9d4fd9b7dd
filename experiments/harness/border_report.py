"""Tables, pictures and sentences of what the border contributes to trained nets."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from flax import nnx

from experiments.harness.border import erased, gradient_by_ring, mean_curve
from experiments.harness.results import write_picture
from experiments.harness.statistics import judge, paired
from experiments.harness.tables import Records
from jaxcnn.data import Dataset
from jaxcnn.training import evaluate
from jaxcnn.visualization import Curve, Picture, Section, curves

WIDTHS = (1, 2, 3, 4)  # outermost pixels that are erased


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
        | {
            f"outermost {width} px": f"{100 * loss:.2f} points"
            for width, loss in zip(WIDTHS, mean_curve(border.losses.values()), strict=True)
        }
        for label, border in borders.items()
    ]


def border_sections(folder: Path, borders: Mapping[str, Border]) -> list[Section]:
    """The curves of both measures; nothing where nothing was trained."""
    if not borders:
        return []
    told = "Gradients and accuracies of the test images, means over the seeds; the nets were trained on whole images."
    return [Section("What the border contributes", [told, _gradients(folder, borders), _losses(folder, borders)])]


def _gradients(folder: Path, borders: Mapping[str, Border]) -> Picture:
    figure = curves(
        [Curve("two_convs", label, mean_curve(border.gradients.values())) for label, border in borders.items()],
        title="How much the logit of the true class depends on a pixel",
        ylabel="|gradient| / mean of all pixels",
        xlabel="distance from the border (pixels)",
        solid_label="mean over seeds",
    )
    return write_picture(folder, "border_gradients", figure, "Lines: mean gradient by distance from the border.")


def _losses(folder: Path, borders: Mapping[str, Border]) -> Picture:
    figure = curves(
        [Curve("two_convs", label, mean_curve(border.losses.values())) for label, border in borders.items()],
        title="Accuracy lost when the border is erased",
        ylabel="accuracy lost (fraction)",
        xlabel="outermost pixels erased",
        solid_label="mean over seeds",
    )
    return write_picture(folder, "border_erased", figure, "Lines: accuracy lost by pixels erased at the border.")


def border_sentences(borders: Mapping[str, Border]) -> list[str]:
    """Whether the border counts for less without padding, by the gradients of trained nets."""
    valid, same = (borders.get(f"{padding}, stride 1") for padding in ("valid", "same"))
    if valid is None or same is None:
        return []
    first, second = ({seed: curve[0] for seed, curve in border.gradients.items()} for border in (same, valid))
    measure = "|gradient| of the outermost pixels relative to all, same minus valid, stride 1"
    return [judge("Without padding the border counts for less in trained nets", measure, paired(first, second), 2)]
