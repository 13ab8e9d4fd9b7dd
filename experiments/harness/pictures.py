"""Pictures and tables of variants: sizes, accuracy, curves, layers, and the images themselves."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.harness.results import write_picture
from experiments.harness.runs import Variant, measurements, runs_of
from experiments.harness.statistics import band, estimate
from jaxcnn.data import Dataset
from jaxcnn.visualization import Curve, Picture, Point, Section, Table, bars, curves, images, scatter

Runs = Sequence[Mapping[str, Any]]


def parameters_picture(folder: Path, variants: Sequence[Variant]) -> Picture:
    """Parameters a variant."""
    values: dict[str, dict[str, int]] = {}
    for variant in variants:
        values.setdefault(variant.model, {})[variant.label] = variant.summary.trainable_params
    figure = bars(values, title="Parameters by variant", xlabel="parameters (log scale)", log=True)
    return write_picture(folder, "parameters", figure, "Bars: parameters of every variant on a logarithmic axis.")


def layer_table(variant: Variant) -> Table:
    """The variant's layers, for one image."""
    rows = [
        {
            "layer": row.name,
            "output shape": "×".join(map(str, (row.output_shape or ())[1:])),
            "parameters": row.params,
            "MACs": row.macs,
            "activation bytes": row.activation_bytes,
            "receptive field": "×".join(map(str, row.receptive_field or ())),
        }
        for row in variant.summary.rows
    ]
    return Table(rows, f"{variant.model}, {variant.label}: layer by layer, for one image.")


def trained_sections(
    folder: Path, variants: Sequence[Variant], rows: Runs, *, held_out: str = "test", differ_in_size: bool = True
) -> list[Section]:
    """Accuracy against parameters, where these differ, and the curves; nothing where nothing was trained."""
    trained = [v for v in variants if measurements(runs_of(v, rows), "test_accuracy")]
    if not trained:
        return []
    training = training_section(folder, trained, rows, held_out=held_out)
    if not differ_in_size:
        return [training]
    return [Section("Accuracy against parameters", [_accuracy_picture(folder, trained, rows)]), training]


def training_section(folder: Path, trained: Sequence[Variant], rows: Runs, *, held_out: str = "test") -> Section:
    """The curves of variants that were trained; `held_out` is what the dashed ones follow."""
    lag = (
        "Training loss and accuracy are means over an epoch while the weights still changed, so they lag behind the "
        f"{held_out} curves, which are measured at the epoch's end."
    )
    pictures = [
        _curves_picture(folder, trained, rows, "loss", "cross-entropy (nats)", held_out),
        _curves_picture(folder, trained, rows, "accuracy", "accuracy (fraction)", held_out),
    ]
    return Section("Training", [lag, *pictures])


def _accuracy_picture(folder: Path, trained: Sequence[Variant], rows: Runs) -> Picture:
    points = []
    for variant in trained:
        mean, half_width = estimate(measurements(runs_of(variant, rows), "test_accuracy"))
        points.append(Point(variant.summary.trainable_params, mean, variant.model, variant.label, half_width))
    figure = scatter(
        points,
        title="Test accuracy against parameters",
        xlabel="parameters (log scale)",
        ylabel="test accuracy (fraction)",
        log_x=True,
        y_range=(0.0, 1.0),
    )
    alt = "Points: test accuracy against parameters of every variant."
    return write_picture(folder, "accuracy_against_parameters", figure, alt)


def _curves_picture(
    folder: Path, trained: Sequence[Variant], rows: Runs, measure: str, ylabel: str, held_out: str
) -> Picture:
    lines = [
        _curve(variant, runs_of(variant, rows), name, dashed)
        for variant in trained
        for name, dashed in ((measure, False), (f"val_{measure}", True))
    ]
    figure = curves(lines, title=f"{measure.capitalize()} by epoch", ylabel=ylabel, dashed_label=held_out)
    alt = f"Lines: training and {held_out} {measure} of every variant by epoch."
    return write_picture(folder, measure, figure, alt)


def _curve(variant: Variant, runs: Runs, name: str, dashed: bool) -> Curve:
    histories = [history[name] for history in measurements(runs, "history")]
    epochs = [estimate(values) for values in zip(*histories, strict=True)]
    # Bands around the training curves too would hide one another.
    ends = band(epochs, 0.0, 1.0 if "accuracy" in name else math.inf) if dashed else (None, None)
    return Curve(variant.model, variant.label, [e.mean for e in epochs], dashed, *ends)


def images_picture(folder: Path, train: Dataset) -> Picture:
    """The first images of the training set."""
    names = [train.class_names[label] for label in train.labels[:12]]
    figure = images(train.images[:12], names, title=f"{train.name}: the first training images and their classes")
    return write_picture(folder, "images", figure, f"A grid of images of {train.name}: {', '.join(names)}.")
