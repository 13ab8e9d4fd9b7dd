"""Dense nets of any depth against NumPy, and the race on a problem that a straight line solves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.harness import race as racing
from experiments.harness.deep_nets import Layers, Net, draw, gradient_norms, logits, one_layer, size


def by_hand(net, h, activation):
    first, hidden, last = jax.tree.map(np.asarray, net)
    for kernel, bias in [first, *zip(*hidden, strict=True)]:
        h = activation(np.asarray(h) @ kernel + bias)
    return h @ last.kernel + last.bias


@pytest.mark.parametrize("depth", [2, 4])
def test_layers_follow_one_another(depth):
    net = jax.jit(lambda key: draw(key, pixels=5, width=4, classes=3, depth=depth))(jax.random.key(0))
    x = np.random.default_rng(1).standard_normal((6, 5)).astype(np.float32)
    bent, straight = jax.jit(lambda net, x: [logits(net, x, f) for f in (jnp.tanh, lambda h: h)])(net, x)
    np.testing.assert_allclose(bent, by_hand(net, x, np.tanh), atol=1e-5)
    kernel, bias = one_layer(net)
    np.testing.assert_allclose(straight, np.asarray(x) @ kernel + bias, atol=1e-5)
    assert size(5, 4, 3, depth) == (sum(leaf.size for leaf in jax.tree.leaves(net)), 5 * 4 + (depth - 2) * 16 + 12)


def test_gradient_norms_by_hand():
    # One image of one pixel, one hidden unit, two classes with equal logits: the softmax is 1/2 and 1/2.
    net = Net(
        Layers(jnp.array([[3.0]]), jnp.zeros(1)),
        Layers(jnp.zeros((0, 1, 1)), jnp.zeros((0, 1))),
        Layers(jnp.array([[1.0, 1.0]]), jnp.zeros(2)),
    )
    norms = gradient_norms(net, jnp.array([[2.0]]), jnp.array([0]), jax.nn.relu)
    # By the last kernel: h (1/2 − 1, 1/2) with h = 6. By the first: x (−1/2 + 1/2) = 0.
    np.testing.assert_allclose(norms, [0.0, 6 * np.sqrt(0.5)], atol=1e-6)


@pytest.mark.slow
def test_the_best_rate_is_the_first_with_all_seeds_there(monkeypatch):
    monkeypatch.setattr(racing, "EVERY", 2)
    x = jax.random.normal(jax.random.key(3), (64, 2))
    labels = (x[:, 0] > 0) * 2 + (x[:, 1] > 0)
    found = racing.race(
        jnp.tanh,
        x,
        labels,
        rates=(1e-9, 0.5),
        seeds=2,
        depth=2,
        width=16,
        classes=4,
        batch_size=32,
        most_steps=200,
        goal=0.9,
    )
    assert found.best == 1
    assert np.isfinite(found.steps[1]).all()
    assert found.steps[1].max() <= 200
    assert float(racing.accuracy(found.net(1, 0), x, labels, jnp.tanh)) >= 0.9


def test_a_unit_is_silent_where_it_is_0_for_every_image():
    kernel = jnp.array([[1.0, -1.0, 0.0]])
    net = Net(
        Layers(kernel, jnp.zeros(3)),
        Layers(jnp.zeros((0, 3, 3)), jnp.zeros((0, 3))),
        Layers(jnp.ones((3, 2)), jnp.zeros(2)),
    )
    x = jnp.array([[1.0], [2.0]])
    assert float(racing.silent_share(net, x, jax.nn.relu)) == pytest.approx(2 / 3)
    assert float(racing.silent_share(net, x, jnp.tanh)) == pytest.approx(1 / 3)
