"""The slides' ConvolutionNetwork from scratch: pure functions and jax.grad, no Flax, equal to the Flax model.

The claims of the third lecture: who writes the forward pass needs no backward pass, as automatic differentiation finds
it (x³ + 2x + 5 has at 1, 2 and 3 the slopes 5, 14 and 29), and a net of one convolution with 10 kernels then learns
Fashion-MNIST by plain SGD on mini-batches.

Who knows Keras and TensorFlow can read this file from top to bottom with five things in mind:

    tf.Variable                   an array; all six of the network sit in one tuple, `Weights`
    with tf.GradientTape()        jax.grad(f): from f it makes the function of f's gradients by f's first argument
    optimizer.apply_gradients()   new weights = weights - rate * gradients: nothing changes in place
    tf.function                   jax.jit
    the global random seed        a key, handed to whoever draws; the same key draws the same numbers again

Run `python -m experiments.from_scratch`: about half a minute on two cores. `--epochs 0` differentiates and counts, and
trains nothing. Expect the slopes exactly, losses and parameters that differ from the Flax model's by rounding alone
after every step of an epoch, and a test accuracy of about 0.82 on the shipped sample, which swings by some hundredths
from epoch to epoch. The slides don't say their learning rate and batch size; these are 0.05 and 64.
"""

import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tyro

import jaxcnn.functional as F
from experiments.harness.command import run
from experiments.harness.flax_twin import Followed, counted, follow_flax, found
from experiments.harness.options import Options, check, check_learning_rate, describe, load_both, quickened
from experiments.harness.results import open_folder
from experiments.harness.scratch_report import present
from jaxcnn.data import Dataset

# ---- 1. Automatic differentiation -----------------------------------------------------------------------------------


def polynomial(x: jax.Array) -> jax.Array:
    """x³ + 2x + 5, whose derivative is 3x² + 2."""
    return x**3 + 2 * x + 5


def slopes(points: Sequence[float]) -> list[float]:
    """The derivative of the polynomial at each point; `jax.vmap` asks for all of them at once."""
    return jax.vmap(jax.grad(polynomial))(jnp.asarray(points)).tolist()


# ---- 2. The network: weights in, logits out -------------------------------------------------------------------------


class Weights(NamedTuple):
    """Everything that is learned; the shapes are those for 28×28 grey images and the defaults."""

    conv_w: jax.Array  # (3, 3, 1, 10): kernel height and width, channels in, kernels
    conv_b: jax.Array  # (10,)
    w1: jax.Array  # (1960, 100): 14 · 14 · 10 features, units
    b1: jax.Array  # (100,)
    w2: jax.Array  # (100, 10): units, classes
    b2: jax.Array  # (10,)


