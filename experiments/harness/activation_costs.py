"""What activations and their gradients cost: the exponential of the sigmoid kind against ReLU's one maximum."""

import time
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from experiments.harness.activation_facts import ACTIVATIONS

TIMED, REPEATED = 1_000_000, 30
DEARER = 1.2  # times the time; what is below may be chance

Timings = Mapping[str, tuple[float, float]]  # function -> seconds of its value and of its gradient


def timings() -> Timings:
    """The value and the gradient of each function on a million numbers."""
    x = jax.random.normal(jax.random.key(0), (TIMED,))
    return {
        name: (_seconds(jax.jit(f), x), _seconds(jax.jit(jax.grad(lambda x, f=f: f(x).sum())), x))
        for name, f in {"exp": jnp.exp, **ACTIVATIONS}.items()
    }


def cost_sentence(timed: Timings) -> str:
    """Whether the exponential makes the sigmoid kind dearer than ReLU."""
    factors = {name: timed[name][0] / timed["ReLU"][0] for name in ("sigmoid", "tanh", "swish", "exp")}
    told = ", ".join(f"{name} {factor:.1f}" for name, factor in factors.items())
    dearer = {name: factors[name] > DEARER for name in ("sigmoid", "tanh")}
    verdict = "holds" if all(dearer.values()) else "does not hold"
    if len(set(dearer.values())) == 2:
        verdict = f"holds of {'sigmoid' if dearer['sigmoid'] else 'tanh'} alone"
    return (
        f"Sigmoid and tanh cost more than ReLU's one maximum: {verdict} "
        f"(times ReLU's time for {TIMED:,} numbers, measured in this run: {told})."
    )


def cost_records(timed: Timings) -> list[dict[str, str]]:
    """A line a function: its time and its gradient's, and against ReLU's."""
    forward, backward = timed["ReLU"]
    return [
        {
            "function": name,
            "value (ms)": f"{1e3 * value:.3f}",
            "gradient (ms)": f"{1e3 * gradient:.3f}",
            "value against ReLU": f"{value / forward:.1f}",
            "gradient against ReLU": f"{gradient / backward:.1f}",
        }
        for name, (value, gradient) in timed.items()
    ]


def _seconds(function: Callable[[jax.Array], jax.Array], x: jax.Array) -> float:
    """The median time of a call, once compiled."""
    function(x).block_until_ready()
    taken = []
    for _ in range(REPEATED):
        began = time.perf_counter()
        function(x).block_until_ready()
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))
