"""What Flatten loses: a dense net and a CNN on images whose pixels are shuffled by one fixed permutation.

The claims of the lecture: neighbouring pixels belong together; a dense net flattens the image, and that spatial
structure is lost; a convolution keeps it. If so, a dense net can't tell shuffled pixels from ordered ones, and a CNN
must do worse on them.

Run `python -m experiments.spatial_structure`: about forty seconds on two cores; `--quick` takes seconds and
`--epochs 0` shows what can be shown exactly. Expect the dense net's accuracy unchanged within its interval (with its
weights shuffled alike it is the same function), and the CNN's lower on shuffled pixels.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
import tyro
from flax import nnx

from experiments.harness.command import run
from experiments.harness.comparison import Results, begin, present, trained
from experiments.harness.options import Options
from experiments.harness.recipes import RMSPROP, START, rmsprop
from experiments.harness.results import write_picture
from experiments.harness.runs import Images, Variant, count_built, create
from experiments.harness.session import Session
from experiments.harness.statistics import Estimate, judge, paired
from jaxcnn.data import Dataset
from jaxcnn.geometry import as_int
from jaxcnn.training.steps import scale_images
from jaxcnn.visualization import Section, images

MODELS = ("mlp", "convnet")
SHOWN = 6
LOOKED_AT = 100  # images on which the dense net is compared exactly


@dataclass(frozen=True)
class Config(Options):
    """A dense net and a CNN on shuffled pixels."""

    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training set; 0 trains nothing.")] = 3
    seeds: Annotated[int, tyro.conf.arg(help="How often each variant is trained, with seeds 0, 1, …")] = 3
    shuffle_seed: Annotated[int, tyro.conf.arg(help="Decides where each pixel goes.")] = 0
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/spatial_structure"
    )


def main(config: Config) -> Sequence[Mapping[str, Any]]:
    """Shuffle, train and judge; returns the rows of `result.json`."""
    as_int("--shuffle-seed", config.shuffle_seed, minimum=0)
    session = begin("spatial_structure", config)
    order = pixel_order(session.train, config.shuffle_seed)
    shuffled = Images(shuffle(session.train, order), shuffle(session.test, order))
    variants = [
        variant_of(model, label, which, session.train)
        for model in MODELS
        for label, which in (("pixels in order", None), ("pixels shuffled", shuffled))
    ]
    results = trained(session, variants, rmsprop())
    exact = [neighbour_sentence(session.train, shuffled.train), same_function_sentence(session.train, order)]
    return present(
        results,
        title="What Flatten loses",
        findings=[*exact, *(judgements(results) if results.trained else [])],
        recipe=f"Recipe, as in the notebook: {RMSPROP}, {START} One permutation of the pixels serves all images.",
        sections=[images_section(session, shuffled.train)],
        differ_in_size=False,
    )


def variant_of(model: str, label: str, which: Images | None, train: Dataset) -> Variant:
    """The model on ordered or shuffled images."""
    options = {"pixels": label.split()[-1]}
    return count_built(lambda seed: create(model, {}, train, seed=seed), model, options, label, train, images=which)


def pixel_order(train: Dataset, seed: int) -> np.ndarray:
    """Which pixel comes to each place: a permutation of height × width."""
    height, width = train.images.shape[1:3]
    return np.random.default_rng(seed).permutation(height * width)


def shuffle(dataset: Dataset, order: np.ndarray) -> Dataset:
    """The set with the pixels of every image in that order; a pixel's channels stay together."""
    flat = dataset.images.reshape(len(dataset), len(order), -1)
    return dataclasses.replace(dataset, images=flat[:, order].reshape(dataset.images.shape))


def neighbour_correlation(dataset: Dataset) -> float:
    """Pearson's correlation of horizontally neighbouring pixels, over all images."""
    pixels = dataset.images[..., 0].astype(np.float32)
    return float(np.corrcoef(pixels[:, :, :-1].ravel(), pixels[:, :, 1:].ravel())[0, 1])


