"""What `jaxcnn.accelerate_cpu` gains for programs that know nothing of jaxcnn.

Each program is its library's own, unchanged; a training step is compiled without and with the acceleration, and the two
are timed in turns (A B A B) in one process. Equinox's programs need `pip install equinox`, and are left out without it.

    python -m experiments.bench.accelerate
"""

import functools
import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import jaxcnn

Step = Callable[[Any, Any], jax.Array]


class FlaxExample(nnx.Module):
    """The model of Flax's MNIST tutorial, without its batch norm and dropout."""

    def __init__(self, rngs: nnx.Rngs, pool: Callable[..., Any] = nnx.avg_pool):
        self.convs = nnx.List([nnx.Conv(1, 32, (3, 3), rngs=rngs), nnx.Conv(32, 64, (3, 3), rngs=rngs)])
        self.hidden = nnx.Linear(3136, 256, rngs=rngs)
        self.logits = nnx.Linear(256, 10, rngs=rngs)
        self.pool = functools.partial(pool, window_shape=(2, 2), strides=(2, 2))

    def __call__(self, x: jax.Array) -> jax.Array:
        for conv in self.convs:
            x = self.pool(nnx.relu(conv(x)))
        return self.logits(nnx.relu(self.hidden(x.reshape(len(x), -1))))


class FlaxConvNet(nnx.Module):
    """The `convnet` of the lectures in plain Flax."""

    def __init__(self, rngs: nnx.Rngs, pools: int):
        conv = functools.partial(nnx.Conv, kernel_size=(3, 3), padding="VALID", rngs=rngs)
        self.convs = nnx.List([conv(1, 32), conv(32, 64), conv(64, 128)])
        self.logits = nnx.Linear(1152 if pools else 61952, 10, rngs=rngs)
        self.pools = pools

    def __call__(self, x: jax.Array) -> jax.Array:
        for number, conv in enumerate(self.convs):
            x = nnx.relu(conv(x))
            x = nnx.max_pool(x, (2, 2), (2, 2)) if number < self.pools else x
        return self.logits(x.reshape(len(x), -1))


def flax_step(make: Callable[[nnx.Rngs], nnx.Module], transformation: optax.GradientTransformation) -> Step:
    """A training step as Flax's guides write it, its model and optimiser inside."""
    model: Any = make(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, transformation, wrt=nnx.Param)

    @nnx.jit
    def step(model: Any, optimizer: Any, x: jax.Array, y: jax.Array) -> jax.Array:
        loss, grads = nnx.value_and_grad(lambda model: cross_entropy(model(x), y))(model)
        optimizer.update(model, grads)
        return loss

    return functools.partial(step, model, optimizer)


def equinox_step(layers: Callable[[Any, Any], list[Any]], transformation: optax.GradientTransformation) -> Step:
    """A training step as Equinox's examples write it: one image's model under vmap, channels first."""
    import equinox as eqx

    parameters, static = eqx.partition(eqx.nn.Sequential(layers(eqx.nn, jax.random.key(0))), eqx.is_array)
    state = [parameters, transformation.init(parameters)]

    @jax.jit
    def step(parameters: Any, moments: Any, x: jax.Array, y: jax.Array) -> Any:
        def loss(parameters: Any) -> jax.Array:
            return cross_entropy(jax.vmap(eqx.combine(parameters, static))(x.transpose(0, 3, 1, 2)), y)

        value, grads = jax.value_and_grad(loss)(parameters)
        updates, moments = transformation.update(grads, moments, parameters)
        return eqx.apply_updates(parameters, updates), moments, value

    def advance(x: Any, y: Any) -> jax.Array:
        state[0], state[1], value = step(*state, x, y)
        return value

    return advance


