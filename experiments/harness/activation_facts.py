"""What needs no training to be said of activations: shapes, slopes, depth, and means."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from experiments.harness.deep_nets import Activation, draw, gradient_norms, logits, one_layer
from experiments.harness.results import write_picture
from jaxcnn.visualization import Picture
from jaxcnn.visualization.lines import Line, lines

ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "ReLU": jax.nn.relu,
    "swish": jax.nn.swish,
}
REACH = 6.0  # x of the pictures, from -REACH to REACH
SEEDS, LOOKED_AT = 3, 256


Norms = Mapping[tuple[str, int], np.ndarray]


def grid() -> jax.Array:
    """Where the functions are looked at; 0 is among the places."""
    return jnp.linspace(-REACH, REACH, 1201)


def slope(activation: Activation, x: jax.Array) -> jax.Array:
    """The derivative at each x, by automatic differentiation."""
    return jax.vmap(jax.grad(activation))(x)


def functions_picture(folder: Path) -> Picture:
    """The functions and their derivatives."""
    x = grid()
    drawn = [Line("the function", name, x, activation(x)) for name, activation in ACTIVATIONS.items()]
    drawn += [Line("its derivative", name, x, slope(activation, x)) for name, activation in ACTIVATIONS.items()]
    figure = lines(drawn, title="Activations and their derivatives", xlabel="x", ylabel="value")
    alt = "Lines: sigmoid, tanh, ReLU and swish, and their derivatives, from -6 to 6."
    return write_picture(folder, "functions", figure, alt)


def derivative_sentences() -> list[str]:
    """Sigmoid's largest slope, tanh as a sigmoid, its slope, and where ReLU saturates."""
    x = grid()
    sigmoid, tanh = jax.nn.sigmoid, jnp.tanh
    largest, tail = float(slope(sigmoid, x).max()), float(slope(sigmoid, x)[0])
    identity = float(abs(tanh(x) - (2 * sigmoid(2 * x) - 1)).max())
    product = float(abs(slope(tanh, x) - (1 - tanh(x)) * (1 + tanh(x))).max())
    relu = slope(jax.nn.relu, x)
    straight = bool((relu[x > 0] == 1).all() and (relu[x < 0] == 0).all())
    saturated = float(slope(tanh, x)[0])
    return [
        f"Sigmoid's slope never exceeds 0.25 and vanishes at both ends: {_holds(largest <= 0.25 and tail < 0.01)} "
        f"(largest {largest:.4f}, {tail:.4f} at x = {-REACH:g}).",
        f"tanh(x) = 2σ(2x) − 1: {_holds(identity < 1e-6)} (largest difference {identity:.1g}); its slope is "
        f"(1 − tanh x)(1 + tanh x): {_holds(product < 1e-6)} (largest difference {product:.1g}), which "
        f"leaves {saturated:.1g} at x = {-REACH:g}: saturated units pass no gradient on.",
        f"ReLU doesn't saturate for positive x, and passes no gradient for negative x: {_holds(straight)} (slope 1 and "
        "0 in every place looked at).",
    ]


def _holds(true: bool) -> str:
    return "holds" if true else "does not hold"


def linear_sentence(x: jax.Array, width: int, depth: int) -> str:
    """Whether a deep net without activation is one layer."""
    net = draw(jax.random.key(0), pixels=x.shape[1], width=width, classes=10, depth=depth)
    some = x[:100]
    deep = np.asarray(logits(net, some, lambda h: h), np.float64)
    kernel, bias = one_layer(net)
    far = float(abs(deep - (np.asarray(some, np.float64) @ kernel + bias)).max() / abs(deep).max())
    return (
        f"A net without activation is a single layer: {_holds(far < 1e-5)} exactly; {depth} layers and the one layer "
        f"of {kernel.shape[0]}×{kernel.shape[1]} weights that is their product differ by {far:.1g} of the largest "
        "output, which is rounding."
    )


