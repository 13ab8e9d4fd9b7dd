"""The network of `experiments.from_scratch` beside the same one in Flax: equal weights, equal batches, step by step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from experiments.harness.runs import count, counts
from jaxcnn.analysis import summary
from jaxcnn.data import Dataset
from jaxcnn.models.simple_cnn import SimpleCNN
from jaxcnn.training import Examples, create_state, train_step


class Followed(NamedTuple):
    """Two nets through the same steps, one entry a step.

    Attributes:
      losses: of the net from scratch, on the step's batch before the step.
      flax_losses: of the Flax model, likewise.
      differences: the largest distance of any parameter after the step.
    """

    losses: list[float]
    flax_losses: list[float]
    differences: list[float]

    @property
    def loss_difference(self) -> float:
        """The largest one of any step."""
        return max(abs(a - b) for a, b in zip(self.losses, self.flax_losses, strict=True))


def twin(weights: Sequence[jax.Array], input_shape: tuple[int, ...]) -> SimpleCNN:
    """The Flax model with the parameters (conv_w, conv_b, w1, b1, w2, b2), for images (height, width, channels)."""
    model = nnx.eval_shape(lambda: SimpleCNN(input_shape, weights[-1].size, rngs=nnx.Rngs(0)))
    for parameter, value in zip(_parameters(model), weights, strict=True):
        # A copy, as the training step may take over what it is given.
        parameter.set_value(jnp.copy(value))
    return model


def _parameters(model: SimpleCNN) -> list[Any]:
    return [p for layer in (model.conv1, model.dense1, model.dense2) for p in (layer.kernel, layer.bias)]


def follow_flax(
    weights: Any, batches: Sequence[tuple[np.ndarray, np.ndarray]], step: Callable[..., Any], learning_rate: float
) -> Followed:
    """Take the steps of both nets, from the same weights on the same batches, each with its own program.

    Args:
      weights: (conv_w, conv_b, w1, b1, w2, b2), a pytree.
      batches: images in [0, 1] and one-hot classes.
      step: `(weights, images, classes, learning_rate) -> (weights, loss)`.
      learning_rate: of SGD.
    """
    followed = Followed([], [], [])
    if not batches:
        return followed
    model = twin(weights, batches[0][0].shape[1:])
    flax_step, state = jax.jit(train_step), create_state(model, optax.sgd(learning_rate))
    # GPUs round the factors of a product to ten bits by default, which would hide a real difference.
    with jax.default_matmul_precision("highest"):
        for x, y in batches:
            state, metrics = flax_step(state, Examples(x, y.argmax(axis=1)))
            weights, loss = step(weights, x, y, learning_rate)
            nnx.update(model, state.params)
            followed.losses.append(float(loss))
            followed.flax_losses.append(float(metrics.loss) / len(x))
            followed.differences.append(_distance(weights, _parameters(model)))
    return followed


def _distance(weights: Sequence[jax.Array], parameters: Sequence[Any]) -> float:
    return max(
        float(np.abs(np.asarray(a) - np.asarray(b[...])).max()) for a, b in zip(weights, parameters, strict=True)
    )


def counted(
    forpass: Callable[[Any, Any], Any], weights: Any, train: Dataset, test: Dataset, *, seed: int, learning_rate: float
) -> dict[str, Any]:
    """The part of a row that needs no training: the network is a plain function, so its weights are counted here."""
    image = jax.ShapeDtypeStruct((1, *train.images.shape[1:]), jnp.float32)
    options = {"learning_rate": learning_rate}
    layers = summary(lambda x: forpass(weights, x), image)
    like = count("simple_cnn", {}, "pure functions", train)
    variant = replace(like, model="from_scratch", options=options, summary=layers)
    return counts(variant, train, test, seed=seed) | {"params": sum(leaf.size for leaf in jax.tree.leaves(weights))}


def found(
    on_train: tuple[float, float], on_test: tuple[float, float], seconds: float, history: Mapping[str, list[float]]
) -> dict[str, Any]:
    """The part of a row that training finds, from (loss, accuracy) on both sets."""
    return {
        "train_loss": on_train[0],
        "train_accuracy": on_train[1],
        "test_loss": on_test[0],
        "test_accuracy": on_test[1],
        "seconds": seconds,
        "seconds_per_epoch": seconds / len(history["loss"]),
        "history": history,
    }
