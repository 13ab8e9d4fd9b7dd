"""The benchmark as bars: ours beside the fastest other contender."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from experiments.bench.rows import OURS
from jaxcnn.visualization import bars

TITLES = {"step": "training step", "forward": "forward pass", "conv_transpose": "", "depthwise": ""}


def ratio_bars(rows: Sequence[Mapping[str, Any]]) -> Figure | None:
    """A bar a case: how many times as fast ours is as the fastest other; None where nothing was compared."""
    values: dict[str, dict[str, float]] = {}
    for row in rows:
        if row["contender"] == OURS and row["section"] in TITLES and row["ratio"]:
            group = f"{TITLES[row['section']]}, batch {row['batch']}" if TITLES[row["section"]] else "single operations"
            values.setdefault(group, {})[row["label"]] = round(row["ratio"], 2)
    if not values:
        return None
    figure = bars(
        values,
        title="Speed of jaxcnn beside the fastest other contender",
        xlabel="times as fast (the line: even)",
    )
    axes = figure.axes[0]
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xlim(right=max(axes.get_xlim()[1], 1.1))
    return figure
