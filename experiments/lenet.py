"""LeNet-5 as the second lecture builds it and as LeCun and his colleagues did in 1998.

The slides: two 5×5 convolutions of 6 and 16 filters with stride 1, each followed by 2×2 subsampling with stride 2, and
dense layers of 120, 84 and 10; with swish and max pooling, on pixels of 0 to 255. In 1998: tanh and average pooling
(with a weight and a bias a map), and a second convolution that sees some of the maps only.

Run `python -m experiments.lenet`: a bit over half a minute on two cores; `--quick` takes seconds and `--epochs 0` only
counts and draws. Expect 61,706 parameters against the paper's 60,000, test accuracies above 0.9 on the sample, and the
slides' net ahead of that of 1998.
`--data-dir FOLDER --epochs 10` is the slides' run on the full set.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
import tyro
from flax import nnx

from experiments.harness.command import run
from experiments.harness.comparison import Results, begin, present, trained
from experiments.harness.options import Options
from experiments.harness.recipes import RMSPROP, START, rmsprop
from experiments.harness.runs import Variant, count, count_built, create
from experiments.harness.statistics import judge
from jaxcnn.data import Dataset

BRIGHTEST = 255.0
# Maps of S2 behind each of the 16 maps of C3: table I of the paper.
C3_INPUTS = (3,) * 6 + (4,) * 9 + (6,)


@dataclass(frozen=True)
class Config(Options):
    """LeNet-5 as in the slides and as in 1998."""

    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training set; 0 trains nothing.")] = 4
    seeds: Annotated[int, tyro.conf.arg(help="How often each variant is trained, with seeds 0, 1, …")] = 3
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/lenet"
    )


class Brightened(nnx.Module):
    """A net that sees pixels of 0 to 255, as the slides feed theirs, where images come scaled to [0, 1]."""

    def __init__(self, net: nnx.Module):
        self.net = net

    def __call__(self, x: Any) -> jax.Array:
        return self.net(x * BRIGHTEST)  # pyright: ignore[reportCallIssue]


def main(config: Config) -> Sequence[Mapping[str, Any]]:
    """Count, train and judge; returns the rows of `result.json`."""
    session = begin("lenet", config)
    variants = variants_of(session.train)
    results = trained(session, variants, rmsprop())
    return present(
        results,
        title="LeNet-5: the slides' and that of 1998",
        findings=[size_sentence(variants[0]), *(judgements(results) if results.trained else [])],
        recipe=f"Recipe: {RMSPROP}, which Keras takes where none is named; {START}",
        layers=variants[:2],
        tables={"Trainable numbers by layer": layer_records(variants[0])},
        differ_in_size=False,
    )


def variants_of(train: Dataset) -> list[Variant]:
    """The slides' net, that of 1998, and the slides' net on their pixels."""
    old = {"pool": "avg", "activation": "tanh"}
    return [
        count("lenet5", {}, "slides: swish, max pooling", train),
        count_built(functools.partial(_of_1998, train), "lenet5", old, "1998: tanh, average pooling", train),
        count_built(
            functools.partial(_brightened, train),
            "lenet5",
            {"pixels": "0 to 255"},
            "slides, pixels 0 to 255",
            train,
        ),
    ]


def _of_1998(train: Dataset, seed: int) -> nnx.Module:
    return create("lenet5", {"pool": "avg", "activation": nnx.tanh}, train, seed=seed)


def _brightened(train: Dataset, seed: int) -> nnx.Module:
    return Brightened(create("lenet5", {}, train, seed=seed))


def original_counts() -> dict[str, int]:
    """Layer -> trainable numbers of the paper's net: each subsampling has a weight and a bias a map.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition" (1998), II.B.
    """
    return {
        "C1, 6 maps, 5×5": 6 * (5 * 5 + 1),
        "S2": 6 * 2,
        "C3, 16 maps, 5×5": sum(C3_INPUTS) * 5 * 5 + len(C3_INPUTS),
        "S4": 16 * 2,
        "C5, 120": 120 * (16 * 5 * 5 + 1),
        "F6, 84": 84 * (120 + 1),
        "output, 10 (fixed codes of 84 in 1998)": 0,
    }


def layer_records(variant: Variant) -> list[dict[str, str]]:
    """A line a layer: the paper's count beside that of the lecture's net."""
    params = {row.name: row.params for row in variant.summary.rows}
    ours = ("conv1", "pool1", "conv2", "pool2", "dense1", "dense2", "dense3")
    return [
        {"layer": name, "lecture's layer": own, "paper": f"{count:,}", "lecture": f"{params.get(own, 0):,}"}
        for (name, count), own in zip(original_counts().items(), ours, strict=True)
    ]


def size_sentence(variant: Variant) -> str:
    """How far the slides' net is from the paper's."""
    paper, here = sum(original_counts().values()), variant.summary.trainable_params
    return (
        f"The slides' LeNet-5 has {here:,} parameters, the net of 1998 {paper:,} trainable ones: each map of its "
        f"second convolution saw 3, 4 or all 6 of the maps before ({sum(C3_INPUTS)} pairs instead of {6 * 16}), its "
        "subsampling had a weight and a bias a map, and its output layer was fixed."
    )


def judgements(results: Results) -> list[str]:
    """The slides' net against both others."""
    slides, *others = results.variants
    reached = "; ".join(f"'{v.label}' {results.text(v, 'test_accuracy')}" for v in results.variants)
    return [
        f"Test accuracy after {results.duration}: {reached}.",
        *(
            judge(
                f"The slides' net recognises more than the variant '{other.label}'",
                "test accuracy, the first minus the second",
                results.gain(slides, other),
            )
            for other in others
        ),
    ]


if __name__ == "__main__":
    run(main, Config)
