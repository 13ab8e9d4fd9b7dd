"""The formulas of activation functions and of their derivatives, and what follows from them exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxcnn.functional as F

X = np.linspace(-12, 12, 97)  # 0 is one of them


def slope(f):
    return np.asarray(jax.jit(jax.vmap(jax.grad(f)))(X.astype(np.float32)))


def test_sigmoid():
    np.testing.assert_allclose(jax.nn.sigmoid(jnp.asarray(X)), 1 / (1 + np.exp(-X)), rtol=1e-5)
    exact = 1 / (1 + np.exp(-X))
    assert ((exact > 0) & (exact < 1)).all()
    assert exact[48] == 0.5
    np.testing.assert_allclose(exact + exact[::-1], 1)  # symmetric about 0.5


def test_the_slope_of_sigmoid_is_at_most_a_quarter():
    found = slope(jax.nn.sigmoid)
    assert (found.max(), found.argmax()) == (0.25, 48)
    assert max(found[0], found[-1]) < 1e-5


@pytest.mark.parametrize(("activation", "largest"), [(jax.nn.sigmoid, 0.25), (jnp.tanh, 1.0)])
def test_slopes_multiply_to_nothing(activation, largest):
    # At 3, say, the slope is 0.045 or 0.01: ten layers of it leave less than 1e-13 of the gradient.
    slope_at = jax.jit(jax.grad(activation))
    one = float(slope_at(3.0))
    assert one < 0.05 < largest
    assert one**10 < 1e-13
    # A saturated neuron's slope is 0 in float32, and so is all that it passes back.
    assert slope_at(200.0) == 0


def test_tanh():
    np.testing.assert_allclose(np.tanh(X), 2 / (1 + np.exp(-2 * X)) - 1, atol=1e-12)
    ours = 2 * jax.nn.sigmoid(2 * jnp.asarray(X, jnp.float32)) - 1
    np.testing.assert_allclose(jnp.tanh(jnp.asarray(X, jnp.float32)), ours, atol=2e-7)
    assert np.abs(np.tanh(X)).max() <= 1
    np.testing.assert_allclose(np.tanh(X), -np.tanh(X)[::-1])  # centred on 0
    np.testing.assert_allclose(slope(jnp.tanh), (1 - np.tanh(X)) * (1 + np.tanh(X)), atol=1e-6)


def test_relu():
    values = np.asarray(jax.nn.relu(jnp.asarray(X)))
    np.testing.assert_allclose(values, np.maximum(X, 0), rtol=1e-6)
    assert jax.nn.relu(-1.0) + jax.nn.relu(1.0) != jax.nn.relu(-1.0 + 1.0)  # not linear
    assert values.mean() > 1  # not centred on 0, though X is


def test_relu_saturates_on_one_side():
    found = slope(jax.nn.relu)
    assert (found[X > 0] == 1).all()
    assert (found[X < 0] == 0).all()


def test_a_dead_neuron_gets_no_gradient():
    x = np.abs(X).astype(np.float32)
    slope_by_weight = jax.jit(jax.grad(lambda w: (jax.nn.relu(w * x - 1) ** 2).sum()))
    assert slope_by_weight(-1.0) == 0
    assert slope_by_weight(1.0) != 0


def test_layers_without_activation_are_one_layer():
    rng = np.random.default_rng(0)
    x, a, b = (rng.integers(-3, 4, shape) for shape in ((1, 8, 8, 2), (3, 3, 2, 4), (3, 3, 4, 3)))
    # The kernel that is both: every pair of taps, summed at the sum of their places.
    both = np.zeros((5, 5, 2, 3), int)
    for i, j, k, m in np.ndindex(3, 3, 3, 3):
        both[i + k, j + m] += a[i, j] @ b[k, m]
    np.testing.assert_array_equal(F.conv(F.conv(x, a), b), F.conv(x, both))
    dense = rng.integers(-3, 4, (6, 5)), rng.integers(-3, 4, (5, 4)), rng.integers(-3, 4, (4, 3))
    v = rng.integers(-3, 4, (2, 6))
    np.testing.assert_array_equal(v @ dense[0] @ dense[1] @ dense[2], v @ (dense[0] @ dense[1] @ dense[2]))
