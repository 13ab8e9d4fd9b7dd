"""Losses, gradients, initial values and optimizers as the slides state them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import models


def steps(optimizer, gradients):
    """What an optimizer adds to a parameter that sees these gradients."""

    def one(state, gradient):
        move, state = optimizer.update(gradient, state)
        return state, move

    _, moves = jax.jit(lambda seen: jax.lax.scan(one, optimizer.init(jnp.zeros(())), seen))(np.float32(gradients))
    return moves.tolist()


def test_the_derivative_of_a_cubic():
    x = jnp.array([1.0, 2.0, 3.0])
    gradient = jax.jit(jax.grad(lambda x: (x**3 + 2 * x + 5).sum()))(x)
    assert gradient.tolist() == (3 * np.asarray(x) ** 2 + 2).tolist() == [5, 14, 29]


def test_the_derivative_in_double_precision(x64):
    gradient = jax.jit(jax.grad(lambda x: (x**3 + 2 * x + 5).sum()))(jnp.array([1.0, 2.0, 3.0]))
    assert (gradient.tolist(), gradient.dtype) == ([5, 14, 29], np.float64)


def test_what_can_be_differentiated():
    def power(x):
        for _ in range(2):
            x = x * x if x > 0 else x
        return x

    assert jax.grad(power)(2.0) == 4 * 2.0**3  # Python's loops and branches
    with pytest.raises(jax.errors.TracerArrayConversionError):
        jax.grad(lambda x: jnp.asarray(np.sin(x)))(2.0)  # but not NumPy's functions
    assert jax.grad(jnp.round)(2.2) == 0  # nor, usefully, steps


def test_cross_entropy_is_a_loss_a_sample():
    logits, classes = np.array([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]], np.float32), np.array([0, 2])
    targets = np.eye(3, dtype=np.float32)[classes]

    @jax.jit
    def found(z):
        gradient = jax.grad(lambda z: optax.softmax_cross_entropy(z, targets).mean())(z)
        sparse = optax.softmax_cross_entropy_with_integer_labels(z, classes)
        return optax.softmax_cross_entropy(z, targets), gradient, sparse

    losses, gradient, sparse = found(logits)
    assert losses.shape == (2,)
    sums = np.exp(logits).sum(axis=1)
    np.testing.assert_allclose(losses, np.log(sums) - logits[[0, 1], classes], rtol=1e-6)
    np.testing.assert_allclose(gradient, (np.exp(logits) / sums[:, None] - targets) / 2, atol=1e-6)
    # Class numbers, as sparse_categorical_crossentropy takes them, say the same.
    np.testing.assert_allclose(sparse, losses, rtol=1e-6)


def test_the_forward_pass_in_plain_functions():
    # Shapes alone; that the numbers are the Flax model's is tests/experiments/test_from_scratch.py's.
    def forward(x, conv_w, conv_b, w1, b1, w2, b2):
        c_out = F.conv(x, conv_w, conv_b, padding="SAME")
        p_out = F.max_pool(jnp.maximum(c_out, 0), (2, 2))
        f_out = p_out.reshape(x.shape[0], -1)
        a1 = jnp.maximum(f_out @ w1 + b1[None], 0)
        return c_out, p_out, f_out, a1 @ w2 + b2[None]

    model = nnx.eval_shape(lambda: models.create("simple_cnn", rngs=nnx.Rngs(0)))
    pairs = [(layer.kernel, layer.bias) for layer in (model.conv1, model.dense1, model.dense2)]
    shapes = [weight.shape for pair in pairs for weight in pair]
    assert shapes == [(3, 3, 1, 10), (10,), (1960, 100), (100,), (100, 10), (10,)]
    arguments = [jax.ShapeDtypeStruct(shape, np.float32) for shape in [(2, 28, 28, 1), *shapes]]
    outputs = [y.shape for y in jax.eval_shape(forward, *arguments)]
    assert outputs == [(2, 28, 28, 10), (2, 14, 14, 10), (2, 1960), (2, 10)]


def test_one_step_of_sgd():
    parameters, gradients = {"w": jnp.array([1.0, 2.0]), "b": jnp.array(3.0)}, {"w": jnp.array([10.0, -10.0]), "b": 0.0}
    sgd = optax.sgd(0.01)
    updates, _ = sgd.update(gradients, sgd.init(parameters))
    moved = optax.apply_updates(parameters, updates)
    np.testing.assert_allclose(moved["w"], [0.9, 2.1], rtol=1e-6)
    assert moved["b"] == 3


def test_glorots_limit():
    limit = np.sqrt(6 / (1960 + 100))
    drawn = np.asarray(nnx.initializers.glorot_uniform()(jax.random.key(0), (1960, 100)))
    assert 0.99 * limit < np.abs(drawn).max() <= limit
    assert abs(drawn.mean()) < 0.01 * limit
    assert drawn.std() == pytest.approx(limit / 3**0.5, rel=0.01)


def test_where_descent_ends_depends_on_where_it_starts():
    # x⁴ − 3x² + x has its global minimum at −1.30 and a local one at 1.13.
    def value(x):
        return x**4 - 3 * x**2 + x

    def end(x):
        for _ in range(200):
            x -= 0.02 * (4 * x**3 - 6 * x + 1)
        return x

    assert (round(end(-1.0), 2), round(end(1.0), 2)) == (-1.3, 1.13)
    assert value(end(-1.0)) < value(end(1.0))
    # Both starts lie within Glorot's limit for one input and one output: a good scale is no good basin.
    assert np.sqrt(6 / 2) > 1


def test_adam_follows_the_ratio_of_moments_not_the_loss():
    adam = optax.adam(0.1)
    small, large = steps(adam, [1e-3] * 50), steps(adam, [1e3] * 50)
    np.testing.assert_allclose(small, -0.1, rtol=1e-3)  # a thousandth of the gradient: the same step
    np.testing.assert_allclose(large, -0.1, rtol=1e-3)
    # Gradients that change sign, as at the bottom of a valley, cancel, and steps shrink.
    assert abs(steps(adam, [1.0, -1.0] * 25)[-1]) < 0.01


def test_dropout_keeps_the_mean():
    layer, x = nnx.Dropout(0.5, rngs=nnx.Rngs(0)), jnp.ones((100, 100))
    y = np.asarray(layer(x))
    assert set(np.unique(y).tolist()) == {0, 2}
    assert y.mean() == pytest.approx(1, abs=0.05)
    layer.eval()
    np.testing.assert_array_equal(layer(x), x)


def test_shuffled_pixels_are_nothing_new_to_a_dense_layer():
    rng = np.random.default_rng(0)
    x, weights, order = rng.integers(0, 9, (2, 36)), rng.integers(-3, 4, (36, 4)), rng.permutation(36)
    # Weights shuffled alike give the same net, so that training sees no difference.
    np.testing.assert_array_equal(x[:, order] @ weights[order], x @ weights)
    # A convolution's maps are torn apart: not even the same values in another order.
    kernel = np.array([[0, 0, 0], [-1, 1, 0], [0, 0, 0]])
    images, shuffled = (np.asarray(pixels).reshape(2, 6, 6, 1) for pixels in (x, x[:, order]))
    before, after = (F.conv(image, kernel[..., None, None]) for image in (images, shuffled))
    assert np.sort(before, axis=None).tolist() != np.sort(after, axis=None).tolist()


def test_printed_digits_are_a_float32():
    assert float(np.float32(0.9928)) == 0.9927999973297119
