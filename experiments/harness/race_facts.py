"""What the races of activations say: steps, ratios with intervals, and silent units."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.harness.race import Race
from experiments.harness.results import write_picture
from experiments.harness.statistics import estimate
from jaxcnn.visualization import Picture, bars

CLAIMED = 6  # times faster than the sigmoid kind, as the lecture has it


def race_records(races: Mapping[str, Race]) -> list[dict[str, str]]:
    """A line an activation: its best rate, its steps there, and the seeds at the goal for each rate."""
    return [
        {
            "activation": name,
            "best learning rate": f"{race.rates[race.best]:g}",
            "steps": steps_text(race.steps[race.best]),
            **{
                f"at the goal, {rate:g}": f"{int(np.isfinite(steps).sum())} of {len(steps)}"
                for rate, steps in zip(race.rates, race.steps, strict=True)
            },
        }
        for name, race in races.items()
    ]


def race_picture(folder: Path, races: Mapping[str, Race], goal: float) -> list[Picture]:
    """Mean steps to the goal; nothing where no activation brought all its seeds there."""
    means = {name: float(race.steps[race.best].mean()) for name, race in races.items()}
    reached = {name: mean for name, mean in means.items() if np.isfinite(mean)}
    if not reached:
        return []
    figure = bars(reached, title=f"Steps to {goal:.0%} training accuracy, at the best learning rate", xlabel="steps")
    told = ", ".join(f"{name} {mean:.0f}" for name, mean in reached.items())
    lost = ", ".join(name for name in means if name not in reached)
    caption = f"Not every seed came there: {lost}." if lost else ""
    return [write_picture(folder, "race", figure, f"Bars: mean steps of each activation: {told}.", caption)]


def steps_text(steps: np.ndarray) -> str:
    """Mean and interval, or how many seeds got there."""
    whole = steps[np.isfinite(steps)]
    return (
        estimate(list(map(float, steps))).text(0) if len(whole) == len(steps) else f"{len(whole)} of {len(steps)} seeds"
    )


def race_sentences(races: Mapping[str, Race], goal: float, every: int) -> list[str]:
    """ReLU against sigmoid and tanh."""
    return [ratio_sentence(races, slower, goal, every) for slower in ("sigmoid", "tanh")]


def ratio_sentence(races: Mapping[str, Race], slower: str, goal: float, every: int) -> str:
    """How many times as many steps the other takes, seed by seed, and whether that is the lecture's number."""
    claim = f"ReLU converges about {CLAIMED} times faster than {slower}"
    relu, other = (races[name].steps[races[name].best] for name in ("ReLU", slower))
    if not np.isfinite(relu).all() or not np.isfinite(other).all():
        lost = " and ".join(name for name, steps in (("ReLU", relu), (slower, other)) if not np.isfinite(steps).all())
        return f"{claim}: not measured, as {lost} brought not every seed to {goal:.0%} within its steps at any rate."
    # Ratios are averaged as logarithms, so that a over b and b over a agree.
    logs = estimate([math.log(b / a) for a, b in zip(relu, other, strict=True)])
    middle = math.exp(logs.mean)
    measured = f"{slower} takes {middle:.1f} times ReLU's steps to {goal:.0%} training accuracy"
    best = [f"{races[name].rates[races[name].best]:g}" for name in ("ReLU", slower)]
    rates = f"best learning rates {best[0]} and {best[1]}"
    if logs.half_width is None:
        return f"{claim}: not established by one seed ({measured}; {rates})."
    low, high = (math.exp(logs.mean + sign * logs.half_width) for sign in (-1, 1))
    told = f"{measured}, 95% interval {low:.1f} to {high:.1f}, counted to {every} steps; {rates}"
    if low <= CLAIMED <= high:
        return f"{claim}: holds ({told})."
    return f"{claim}: doesn't hold here, {_instead(low, high)} ({told})."


def _instead(low: float, high: float) -> str:
    """What an interval says that doesn't hold the lecture's number."""
    if low > CLAIMED:
        return "it is faster by more than that"
    if low > 1:
        return "ReLU is faster, but not by that factor"
    return "ReLU is the slower one" if high < 1 else "that ReLU is faster at all is not established"


def silent_records(shares: Mapping[str, np.ndarray], rates: Sequence[float]) -> list[dict[str, str]]:
    """A line an activation: the share of silent units at each rate, over the seeds."""
    return [
        {
            "activation": name,
            **{
                f"learning rate {rate:g}": estimate([float(value) for value in share]).text(3)
                for rate, share in zip(rates, of_rates, strict=True)
            },
        }
        for name, of_rates in shares.items()
    ]


def silent_sentence(shares: Mapping[str, np.ndarray], rates: Sequence[float]) -> str:
    """Whether ReLU's units fall silent, and others' not."""
    relu = shares["ReLU"].mean(axis=1)
    others = np.max([share.mean(axis=1) for name, share in shares.items() if name != "ReLU"], axis=0)
    holds = bool((relu > 2 * others).any())
    told = ", ".join(f"{share:.1%} at {rate:g}" for share, rate in zip(relu, rates, strict=True))
    most = ", ".join(f"{share:.1%}" for share in others)
    return (
        f"ReLU's units can fall silent for every image, so that they learn no more: {'holds' if holds else 'not seen'} "
        f"(share of hidden units, by learning rate: {told}; with the others at most: {most})."
    )
