"""Feature maps: what the filters of a CNN look like, what they find, and what a class hangs on.

The claims of the lectures: a convolutional layer learns by itself the filters that extract features; each filter makes
one feature map, whose large values say where its pattern is; pools make the maps smaller. Filters and feature maps of
every layer are drawn before and after training, with the patches that excite each filter most and the saliency of the
class. To measure what the learned filters are worth, the same net is also trained with its filters left as drawn.

Run `python -m experiments.feature_maps`: about half a minute on two cores. `--epochs 0` draws the untrained net.
`--images 3 14` chooses test images, `--model convnet` another net. Expect, on the sample, learned filters to recognise
some eight points more than random ones, and inverting the tenth of the pixels that saliency names to cost some eighty
points more accuracy than inverting as many at random.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import jax
import numpy as np
import optax
import tyro
from flax import nnx

from experiments.harness.border import input_gradients
from experiments.harness.command import run
from experiments.harness.comparison import Results, begin, present
from experiments.harness.options import Options
from experiments.harness.recipes import RMSPROP, START, rmsprop
from experiments.harness.runs import Trained, Variant, count_built, create
from experiments.harness.seen import erase_most_salient, feature_maps, kernels, scaled
from experiments.harness.seen_pictures import (
    excited_section,
    filters_section,
    maps_section,
    saliency,
    saliency_section,
)
from experiments.harness.session import Session
from experiments.harness.statistics import estimate, judge, paired
from experiments.harness.tables import Records
from jaxcnn import geometry
from jaxcnn.data import Dataset
from jaxcnn.training import evaluate, predict
from jaxcnn.visualization import Section

SHARE = 0.1  # of the pixels that are inverted
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Config(Options):
    """Filters, feature maps and saliency."""

    model: Annotated[
        Literal["lenet5", "swish_cnn", "simple_cnn", "convnet", "fashion_cnn"], tyro.conf.arg(help="The net.")
    ] = "lenet5"
    images: Annotated[tuple[int, ...], tyro.conf.arg(help="Test images to look at; none means the first four.")] = ()
    seeds: Annotated[int, tyro.conf.arg(help="How often each variant is trained, with seeds 0, 1, …")] = 3
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/feature_maps"
    )


def main(config: Config) -> Rows:
    """Train and draw; returns the rows of `result.json`."""
    session = begin("feature_maps", config)
    chosen = chosen_images(config.images, len(session.test))[: 1 if config.quick else None]
    learned, fixed = (_variant(config.model, session, learns=learns) for learns in (True, False))
    results, trained = train(session, [learned, fixed])
    models = {"before training": learned.build(0)}
    findings, tables = [map_sentence(models["before training"], session.test)], {}
    if trained.models:
        models["after training"] = next(iter(trained.models.values()))
        drops = {seed: erased_accuracies(model, session.test, seed) for seed, model in trained.models.items()}
        findings += [filter_sentence(results), saliency_sentence(drops)]
        tables = {"Filters before and after training": change_records(trained)}
    return present(
        results,
        title="Filters, feature maps and saliency",
        findings=findings,
        recipe=f"Recipe: {RMSPROP}, {START}",
        sections=build_sections(session, models, chosen),
        layers=[learned],
        tables=tables,
        differ_in_size=False,
    )


def chosen_images(wanted: tuple[int, ...], count: int) -> tuple[int, ...]:
    """The test images to look at.

    Raises:
      ValueError: for an index that the test set doesn't have.
    """
    for index in wanted:
        if geometry.as_int("--images", index, minimum=0) >= count:
            raise ValueError(f"--images must be below {count}, the number of test images; got {index}")
    return tuple(dict.fromkeys(wanted)) or tuple(range(min(4, count)))


def _variant(name: str, session: Session, *, learns: bool) -> Variant:
    def build(seed: int) -> nnx.Module:
        return create(name, {}, session.train, seed=seed)

    label = "learned filters" if learns else "filters as drawn"
    optimizer = rmsprop() if learns else optax.chain(rmsprop(), optax.masked(optax.set_to_zero(), _is_filter))
    return count_built(build, name, {"filters": label}, label, session.train, optimizer=optimizer)


def _is_filter(params: Any) -> Any:
    """True at the parameters of convolutions, which then stay as they are."""
    return jax.tree_util.tree_map_with_path(lambda path, _: "conv" in jax.tree_util.keystr(path), params)


def train(session: Session, variants: Sequence[Variant]) -> tuple[Results, Trained]:
    """A row a variant and seed, and the first variant's models."""
    trained = list(session.train_each(variants, rmsprop()))
    return Results(session, variants, [row for one in trained for row in one.rows]), trained[0]


