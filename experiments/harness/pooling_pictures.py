"""Pictures of the pooling study: what shifts do to each variant, and what the pairs of runs say."""

from collections.abc import Sequence
from pathlib import Path

from experiments.harness.comparison import Results
from experiments.harness.pooling_claims import Judged
from experiments.harness.results import write_picture
from experiments.harness.runs import measurements, runs_of
from experiments.harness.shifts import DIRECTIONS, LOOKED_AT, PIXELS
from experiments.harness.statistics import estimate
from jaxcnn.visualization import Picture, Section
from jaxcnn.visualization.differences import Difference, differences
from jaxcnn.visualization.whiskers import Whiskers, whiskers

PANELS = {"shift_accuracy": "accuracy", "shift_agreement": "same answer as unshifted"}
MEASURES = {
    "test accuracy": "test accuracy, first minus second",
    "gap": "train minus test accuracy, second minus first",
    "same answer": "same answer after a shift, first minus second",
}


def study_sections(results: Results, found: Sequence[Judged]) -> list[Section]:
    """Both pictures; nothing where no run came to its end."""
    if not any(test.estimate for one in found for test in one.tests.values()):
        return []
    folder = results.session.folder
    return [
        Section("Shifted images", [_told(), shift_picture(folder, results)]),
        Section("Pairs of runs", [differences_picture(folder, found)]),
    ]


def _told() -> str:
    return (
        f"The first {LOOKED_AT} test images, moved {', '.join(DIRECTIONS)} by whole pixels, zeros coming in; the nets "
        "were trained on images as they are. Means over the four directions and over the seeds."
    )


def shift_picture(folder: Path, results: Results) -> Picture:
    """Accuracy and unchanged answers against the shift, a line a variant."""
    series = [
        _whiskers(panel, variant.label, runs)
        for measure, panel in PANELS.items()
        for variant in results.variants
        if (runs := measurements(runs_of(variant, results.rows), measure))
    ]
    figure = whiskers(
        series,
        title="Test images shifted by a few pixels",
        xlabel="shift (pixels)",
        ylabel="share of images",
        bounds=(0, 1),
    )
    alt = "Two panels of lines: accuracy, and the share of unchanged answers, of every variant by pixels of shift."
    return write_picture(folder, "shifts", figure, alt)


def _whiskers(panel: str, name: str, runs: Sequence[Sequence[float]]) -> Whiskers:
    places = [estimate(values) for values in zip(*runs, strict=True)]
    errors = None if len(runs) < 2 else [place.half_width or 0.0 for place in places]
    return Whiskers(panel, name, PIXELS, [place.mean for place in places], errors)


def differences_picture(folder: Path, found: Sequence[Judged]) -> Picture:
    """The mean difference of each comparison and its interval, a panel a measure."""
    items = [
        Difference(
            MEASURES[which],
            f"{one.comparison.name}: {one.comparison.first.label} – {one.comparison.second.label}",
            *test.estimate,
        )
        for one in found
        for which, test in one.tests.items()
        if test.estimate
    ]
    figure = differences(
        items,
        title="Differences over pairs of runs with the same seed: right of 0 the first does better",
        xlabel="difference (fraction)",
    )
    alt = "Three panels of points with intervals around 0: a row a comparison; the table holds the numbers."
    return write_picture(folder, "differences", figure, alt)
