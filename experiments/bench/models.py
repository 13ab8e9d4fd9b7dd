"""The lectures' models as lists of layers, which every contender builds for itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Layers = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Entry:
    """A model of the lectures: its name and options here, and its layers in words that any library can follow."""

    model: str
    layers: Layers
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Such as "convnet none"."""
        return " ".join([self.model, *self.options.values()])


def _conv(features: int, window: int, padding: str, activation: str) -> dict[str, Any]:
    return {"layer": "conv", "features": features, "window": window, "padding": padding, "activation": activation}


def _dense(features: int, activation: str = "") -> dict[str, Any]:
    return {"layer": "dense", "features": features, "activation": activation}


POOL: dict[str, Any] = {"layer": "max_pool", "window": 2}
FLATTEN: dict[str, Any] = {"layer": "flatten"}


def _dropout(rate: float) -> dict[str, Any]:
    return {"layer": "dropout", "rate": rate}


def _swish_cnn(*pool: dict[str, Any]) -> Layers:
    convs = [_conv(3, 5, "VALID", "swish"), *pool, _conv(6, 5, "VALID", "swish"), *pool]
    return [*convs, FLATTEN, _dense(84, "swish"), _dense(10)]


def _convnet(*pool: dict[str, Any]) -> Layers:
    first = [_conv(32, 3, "VALID", "relu"), *pool, _conv(64, 3, "VALID", "relu"), *pool]
    return [*first, _conv(128, 3, "VALID", "relu"), FLATTEN, _dense(10)]


def lecture_models() -> list[Entry]:
    """Every model that the benchmark trains, as the lectures have it."""
    lenet = [_conv(6, 5, "SAME", "swish"), POOL, _conv(16, 5, "VALID", "swish"), POOL, FLATTEN]
    simple = [_conv(10, 3, "SAME", "relu"), POOL, FLATTEN, _dense(100, "relu"), _dense(10)]
    fashion = [_conv(32, 3, "SAME", "relu"), POOL, _conv(64, 3, "SAME", "relu"), POOL, FLATTEN]
    return [
        Entry("swish_cnn", _swish_cnn(POOL), {"pool": "max"}),
        Entry("swish_cnn", _swish_cnn(), {"pool": "none"}),
        Entry("lenet5", [*lenet, _dense(120, "swish"), _dense(84, "swish"), _dense(10)]),
        Entry("simple_cnn", simple),
        Entry("fashion_cnn", [*fashion, _dense(100, "relu"), _dropout(0.4), _dense(10)]),
        Entry("convnet", _convnet(POOL), {"pool": "max"}),
        Entry("convnet", _convnet(), {"pool": "none"}),
        Entry("mlp", [FLATTEN, _dense(84, "swish"), _dense(10)]),
    ]


def shape_after(spec: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one image's features behind a layer."""
    if spec["layer"] == "conv":
        lost = 0 if spec["padding"] == "SAME" else spec["window"] - 1
        return (*(size - lost for size in shape[:-1]), spec["features"])
    if spec["layer"] == "max_pool":
        return (*(size // spec["window"] for size in shape[:-1]), shape[-1])
    return {"flatten": (math.prod(shape),), "dense": (spec.get("features", 0),)}.get(spec["layer"], shape)
