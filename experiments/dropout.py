"""Dropout: the third lecture's CNN with and without it, and the gap between images seen and unseen.

The claim of the lecture: a net that does well on its training images does worse on others; dropping half of the
flattened features at random in each training step narrows that gap. Its slide gives the last layer of the net with
dropout 100 outputs for ten classes; the counts show what that costs.

Run `python -m experiments.dropout`: about a minute and a quarter on two cores; `--quick` takes seconds and
`--epochs 0` only counts and draws. Expect a smaller gap with dropout, in loss and in accuracy, the same number of
parameters, a test loss that turns upwards without it, and no certain gain in test accuracy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from experiments.harness.command import run
from experiments.harness.comparison import Results, begin, present, trained
from experiments.harness.options import Options, check_distinct
from experiments.harness.recipes import ADAM, START, adam
from experiments.harness.runs import Variant, count, measurements, runs_of
from experiments.harness.session import Session
from experiments.harness.statistics import estimate, judge, paired

MODEL = "simple_cnn"
SLIDE_OUTPUTS = 100


@dataclass(frozen=True)
class Config(Options):
    """The third lecture's CNN with and without dropout."""

    dataset: Annotated[str, tyro.conf.arg(help="Data set; the lecture's is fashion_mnist.")] = "fashion_mnist"
    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training set; 0 trains nothing.")] = 20
    seeds: Annotated[int, tyro.conf.arg(help="How often each variant is trained, with seeds 0, 1, …")] = 5
    rates: Annotated[tuple[float, ...], tyro.conf.arg(help="Fractions dropped; the first is compared with all.")] = (
        0.0,
        0.5,
    )
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/dropout"
    )


def main(config: Config) -> Sequence[Mapping[str, Any]]:
    """Count, train and judge; returns the rows of `result.json`."""
    check_rates(config.rates)
    session = begin("dropout", config)
    variants = [count(MODEL, {"dropout": rate}, label(rate), session.train) for rate in config.rates]
    results = trained(session, variants, adam())
    findings = [sizes(variants, session), *(judgements(results) if results.trained else [])]
    return present(
        results,
        title="Dropout: with and without",
        findings=findings,
        recipe=f"Recipe, as in the lecture: {ADAM}, {START} Dropout follows Flatten.",
        layers=variants[-1:],
        tables={"Seen and unseen images": gap_records(results)} if results.trained else {},
        differ_in_size=False,
    )


def check_rates(rates: Sequence[float]) -> None:
    """Refuse fractions that can't be dropped.

    Raises:
      ValueError: for no rate, one given twice, or one outside 0 to 1.
    """
    check_distinct("--rates", rates)
    for rate in rates:
        if not 0 <= rate < 1:
            raise ValueError(f"--rates must be fractions of at least 0 and below 1, such as 0 0.5; got {rate:g}")


def label(rate: float) -> str:
    """What tables call it."""
    return f"dropout {rate:g}" if rate else "no dropout"


def sizes(variants: Sequence[Variant], session: Session) -> str:
    """Parameters with and without, and of the slide's net of 100 outputs."""
    counted = sorted({variant.summary.trainable_params for variant in variants})
    classes = len(session.train.class_names)
    dense = variants[0].summary.rows[-1]
    inputs = dense.params // classes - 1
    slide = counted[0] + (SLIDE_OUTPUTS - classes) * (inputs + 1)
    return (
        f"Dropout has no parameters: {' and '.join(f'{n:,}' for n in counted)} in every variant. With the slide's last "
        f"layer of {SLIDE_OUTPUTS} outputs the net would have {slide:,}; {SLIDE_OUTPUTS - classes} of them are for no "
        f"class, so the right number is {classes}."
    )


def judgements(results: Results) -> list[str]:
    """The first rate against the others: gap, accuracy, and whether the loss on unseen images turns upwards."""
    first, *others = results.variants
    return [turning(results, first), *(line for other in others for line in against(results, first, other))]


def against(results: Results, first: Variant, other: Variant) -> list[str]:
    """What dropping does to the gap and to accuracy."""
    narrower = {m: paired(results.gap(first, m), results.gap(other, m)) for m in ("loss", "accuracy")}
    pair = f"{first.label} minus {other.label}"
    return [
        judge(f"{other.label} narrows the gap in loss", f"test minus training loss, {pair}", narrower["loss"]),
        judge(
            f"{other.label} narrows the gap in accuracy",
            f"training minus test accuracy, {pair}",
            narrower["accuracy"],
        ),
        judge(
            f"{other.label} recognises more unseen images",
            f"test accuracy of {other.label} minus {first.label}",
            results.gain(other, first),
        ),
    ]


def turning(results: Results, variant: Variant) -> str:
    """Where the loss on unseen images is lowest, and what it does from there on."""
    histories = [history["val_loss"] for history in measurements(runs_of(variant, results.rows), "history")]
    if not histories:
        return f"{variant.label}: every run diverged."
    lowest = lowest_epoch(histories)
    last = len(histories[0]) - 1
    if lowest == last:
        mean = estimate([losses[last] for losses in histories]).mean
        return f"{variant.label}: the test loss is lowest after the last epoch ({mean:.4f}); it doesn't turn yet."
    claim = f"{variant.label}: the test loss turns upwards after epoch {lowest + 1}"
    measure = "last minus lowest test loss, the epoch of a seed's lowest taken from the other seeds"
    return judge(claim, measure, estimate(rises(histories)))


def lowest_epoch(histories: Sequence[Sequence[float]]) -> int:
    """Where the mean of the curves is lowest, from 0."""
    means = [estimate(values).mean for values in zip(*histories, strict=True)]
    return means.index(min(means))


def rises(histories: Sequence[Sequence[float]]) -> list[float]:
    """How far each seed's curve ends above its value where the other seeds' mean is lowest.

    Its own lowest value lies below its last one even where a curve is flat and noisy, so that every net would turn.
    """
    if len(histories) < 2:
        return [losses[-1] - losses[lowest_epoch(histories)] for losses in histories]
    others = ([*histories[:seed], *histories[seed + 1 :]] for seed in range(len(histories)))
    return [losses[-1] - losses[lowest_epoch(rest)] for losses, rest in zip(histories, others, strict=True)]


def gap_records(results: Results) -> list[dict[str, str]]:
    """A line a variant: how much better it does on the images it has seen."""
    return [
        {
            "model": variant.model,
            "variant": variant.label,
            "gap in accuracy": estimate(list(results.gap(variant, "accuracy").values())).text(4),
            "gap in loss": estimate(list(results.gap(variant, "loss").values())).text(4),
        }
        for variant in results.variants
        if results.gap(variant, "loss")
    ]


if __name__ == "__main__":
    run(main, Config)