def init_weights(
    key: jax.Array, input_shape: tuple[int, ...], n_classes: int, *, n_kernels: int = 10, units: int = 100
) -> Weights:
    """Glorot uniform weights and zero biases, for images (height, width, channels)."""
    height, width, channels = input_shape
    n_features = (height // 2) * (width // 2) * n_kernels
    keys = jax.random.split(key, 3)  # a key for each draw: the same key would give the same numbers
    return Weights(
        conv_w=glorot_uniform(keys[0], (3, 3, channels, n_kernels)),
        conv_b=jnp.zeros(n_kernels),
        w1=glorot_uniform(keys[1], (n_features, units)),
        b1=jnp.zeros(units),
        w2=glorot_uniform(keys[2], (units, n_classes)),
        b2=jnp.zeros(n_classes),
    )


def glorot_uniform(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Uniform in ±√(6 / (inputs + outputs)) of a unit. Source: Glorot and Bengio (2010)."""
    *window, inputs, outputs = shape
    limit = math.sqrt(6 / (math.prod(window) * (inputs + outputs)))
    return jax.random.uniform(key, shape, minval=-limit, maxval=limit)


def forpass(weights: Weights, x: jax.Array) -> jax.Array:
    """Images (n, height, width, channels) in, logits (n, classes) out."""
    c_out = F.conv(x, weights.conv_w, weights.conv_b, strides=1, padding="SAME")
    r_out = jax.nn.relu(c_out)
    p_out = F.max_pool(r_out, 2, strides=2, padding="VALID")
    f_out = p_out.reshape(len(x), -1)
    a1 = jax.nn.relu(f_out @ weights.w1 + weights.b1[None])  # [None]: the same biases for every image
    return a1 @ weights.w2 + weights.b2[None]


# ---- 3. Learning: the loss, its gradients, a step against them ------------------------------------------------------


def get_loss(weights: Weights, x: jax.Array, y: jax.Array) -> jax.Array:
    """Mean cross-entropy, in nats, of the softmax of the logits; `y` is one-hot."""
    return -(y * jax.nn.log_softmax(forpass(weights, x))).sum(axis=1).mean()


@jax.jit
def training(weights: Weights, x: jax.Array, y: jax.Array, lr: float) -> tuple[Weights, jax.Array]:
    """One step of SGD: the weights after it, and the loss before it.

    The slides measure the loss after the step, by a second forward pass; here it comes with the gradients.
    """
    loss, gradients = jax.value_and_grad(get_loss)(weights, x, y)  # as jax.grad, with the value beside
    # Six weights, six gradients: tree.map goes through them in pairs.
    return jax.tree.map(lambda weight, gradient: weight - lr * gradient, weights, gradients), loss


def gen_batch(x: np.ndarray, y: np.ndarray, batch_size: int, rng: np.random.Generator) -> Iterator[tuple]:
    """One epoch of shuffled mini-batches; the last may be smaller."""
    order = rng.permutation(len(x))
    for start in range(0, len(x), batch_size):
        rows = order[start : start + batch_size]
        yield x[rows], y[rows]


def fit(
    weights: Weights, x, y, x_val, y_val, epochs: int, batch_size: int, lr: float, *, seed: int
) -> tuple[Weights, list[float], list[float]]:
    """The weights after `epochs`, and after each the mean training loss of its batches and the validation loss."""
    rng, losses, val_losses = np.random.default_rng(seed), [], []
    for _ in range(epochs):
        batch_losses = []
        for x_batch, y_batch in gen_batch(x, y, batch_size, rng):
            weights, loss = training(weights, x_batch, y_batch, lr)
            batch_losses.append(loss)
        losses.append(float(np.mean(batch_losses)))
        val_losses.append(score(weights, x_val, y_val)[0])
    return weights, losses, val_losses


def score(weights: Weights, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Mean loss, and the fraction of images whose largest logit is that of their class; a thousand at a time."""
    parts = [measure(weights, x[i : i + 1000], y[i : i + 1000]) for i in range(0, len(x), 1000)]
    loss, accuracy = np.sum(parts, axis=0) / len(x)
    return float(loss), float(accuracy)


@jax.jit
def measure(weights: Weights, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The sum of the losses, and how many images are recognised."""
    right = forpass(weights, x).argmax(axis=1) == y.argmax(axis=1)
    return get_loss(weights, x, y) * len(x), right.sum()


def prepared(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Pixels in [0, 1] and one-hot classes."""
    return dataset.images.astype(np.float32) / 255, np.eye(len(dataset.class_names), dtype=np.float32)[dataset.labels]


# ---- 4. The experiment ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Config(Options):
    """The slides' network in pure functions."""

    dataset: Annotated[str, tyro.conf.arg(help="Data set: fashion_mnist or mnist.")] = "fashion_mnist"
    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training set; 0 trains nothing.")] = 15
    seeds: Annotated[int, tyro.conf.arg(help="How often the net is trained, with seeds 0, 1, …")] = 3
    learning_rate: Annotated[float, tyro.conf.arg(help="Of SGD.")] = 0.05
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json, report.html and the pictures.")] = Path(
        "runs/from_scratch"
    )


def main(config: Config) -> Sequence[Mapping[str, Any]]:
    """Differentiate, compare with Flax, train and draw; returns the rows of `result.json`."""
    check(config)
    check_learning_rate(config.learning_rate)
    config = quickened(config)
    train, test = load_both(config)
    folder = open_folder(config.out)
    print(describe(train, test, quick=config.quick), file=sys.stderr)
    rest, validation = train.split(0.2, seed=42)
    rows = [train_one(config, rest, validation, test, seed) for seed in range(config.seeds)]
    followed = compare(config, rest)
    present(config, folder, train, test, rows, slopes([1.0, 2.0, 3.0]), followed)
    return rows


def train_one(config: Config, rest: Dataset, validation: Dataset, test: Dataset, seed: int) -> dict[str, Any]:
    """The row of one seed."""
    (x, y), (x_val, y_val), (x_test, y_test) = map(prepared, (rest, validation, test))
    weights = init_weights(jax.random.key(seed), x.shape[1:], y.shape[1])
    row = counted(forpass, weights, rest, test, seed=seed, learning_rate=config.learning_rate)
    if not config.epochs:
        return row
    start, recipe = time.perf_counter(), (config.epochs, config.batch_size, config.learning_rate)
    weights, losses, val_losses = fit(weights, x, y, x_val, y_val, *recipe, seed=seed)
    seconds, history = time.perf_counter() - start, {"loss": losses, "val_loss": val_losses}
    return row | found(score(weights, x, y), score(weights, x_test, y_test), seconds, history)


def compare(config: Config, rest: Dataset) -> Followed:
    """Both nets through the same batches of one epoch; through none where nothing is to be trained."""
    x, y = prepared(rest)
    weights = init_weights(jax.random.key(0), x.shape[1:], y.shape[1])
    batches = list(gen_batch(x, y, config.batch_size, np.random.default_rng(0))) if config.epochs else []
    return follow_flax(weights, batches, training, config.learning_rate)


if __name__ == "__main__":
    run(main, Config)