def gradient_records(x: jax.Array, labels: jax.Array, depths: Sequence[int], width: int, classes: int) -> Norms:
    """(activation, depth) -> norm of the gradient by each layer's kernel, first layer first, mean over seeds."""
    some, their = x[:LOOKED_AT], labels[:LOOKED_AT]
    found = {}
    for name, activation in ACTIVATIONS.items():
        for depth in depths:
            nets = [
                draw(jax.random.key(seed), pixels=x.shape[1], width=width, classes=classes, depth=depth)
                for seed in range(SEEDS)
            ]
            found[name, depth] = np.mean([gradient_norms(net, some, their, activation) for net in nets], axis=0)
    return found


def gradients_picture(folder: Path, norms: Norms) -> Picture:
    """A panel a depth, a line an activation."""
    drawn = [
        Line(f"{depth} layers", name, np.arange(1, depth + 1), values)
        for (name, depth), values in sorted(norms.items(), key=lambda entry: entry[0][1])
    ]
    figure = lines(
        drawn,
        title="The gradient that reaches each layer at the start",
        xlabel="layer, the first reads the image",
        ylabel="norm of the gradient (log scale)",
        log_y=True,
    )
    alt = "Lines: norm of the gradient by layer, in nets of several depths, for each activation."
    return write_picture(folder, "gradients", figure, alt)


def gradient_table(norms: Norms) -> list[dict[str, str]]:
    """A line an activation: how much of the last layer's gradient the first one gets, by depth."""
    depths = sorted({depth for _, depth in norms})
    return [
        {"activation": name, **{f"{depth} layers": f"{ratio(norms[name, depth]):.3g}" for depth in depths}}
        for name in ACTIVATIONS
    ]


def ratio(norms: np.ndarray) -> float:
    """The first layer's gradient over the last's."""
    return float(norms[0] / norms[-1])


def vanishing_sentences(norms: Norms) -> list[str]:
    """Whether gradients vanish with depth, activation by activation: one more layer's factor, from the deepest nets."""
    low, high = min(depth for _, depth in norms), max(depth for _, depth in norms)
    if low == high:
        return []
    factors = {name: (ratio(norms[name, high]) / ratio(norms[name, low])) ** (1 / (high - low)) for name in ACTIVATIONS}
    vanish = [name for name, factor in factors.items() if factor < 0.5]
    told = ", ".join(f"{name} {factor:.2f}" for name, factor in factors.items())
    claims = [
        f"Gradients of {name} vanish with depth: {'holds' if name in vanish else 'not in these nets'} (of {high} "
        f"layers, the first gets {ratio(norms[name, high]):.2g} times the last's gradient)."
        for name in ("sigmoid", "tanh")
    ]
    fallen = ", ".join(f"{name} {float(norms[name, high][0] / norms[name, low][0]):.1g}" for name in ACTIVATIONS)
    return [
        *claims,
        f"What one more layer leaves of the gradient on its way to the first layer: {told}.",
        f"The first layer's gradient in nets of {high} layers, as a multiple of that in nets of {low}: {fallen}; where "
        "it falls and the ratio of first to last layer doesn't, signals fade forwards, and all gradients with them.",
    ]


def mean_sentence() -> str:
    """Where outputs lie for inputs drawn around 0."""
    x = jax.random.normal(jax.random.key(0), (1_000_000,))
    means = {name: float(activation(x).mean()) for name, activation in ACTIVATIONS.items()}
    right = abs(means["sigmoid"] - 0.5) < 0.01 and abs(means["tanh"]) < 0.01 and means["ReLU"] > 0.1
    told = ", ".join(f"{name} {mean:.3f}" for name, mean in means.items())
    return (
        f"Outputs lie around 0.5 for sigmoid and around 0 for tanh, and not around 0 for ReLU: {_holds(right)} (means "
        f"for a million standard normal inputs: {told})."
    )