def erased_accuracies(model: nnx.Module, test: Dataset, seed: int) -> tuple[float, float]:
    """Accuracy after a tenth of the pixels is inverted: those that saliency names, and as many at random."""
    images = scaled(test.images)
    # The net's own answers: the true classes would tell it what to look at.
    answers = np.asarray(predict(model, test.images)).argmax(axis=1)
    salient = saliency(input_gradients(model, images, answers))
    random = np.random.default_rng(seed).random(salient.shape)
    both = (erase_most_salient(images, order, SHARE) for order in (salient, random))
    named, drawn = (evaluate(model, _with(test, changed))["accuracy"] for changed in both)
    return named, drawn


def _with(dataset: Dataset, images: np.ndarray) -> Dataset:
    return Dataset(images.astype(np.float32), dataset.labels, dataset.class_names, dataset.name, dataset.source)


def change_records(trained: Trained) -> Records:
    """A line a layer: how far training moved its filters, over the seeds."""
    pairs = [(kernels(trained.variant.build(seed)), kernels(model)) for seed, model in trained.models.items()]
    return [
        {
            "layer": layer,
            "kernel": "×".join(map(str, kernel.shape)),
            "|after − before| / |before|": estimate([_distance(drawn[layer], now[layer]) for drawn, now in pairs]).text(
                2
            ),
        }
        for layer, kernel in pairs[0][0].items()
    ]


def _distance(before: np.ndarray, after: np.ndarray) -> float:
    return float(np.linalg.norm(after - before) / np.linalg.norm(before))


def map_sentence(model: nnx.Module, test: Dataset) -> str:
    """Whether every filter makes one feature map."""
    outputs, filters = feature_maps(model, test.images[:1]), kernels(model)
    shapes = {layer: outputs[layer].shape[1:] for layer in filters}
    holds = all(shapes[layer][-1] == kernel.shape[-1] for layer, kernel in filters.items())
    told = ", ".join(
        f"{kernel.shape[-1]} filters of {layer} make {shapes[layer][-1]} maps of {shapes[layer][0]}×{shapes[layer][1]}"
        for layer, kernel in filters.items()
    )
    return f"Each filter makes one feature map: {'holds' if holds else 'does not hold'}; {told}."


def filter_sentence(results: Results) -> str:
    """Whether learned filters are worth more than those that were drawn."""
    learned, fixed = results.variants
    measure = f"test accuracy of {learned.label} minus {fixed.label}"
    return judge("Learned filters extract better features than random ones", measure, results.gain(learned, fixed))


def saliency_sentence(drops: Mapping[int, tuple[float, float]]) -> str:
    """Whether the pixels that saliency names matter more than others."""
    named, drawn = ({seed: pair[i] for seed, pair in drops.items()} for i in (0, 1))
    measure = (
        f"test accuracy with {SHARE:.0%} of the pixels inverted at random minus that with the most salient inverted"
    )
    return judge("Saliency names the pixels that the class hangs on", measure, paired(drawn, named))


def build_sections(session: Session, models: Mapping[str, nnx.Module], chosen: Sequence[int]) -> list[Section]:
    """The pictures."""
    return [
        filters_section(session.folder, models),
        maps_section(session.folder, models, session.test, chosen),
        excited_section(session.folder, list(models.values())[-1], session.test),
        saliency_section(session.folder, models, session.test, chosen),
    ]


if __name__ == "__main__":
    run(main, Config)
