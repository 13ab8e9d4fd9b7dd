"""A dense net against a CNN on the same images: as the notebook compares them, at equal parameters, at equal compute.

The notebook's claim: a basic CNN does better than a dense net, 0.9928 against 0.9821 in test accuracy and 0.02 against
0.06 in loss. Its nets differ in size and in compute too, so more pairs settle what the convolutions do: a dense net
with the CNN's number of parameters, one with its number of multiply-accumulates, and a CNN with about the compute of
the smallest dense net.

Run `python -m experiments.mlp_vs_cnn`: about a minute and a half on two cores; `--quick` takes seconds and `--epochs 0`
only counts and draws. Expect convnet ahead of every dense net, also of one thirty times its size, and no certain lead
for the small CNN over the dense net of about its compute. The notebook's own run, with the full set in FOLDER:
`python -m experiments.mlp_vs_cnn --data-dir FOLDER`.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from flax import nnx

from experiments.harness.command import run
from experiments.harness.comparison import Results, begin, present, trained
from experiments.harness.matching import hidden_for_macs, hidden_for_params
from experiments.harness.options import Options
from experiments.harness.recipes import RMSPROP, START, rmsprop
from experiments.harness.runs import Variant, count, count_built
from experiments.harness.statistics import judge
from jaxcnn.data import Dataset
from jaxcnn.models.stages import dense
from jaxcnn.nn import Flatten


@dataclass(frozen=True)
class Config(Options):
    """A dense net against a CNN."""

    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training set, the notebook's 5; 0 trains nothing.")] = 5
    seeds: Annotated[int, tyro.conf.arg(help="How often each variant is trained, with seeds 0, 1, …")] = 5
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/mlp_vs_cnn"
    )


def main(config: Config) -> Sequence[Mapping[str, Any]]:
    """Count, train and judge; returns the rows of `result.json`."""
    session = begin("mlp_vs_cnn", config)
    variants = variants_of(session.train)
    results = trained(session, variants, rmsprop())
    return present(
        results,
        title="A dense net against a CNN",
        findings=[*size_sentences(variants), *(judgements(results) if results.trained else [])],
        recipe=f"Recipe, as in the notebook: {RMSPROP}, {START}",
        layers=[variants[0], variants[1]],
    )


def variants_of(train: Dataset) -> list[Variant]:
    """The CNN, the lectures' dense nets, and the nets matched with them."""
    cnn = count("convnet", {}, "convnet", train)
    pixels, classes = math.prod(train.images.shape[1:]), len(train.class_names)
    by_params = hidden_for_params(cnn.summary.trainable_params, pixels, classes)
    by_macs = hidden_for_macs(cnn.summary.total_macs or 0, pixels, classes)
    return [
        cnn,
        count_built(
            functools.partial(_notebook_net, pixels, classes),
            "dense",
            {"hidden": 512, "activation": "relu"},
            "784-512-10",
            train,
        ),
        count("mlp", {}, "mlp of the lecture", train),
        count("mlp", {"hidden": by_params}, "mlp, parameters of convnet", train),
        count("mlp", {"hidden": by_macs}, "mlp, MACs of convnet", train),
        count("swish_cnn", {}, "swish_cnn, MACs near mlp's", train),
    ]


def _notebook_net(pixels: int, classes: int, seed: int) -> nnx.Module:
    rngs = nnx.Rngs(seed)
    return nnx.Sequential(Flatten(), dense(pixels, 512, rngs), nnx.relu, dense(512, classes, rngs))


def size_sentences(variants: Sequence[Variant]) -> list[str]:
    """How well the pairs match."""
    cnn, _, mlp, by_params, by_macs, small = variants
    return [
        f"Equal parameters: convnet {_params(cnn)}, a dense net of {by_params.options['hidden']:,} hidden units "
        f"{_params(by_params)}. Equal compute: convnet {_macs(cnn)} multiply-accumulates an image, a dense net of "
        f"{by_macs.options['hidden']:,} hidden units {_macs(by_macs)}, with {_params(by_macs)} parameters; and "
        f"swish_cnn {_macs(small)}, mlp {_macs(mlp)}.",
    ]


def _params(variant: Variant) -> str:
    return f"{variant.summary.trainable_params:,}"


def _macs(variant: Variant) -> str:
    return f"{variant.summary.total_macs:,}"


def judgements(results: Results) -> list[str]:
    """What each net reaches, and the CNN against each dense net, in accuracy and, as in the notebook, in loss."""
    cnn, notebook, mlp, by_params, by_macs, small = results.variants
    pairs = [
        ("As in the notebook", cnn, notebook),
        ("Against the lecture's mlp", cnn, mlp),
        ("At equal parameters", cnn, by_params),
        ("At equal compute", cnn, by_macs),
        ("At mlp's compute", small, mlp),
    ]
    reached = (
        f"Test accuracy after {results.duration}: {results.text(notebook, 'test_accuracy')} for "
        f"784-512-10 and {results.text(cnn, 'test_accuracy')} for convnet (the notebook: 0.9821 and 0.9928, 5 epochs "
        "on the full set)."
    )
    judged = [
        judge(
            f"{where}, the CNN recognises more",
            f"test accuracy of {first.model} minus {second.label}",
            results.gain(first, second),
        )
        for where, first, second in pairs
    ]
    lower = results.gain(notebook, cnn, "test_loss")
    return [reached, *judged, judge("As in the notebook, the CNN's loss is lower", "784-512-10 minus convnet", lower)]


if __name__ == "__main__":
    run(main, Config)