def equinox_example(layer: Any, key: Any) -> list[Any]:
    """The layers of Equinox's MNIST example; its pool's windows overlap."""
    keys, apply = jax.random.split(key, 4), layer.Lambda
    return [
        layer.Conv2d(1, 3, kernel_size=4, key=keys[0]),
        layer.MaxPool2d(kernel_size=2),
        apply(jax.nn.relu),
        apply(jnp.ravel),
        layer.Linear(1728, 512, key=keys[1]),
        apply(jax.nn.sigmoid),
        layer.Linear(512, 64, key=keys[2]),
        apply(jax.nn.relu),
        layer.Linear(64, 10, key=keys[3]),
    ]


def equinox_convnet(layer: Any, key: Any) -> list[Any]:
    """The `convnet` of the lectures in plain Equinox."""
    keys, relu, pool = jax.random.split(key, 4), layer.Lambda(jax.nn.relu), layer.MaxPool2d(2, 2)
    conv = [layer.Conv2d(*sizes, 3, key=key) for sizes, key in zip([(1, 32), (32, 64), (64, 128)], keys, strict=False)]
    logits = layer.Linear(1152, 10, key=keys[3])
    return [conv[0], relu, pool, conv[1], relu, pool, conv[2], relu, layer.Lambda(jnp.ravel), logits]


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean over the batch."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def programs() -> Iterator[tuple[str, Callable[[], Step]]]:
    """Names, and how to make each program's step anew."""
    adamw, rmsprop = optax.adamw(0.005, 0.9), optax.rmsprop(1e-3)
    yield "Flax MNIST example, average pooling", lambda: flax_step(FlaxExample, adamw)
    with_max = functools.partial(FlaxExample, pool=nnx.max_pool)
    yield "Flax MNIST example, max pooling", lambda: flax_step(with_max, adamw)
    yield "Flax convnet, max pooling", lambda: flax_step(functools.partial(FlaxConvNet, pools=2), rmsprop)
    yield "Flax convnet, no pooling", lambda: flax_step(functools.partial(FlaxConvNet, pools=0), rmsprop)
    if importlib.util.find_spec("equinox"):
        yield "Equinox MNIST example", lambda: equinox_step(equinox_example, adamw)
        yield "Equinox convnet, max pooling", lambda: equinox_step(equinox_convnet, rmsprop)


def rows(batches: Sequence[int] = (64,), rounds: int = 5, turn_seconds: float = 0.4) -> list[dict[str, Any]]:
    """A row a program and batch: program, batch, off_ms, on_ms and ratio (off / on), medians of `rounds` turns."""
    return [
        {"program": name, "batch": batch} | _compared(make, batch, rounds, turn_seconds)
        for name, make in programs()
        for batch in batches
    ]


def _compared(make: Callable[[], Step], batch: int, rounds: int, turn_seconds: float) -> dict[str, float]:
    rng = np.random.default_rng(0)
    data = jnp.asarray(rng.random((batch, 28, 28, 1), np.float32)), jnp.asarray(rng.integers(0, 10, batch))
    off, on = functools.partial(make(), *data), functools.partial(make(), *data)
    jax.block_until_ready(off())
    with jaxcnn.accelerate_cpu():
        jax.block_until_ready(on())
    steps = max(1, round(turn_seconds / _seconds(off, 2)))
    turns = [(_seconds(off, steps), _seconds(on, steps)) for _ in range(rounds)]
    off_ms, on_ms = (1e3 * statistics.median(times) for times in zip(*turns, strict=True))
    return {"off_ms": off_ms, "on_ms": on_ms, "ratio": off_ms / on_ms}


def _seconds(step: Callable[[], jax.Array], steps: int) -> float:
    """Of one of `steps`."""
    start = time.perf_counter()
    for _ in range(steps - 1):
        step()
    jax.block_until_ready(step())
    return (time.perf_counter() - start) / steps


def main() -> None:
    """Print the rows."""
    print(f"{'program':38}{'batch':>6}{'off ms':>9}{'on ms':>9}{'ratio':>7}")
    for row in rows():
        times = f"{row['off_ms']:>9.2f}{row['on_ms']:>9.2f}{row['ratio']:>7.2f}"
        print(f"{row['program']:38}{row['batch']:>6}{times}")


if __name__ == "__main__":
    main()
