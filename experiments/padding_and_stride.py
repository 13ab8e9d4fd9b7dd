"""Padding and stride: valid or same, stride 1 or 2, and what the pixels at the border contribute.

The claims of the lectures: without padding a feature map shrinks and the pixels at the border take part less; same
padding keeps the size; a stride of 2 halves it, and with it the parameters behind. Two convolutions of 3×3 and a dense
layer are built four ways, counted, and trained on the same images (RMSprop as Keras sets it).

Run `python -m experiments.padding_and_stride`: about forty seconds on two cores. `--epochs 0` counts and draws.
Expect same padding at stride 1 to have the most parameters, stride 2 about a fourteenth of them; border pixels to be
seen by as little as one window of nine without padding, and to count for less in the trained nets; and, on the sample,
a test accuracy of about 0.83 with same padding, half a percent less with valid, and about 0.77 at stride 2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from flax import nnx

from experiments.harness.border import TwoConvs, windows_of
from experiments.harness.border_report import Border, border_sections, border_sentences, lost_records, measure_borders
from experiments.harness.command import run
from experiments.harness.comparison import Results, begin, present
from experiments.harness.options import Options
from experiments.harness.recipes import RMSPROP, START, rmsprop
from experiments.harness.results import write_picture
from experiments.harness.runs import Variant, count_built
from experiments.harness.session import Session
from experiments.harness.statistics import judge
from experiments.harness.tables import Records
from jaxcnn import geometry
from jaxcnn.visualization import Section
from jaxcnn.visualization.maps import MapRow, maps

WAYS = (("VALID", 1), ("SAME", 1), ("VALID", 2), ("SAME", 2))
SIGNAL, WINDOW = 9, 4  # the slides' row of nine numbers and its kernel of four
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Config(Options):
    """Padding and stride."""

    dataset: Annotated[str, tyro.conf.arg(help="Data set: fashion_mnist or mnist.")] = "fashion_mnist"
    seeds: Annotated[int, tyro.conf.arg(help="How often each variant is trained, with seeds 0, 1, …")] = 3
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/padding_and_stride"
    )


def main(config: Config) -> Rows:
    """Count, train and draw the four ways; returns the rows of `result.json`."""
    session = begin("padding_and_stride", config)
    variants = [_variant(padding, stride, session) for padding, stride in WAYS]
    results, borders = train(session, variants)
    tables = {"Shapes": shape_records(variants), "Windows that see a pixel": window_records()}
    if borders:
        tables["Accuracy lost without the border"] = lost_records(borders)
    sections = [*windows_sections(session), *border_sections(session.folder, borders)]
    findings = [
        *size_sentences(variants, session.train.images.shape[1]),
        window_sentence(),
        *accuracy_sentences(results),
        *border_sentences(borders),
    ]
    return present(
        results,
        title="Padding and stride",
        findings=findings,
        recipe=f"Recipe: {RMSPROP}, {START}",
        sections=sections,
        layers=variants,
        tables=tables,
    )


def _variant(padding: str, stride: int, session: Session) -> Variant:
    shape, classes = session.train.images.shape[1:], len(session.train.class_names)

    def build(seed: int) -> nnx.Module:
        return TwoConvs(shape, classes, padding=padding, strides=stride, rngs=nnx.Rngs(seed))

    options, label = {"padding": padding, "strides": stride}, f"{padding.lower()}, stride {stride}"
    return count_built(build, "two_convs", options, label, session.train)


def train(session: Session, variants: Sequence[Variant]) -> tuple[Results, dict[str, Border]]:
    """A row a variant and seed, and what their models make of the border."""
    rows, borders = [], {}
    for trained in session.train_each(variants, rmsprop()):
        rows += trained.rows
        if trained.models:
            borders[trained.variant.label] = measure_borders(trained.models, session.test)
    return Results(session, variants, rows), borders


def shape_records(variants: Sequence[Variant]) -> Records:
    """A line a variant: the sizes of its feature maps, and the numbers they cost."""
    lines = []
    for variant in variants:
        shapes = [
            row.output_shape[1:] for row in variant.summary.rows if row.output_shape and len(row.output_shape) == 4
        ]
        maps_made = " → ".join("×".join(map(str, shape)) for shape in shapes)
        dense = variant.summary.rows[-1].params
        lines.append({"variant": variant.label, "feature maps": maps_made, "dense parameters": f"{dense:,}"})
    return lines


def window_records() -> Records:
    """A line a padding: how often each of the slides' nine numbers takes part."""
    return [
        {"padding": word.lower(), "windows of each number": " ".join(map(str, _seen(word).tolist()))}
        for word in ("VALID", "SAME", "FULL")
    ]


def _seen(padding: str) -> np.ndarray:
    return windows_of(SIGNAL, WINDOW, stride=1, padding=padding)


def windows_sections(session: Session) -> list[Section]:
    """How many windows of the first layer see each pixel, and the padding in words."""
    height, width = session.train.images.shape[1:3]
    seen = [
        np.outer(*(windows_of(n, 3, stride=stride, padding=padding) for n in (height, width)))
        for padding, stride in WAYS
    ]
    labels = [f"{padding.lower()}, stride {stride}" for padding, stride in WAYS]
    figure = maps([MapRow("windows", seen, labels, unit="windows")], title="How many 3×3 windows see each pixel")
    picture = write_picture(
        session.folder, "windows", figure, "Four maps: windows that see each pixel, few at borders."
    )
    words = [
        f"{label}: {line}"
        for label, (padding, stride) in zip(labels, WAYS, strict=True)
        for line in geometry.explain_padding(height, 3, strides=stride, padding=padding).splitlines()
    ]
    return [Section("What a window meets at the border", [picture, *words])]


def size_sentences(variants: Sequence[Variant], height: int) -> list[str]:
    """Whether same keeps the size and stride 2 halves it."""
    size = {v.label: (v.summary.rows[0].output_shape or (0, 0))[1] for v in variants}
    holds = size["same, stride 1"] == height and size["same, stride 2"] == -(-height // 2)
    full, half = variants[1].summary, variants[3].summary
    return [
        f"Same padding keeps the size and stride 2 halves it: {'holds' if holds else 'does not hold'}; of {height} "
        f"pixels the first layer makes {', '.join(f'{n} ({label})' for label, n in size.items())}. With same padding "
        f"stride 2 leaves {full.trainable_params / half.trainable_params:.1f} times fewer parameters and "
        f"{full.total_macs / half.total_macs:.1f} times fewer multiply-accumulates than stride 1."
    ]


def window_sentence() -> str:
    """Whether the numbers of a row take part unequally without padding, and equally with full padding."""
    valid, full = _seen("VALID"), _seen("FULL")
    holds = len(set(valid.tolist())) > 1 and len(set(full.tolist())) == 1
    return (
        f"Without padding the numbers of a row take part unequally, with full padding equally: "
        f"{'holds' if holds else 'does not hold'}; of {SIGNAL} numbers under a kernel of {WINDOW} the first is in "
        f"{valid[0]} of the windows and the middle one in {valid[SIGNAL // 2]}; with full padding each is in {full[0]}."
    )


def accuracy_sentences(results: Results) -> list[str]:
    """Whether padding and stride change the test accuracy."""
    if not results.trained:
        return []
    valid, same, _, strided = results.variants
    measure = "test accuracy of {} minus {}"
    return [
        judge("Same padding recognises more", measure.format(same.label, valid.label), results.gain(same, valid)),
        judge("Stride 1 recognises more", measure.format(same.label, strided.label), results.gain(same, strided)),
    ]


if __name__ == "__main__":
    run(main, Config)
