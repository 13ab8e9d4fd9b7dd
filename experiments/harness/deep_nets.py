"""Dense nets of any depth as pure functions, to look at what an activation does to them."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn.initializers import glorot_uniform
from jaxtyping import Array, Float, Int, Key

Activation = Callable[[jax.Array], jax.Array]


class Layers(NamedTuple):
    """Kernels (…, in, out) and biases (…, out) of one layer, or of several in a row."""

    kernel: Float[Array, "*n inputs outputs"]
    bias: Float[Array, "*n outputs"]


class Net(NamedTuple):
    """A first layer, any number of equal hidden ones in one array, and a last one."""

    first: Layers
    hidden: Layers
    last: Layers


def draw(key: Key[Array, ""], *, pixels: int, width: int, classes: int, depth: int) -> Net:
    """A net of `depth` layers with weights, at least 2: Glorot uniform kernels and zero biases."""
    keys = jax.random.split(key, depth)
    first, last = _layer(keys[0], pixels, width), _layer(keys[1], width, classes)
    drawn = [_layer(each, width, width) for each in keys[2:]]
    empty = Layers(jnp.zeros((0, width, width)), jnp.zeros((0, width)))
    return Net(first, jax.tree.map(lambda *leaves: jnp.stack(leaves), *drawn) if drawn else empty, last)


def _layer(key: Key[Array, ""], inputs: int, outputs: int) -> Layers:
    return Layers(glorot_uniform()(key, (inputs, outputs), jnp.float32), jnp.zeros(outputs))


def logits(net: Net, x: Float[Array, "n pixels"], activation: Activation) -> Float[Array, "n classes"]:
    """The last layer's outputs; the activation follows every other layer."""

    def one(h: jax.Array, layer: Layers) -> tuple[jax.Array, None]:
        return activation(_apply(h, layer)), None

    h, _ = jax.lax.scan(one, activation(_apply(x, net.first)), net.hidden)
    return _apply(h, net.last)


def features(net: Net, x: Float[Array, "n pixels"], activation: Activation) -> Float[Array, "depth n width"]:
    """The outputs of all layers but the last, after the activation."""

    def one(h: jax.Array, layer: Layers) -> tuple[jax.Array, jax.Array]:
        after = activation(_apply(h, layer))
        return after, after

    first = activation(_apply(x, net.first))
    _, others = jax.lax.scan(one, first, net.hidden)
    return jnp.concatenate([first[None], others])


def _apply(x: jax.Array, layer: Layers) -> jax.Array:
    return x @ layer.kernel + layer.bias[None]


def loss(net: Net, x: Float[Array, "n pixels"], labels: Int[Array, " n"], activation: Activation) -> Float[Array, ""]:
    """Mean softmax cross-entropy, in nats."""
    scores = jax.nn.log_softmax(logits(net, x, activation))
    return -jnp.take_along_axis(scores, labels[:, None], axis=1).mean()


def accuracy(net: Net, x: Float[Array, "n pixels"], labels: Int[Array, " n"], activation: Activation) -> Array:
    """Fraction of images recognised."""
    return (logits(net, x, activation).argmax(1) == labels).mean()


@functools.partial(jax.jit, static_argnames="activation")
def gradient_norms(
    net: Net, x: Float[Array, "n pixels"], labels: Int[Array, " n"], activation: Activation
) -> Float[Array, " depth"]:
    """The norm of the loss's gradient by each layer's kernel, the first layer first."""
    slopes = jax.grad(loss)(net, x, labels, activation)
    first, hidden, last = (jnp.sqrt(jnp.sum(part.kernel**2, axis=(-2, -1))) for part in slopes)
    return jnp.concatenate([first[None], hidden, last[None]])


def one_layer(net: Net) -> tuple[np.ndarray, np.ndarray]:
    """The kernel (pixels, classes) and bias of the single layer that a net without activation is, in float64."""
    kernel, bias = (np.asarray(leaf, np.float64) for leaf in net.first)
    for index in range(len(net.hidden.bias)):
        kernel, bias = _compose(kernel, bias, [leaf[index] for leaf in net.hidden])
    return _compose(kernel, bias, net.last)


def _compose(kernel: np.ndarray, bias: np.ndarray, layer: Sequence[jax.Array]) -> tuple[np.ndarray, np.ndarray]:
    """(x K + b) L + c = x (K L) + (b L + c)."""
    after, added = (np.asarray(leaf, np.float64) for leaf in layer)
    return kernel @ after, bias @ after + added


def size(pixels: int, width: int, classes: int, depth: int) -> tuple[int, int]:
    """Parameters, and multiply-accumulates of one image."""
    macs = pixels * width + (depth - 2) * width * width + width * classes
    return macs + (depth - 1) * width + classes, macs
