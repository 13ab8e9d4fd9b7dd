"""The variants of one net that tell what pooling does from what its size does, and which are compared.

The second lecture's net carries them: it costs little, so that enough seeds can be trained, and its 203,068 parameters
shrink to 9,532 by pooling. What pooling saves is given back to the pooled net, as a wider dense layer (parameters) or
as more channels (compute), and what pooling makes a cell see is given to the net without pooling, as dilation
(receptive field). Parameters and compute match to 1%, the receptive field to 1 pixel, as its steps are 4 pixels.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from flax import nnx

from experiments.harness.matching import Layout, channels_for, hidden_for_params
from experiments.harness.pooled_net import PooledNet
from experiments.harness.runs import Variant, count_built
from jaxcnn.data import Dataset

CARRIER = "swish_cnn"
KERNEL = 5  # rows and columns
SMALLEST = 18  # pixels of an image's side, which leave the second blur two


class Match(NamedTuple):
    """A variant built to equal another one.

    Attributes:
      variant: the one that was built.
      changed: how.
      quantity: what it equals the partner in: "parameters", "MACs" or "receptive field".
      partner: the one it equals.
    """

    variant: Variant
    changed: str
    quantity: str
    partner: Variant


class Comparison(NamedTuple):
    """Two variants whose runs are paired seed by seed; the first is the one that a claim speaks for."""

    name: str
    first: Variant
    second: Variant


class Study(NamedTuple):
    """Variants of one net, how they were matched, and what they are compared for."""

    variants: Sequence[Variant]
    matches: Sequence[Match]
    comparisons: Sequence[Comparison]


def study_of(lectures: Sequence[Variant], train: Dataset) -> Study | None:
    """The study of the lectures' variants of its net.

    None where these lack the net with or without max pooling, or images are too small for its taps and blurs.
    """
    known = {variant.options["pool"]: variant for variant in lectures if variant.model == CARRIER}
    if not {"max", "none"} <= known.keys() or min(train.images.shape[1:3]) < SMALLEST:
        return None
    pooled, plain = known["max"], known["none"]
    wide, deep, dilated = (
        _more_hidden(pooled, plain, train),
        _more_channels(pooled, plain, train),
        _dilated(pooled, train),
    )
    blurred, averaged = _blurred(train), _global_average(pooled, train)
    strided = [known["stride"]] if "stride" in known else []
    matches = [
        Match(wide, f"dense layer of {_hidden(pooled)} → {wide.options['hidden']:,}", "parameters", plain),
        Match(deep, f"channels {_channels(pooled)} → {_channels(deep)}", "MACs", plain),
        Match(dilated, f"dilation 1 → {dilated.options['dilation']}", "receptive field", pooled),
        Match(blurred, "maxima at stride 1, blur at stride 2", "parameters", pooled),
        Match(
            averaged,
            f"no Flatten; channels {_channels(pooled)} → {_channels(averaged)}",
            "parameters",
            pooled,
        ),
    ]
    comparisons = [
        Comparison("as they are", pooled, plain),
        Comparison("at equal parameters", wide, plain),
        Comparison("at equal compute", deep, plain),
        Comparison("at equal receptive field", pooled, dilated),
        *(Comparison("against strides", pooled, other) for other in strided),
        Comparison("with blur", blurred, pooled),
        Comparison("with global average", averaged, pooled),
    ]
    return Study([pooled, *strided, plain, wide, deep, dilated, blurred, averaged], matches, comparisons)


def shortened(study: Study, lectures: Sequence[Variant]) -> Study:
    """The same matches, and of the variants and comparisons those alone that the lectures' variants hold."""
    return Study(
        [variant for variant in study.variants if variant in lectures],
        study.matches,
        [pair for pair in study.comparisons if pair.first in lectures and pair.second in lectures],
    )


def _variant(label: str, train: Dataset, options: Mapping[str, Any]) -> Variant:
    shape, classes = train.images.shape[1:], len(train.class_names)

    def build(seed: int) -> nnx.Module:
        return PooledNet(shape, classes, **options, rngs=nnx.Rngs(seed))

    return count_built(build, CARRIER, options, label, train)


def _more_hidden(pooled: Variant, plain: Variant, train: Dataset) -> Variant:
    """As many parameters as the net without pooling, by a wider first dense layer."""
    layout, (_, maps) = layout_of(pooled, train), _both_channels(pooled)
    convolutions = sum(row.params for row in pooled.summary.rows if row.type == "Conv")
    spare = plain.summary.trainable_params - convolutions
    hidden = hidden_for_params(spare, layout.kept * maps, layout.classes)
    return _variant(f"max pooling, dense {hidden:,}", train, {"pool": "max", "hidden": hidden})


def _more_channels(pooled: Variant, plain: Variant, train: Dataset) -> Variant:
    """As many multiply-accumulates as the net without pooling, by more channels."""
    channels = channels_for(layout_of(pooled, train).macs, plain.summary.total_macs or 0)
    return _variant(
        f"max pooling, channels {' and '.join(map(str, channels))}", train, {"pool": "max", "channels": channels}
    )


def _dilated(pooled: Variant, train: Dataset) -> Variant:
    """The receptive field of the pooled net without pooling, by taps further apart in the second convolution."""
    seen = (pooled.receptive_field or (0,))[0]
    dilation = max(1, round((seen - KERNEL) / (KERNEL - 1)))
    return _variant(f"no pooling, dilation {dilation}", train, {"pool": "none", "dilation": dilation})


def _blurred(train: Dataset) -> Variant:
    return _variant("max and blur pooling", train, {"pool": "blur"})


def _global_average(pooled: Variant, train: Dataset) -> Variant:
    """As many parameters as the pooled net, each map averaged before the dense layers, by more channels."""
    layout = layout_of(pooled, train)._replace(kept=1)
    channels = channels_for(layout.params, pooled.summary.trainable_params)
    options = {"pool": "max", "head": "global_average", "channels": channels}
    return _variant(f"global average, channels {' and '.join(map(str, channels))}", train, options)


def layout_of(variant: Variant, train: Dataset) -> Layout:
    """What the variant's layers see, from its summary."""
    (first, maps), hidden = _both_channels(variant), _hidden(variant)
    cells = [int(np.prod((row.output_shape or ())[1:3])) for row in variant.summary.rows if row.type == "Conv"]
    kept = (_row(variant, "dense1").params // hidden - 1) // maps
    taps = _row(variant, "conv1").params // first - 1
    return Layout(taps, KERNEL**2, cells[0], cells[1], kept, hidden, len(train.class_names))


def _row(variant: Variant, name: str) -> Any:
    return next(row for row in variant.summary.rows if row.name == name)


def _both_channels(variant: Variant) -> tuple[int, int]:
    first, second = ((row.output_shape or (0,))[-1] for row in variant.summary.rows if row.type == "Conv")
    return first, second


def _channels(variant: Variant) -> str:
    return " and ".join(map(str, _both_channels(variant)))


def _hidden(variant: Variant) -> int:
    return (_row(variant, "dense1").output_shape or (0,))[-1]