def neighbour_sentence(train: Dataset, shuffled: Dataset) -> str:
    """How much neighbouring pixels have in common."""
    before, after = neighbour_correlation(train), neighbour_correlation(shuffled)
    holds = before > 0.5 > after
    return (
        f"Neighbouring pixels are closely correlated: {'holds' if holds else 'not clear'} (correlation {before:.2f} "
        f"between horizontal neighbours, {after:.2f} once the pixels are shuffled)."
    )


def same_function_sentence(train: Dataset, order: np.ndarray) -> str:
    """Whether the dense net with its first weights shuffled alike does to shuffled pixels what it did before."""
    net = create("mlp", {}, train, seed=0)
    some = np.asarray(scale_images(train.images[:LOOKED_AT]))
    before = _logits(net, some)
    kernel: Any = nnx.state(net, nnx.Param)["dense1"]["kernel"]
    channels = some.shape[3]
    rows = (order[:, None] * channels + np.arange(channels)[None, :]).ravel()
    shuffled = some.reshape(len(some), len(order), -1)[:, order].reshape(some.shape)
    nnx.update(net, nnx.State({"dense1": {"kernel": nnx.Param(kernel[...][rows])}}))
    largest = float(abs(_logits(net, shuffled) - before).max())
    same = largest < 1e-4 * float(abs(before).max())
    return (
        f"Flatten forgets which pixels are neighbours: {'holds exactly' if same else 'does not hold'}: mlp with the "
        "rows of its first kernel shuffled alike gives the same outputs for shuffled images (largest difference "
        f"{largest:.1g} of logits up to {float(abs(before).max()):.2f}, rounding), so that shuffling can neither help "
        "nor harm it."
    )


def _logits(net: Any, some: np.ndarray) -> np.ndarray:
    return np.asarray(net(jnp.asarray(some)))


def judgements(results: Results) -> list[str]:
    """What shuffling does to each net, and to one more than to the other."""
    mlp, mlp_shuffled, cnn, cnn_shuffled = results.variants
    more = paired(cost(results, cnn, cnn_shuffled), cost(results, mlp, mlp_shuffled))
    return [
        unchanged_sentence(results.gain(mlp_shuffled, mlp)),
        judge(
            "The CNN uses the spatial structure",
            "test accuracy of convnet, ordered minus shuffled",
            results.gain(cnn, cnn_shuffled),
        ),
        judge("Shuffling costs the CNN more than the dense net", "loss of accuracy, convnet minus mlp", more),
        judge(
            "On shuffled pixels the CNN still recognises more",
            "test accuracy, convnet minus mlp",
            results.gain(cnn_shuffled, mlp_shuffled),
        ),
    ]


def unchanged_sentence(change: Estimate | None) -> str:
    """Whether shuffling leaves the dense net's accuracy within its interval."""
    claim = "Shuffling makes no difference to the dense net in training"
    if change is None or change.half_width is None:
        told = "no measurement" if change is None else f"{change.mean:+.4f}"
        return f"{claim}: not judged, as it takes two seeds (test accuracy shuffled minus ordered: {told})."
    same = abs(change.mean) <= change.half_width
    told = (
        f"test accuracy shuffled minus ordered: {change.mean:+.4f} ± {change.half_width:.4f}, 95% interval over seeds"
    )
    return (
        f"{claim}: {'not refuted' if same else 'does not hold'} ({told}, which {'includes' if same else 'excludes'} 0)."
    )


def cost(results: Results, ordered: Variant, shuffled: Variant) -> dict[int, float]:
    """Seed -> the test accuracy that shuffling takes away."""
    before, after = (results.values(variant, "test_accuracy") for variant in (ordered, shuffled))
    return {seed: before[seed] - after[seed] for seed in before.keys() & after.keys()}


def images_section(session: Session, shuffled: Dataset) -> Section:
    """The same images in order and shuffled."""
    both = np.concatenate([session.train.images[:SHOWN], shuffled.images[:SHOWN]])
    names = [session.train.class_names[label] for label in session.train.labels[:SHOWN]]
    captions = [*names, *(f"{name}, shuffled" for name in names)]
    figure = images(both, captions, title="The same images, their pixels in order and shuffled")
    alt = f"A grid of images: {', '.join(captions)}."
    return Section("In order and shuffled", [write_picture(session.folder, "shuffled", figure, alt)])


if __name__ == "__main__":
    run(main, Config)
