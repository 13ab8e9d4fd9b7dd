"""Which learning rate brings an activation to its goal first, and in how many steps."""

import functools
import time
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from experiments.harness.deep_nets import Activation, Net, accuracy, draw, features, loss

EVERY = 10  # steps between two looks at the training accuracy
PROBE = 1_000  # training images behind one look


class Race(NamedTuple):
    """Nets of all rates and seeds, trained until all seeds of one rate are at the goal, or the steps are over.

    Attributes:
      rates: plain gradient descent's learning rates.
      steps: (rates, seeds), steps to the goal; infinite where it wasn't reached.
      nets: their last states, every leaf (rates, seeds, …).
      seconds: of the whole race.
    """

    rates: tuple[float, ...]
    steps: Float[np.ndarray, "rates seeds"]
    nets: Net
    seconds: float

    @property
    def best(self) -> int:
        """The rate whose slowest seed came first; where none did, the rate with most seeds at the goal."""
        return min(range(len(self.rates)), key=lambda i: (np.isinf(self.steps[i]).sum(), self.steps[i].max()))

    def net(self, rate: int, seed: int) -> Net:
        """One of the nets."""
        return jax.tree.map(lambda leaf: leaf[rate, seed], self.nets)


def race(
    activation: Activation,
    x: Float[Array, "n pixels"],
    labels: Int[Array, " n"],
    *,
    rates: Sequence[float],
    seeds: int,
    depth: int,
    width: int,
    classes: int,
    batch_size: int,
    most_steps: int,
    goal: float,
) -> Race:
    """Train a net for each rate and seed by plain gradient descent on batches; seeds share their batches over rates."""
    began = time.perf_counter()
    keys = jax.vmap(jax.random.key)(jnp.arange(seeds))
    one = functools.partial(draw, pixels=x.shape[1], width=width, classes=classes, depth=depth)
    drawn = jax.vmap(one)(keys)
    nets = jax.tree.map(lambda leaf: jnp.repeat(leaf[None], len(rates), axis=0), drawn)
    steps = np.full((len(rates), seeds), np.inf)
    rows = [_batches(seed, len(labels), min(batch_size, len(labels)), most_steps) for seed in range(seeds)]
    chunks = jnp.asarray(np.stack(rows, axis=1))
    for number, chunk in enumerate(chunks, 1):
        nets, reached = _advance(nets, jnp.asarray(rates, jnp.float32), x, labels, chunk, activation)
        steps = np.where(np.isinf(steps) & (np.asarray(reached) >= goal), number * EVERY, steps)
        if np.isfinite(steps).all(axis=1).any():
            break
    return Race(tuple(rates), steps, nets, time.perf_counter() - began)


def _batches(seed: int, examples: int, batch_size: int, steps: int) -> np.ndarray:
    """Rows of the examples (chunks, EVERY, batch_size), shuffled anew for each pass."""
    rng, chunks = np.random.default_rng(seed), max(1, steps // EVERY)
    needed = chunks * EVERY * batch_size
    order = np.concatenate([rng.permutation(examples) for _ in range(-(-needed // examples))])
    return order[:needed].reshape(chunks, EVERY, batch_size)


@functools.partial(jax.jit, static_argnames="activation")
def _advance(
    nets: Net, rates: Array, x: Array, labels: Array, chunk: Array, activation: Activation
) -> tuple[Net, Array]:
    def train(net: Net, rate: Array, rows: Array) -> tuple[Net, Array]:
        def step(net: Net, chosen: Array) -> tuple[Net, None]:
            slopes = jax.grad(loss)(net, x[chosen], labels[chosen], activation)
            return jax.tree.map(lambda leaf, slope: leaf - rate * slope, net, slopes), None

        net, _ = jax.lax.scan(step, net, rows)
        return net, accuracy(net, x[:PROBE], labels[:PROBE], activation)

    over_seeds = jax.vmap(train, in_axes=(0, None, 0))
    return jax.vmap(over_seeds, in_axes=(0, 0, None))(nets, rates, chunk)


@functools.partial(jax.jit, static_argnames="activation")
def silent_share(net: Net, x: Float[Array, "n pixels"], activation: Activation) -> Float[Array, ""]:
    """The share of hidden units whose output is 0 for every image, so that no gradient reaches their weights."""
    return (features(net, x, activation) == 0).all(axis=1).mean()
