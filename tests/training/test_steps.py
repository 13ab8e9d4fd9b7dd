import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jaxcnn.training import Examples, create_state, eval_step, steps, train_step


def device_batch(data):
    return Examples(jnp.asarray(data.images), jnp.asarray(data.labels))


def test_train_step_is_pure_and_moves_all_state(make_images, stateful, arrays):
    model = stateful(rngs=nnx.Rngs(0))
    before = arrays(model)
    state = create_state(model, optax.adam(1e-2))
    new, metrics = jax.jit(train_step)(state, device_batch(make_images(8)))
    assert (int(state.step), int(new.step), int(metrics.examples)) == (0, 1, 8)
    np.testing.assert_equal(arrays(model), before)
    np.testing.assert_equal(arrays(nnx.merge(state.graphdef, state.params, state.other)), before)
    after = arrays(nnx.merge(new.graphdef, new.params, new.other))
    assert all(not np.array_equal(after[path], before[path]) for path in after if path != ("dropout", "rngs", "key"))


def test_dropout_masks_differ_from_step_to_step(make_images, stateful):
    state = create_state(stateful(rngs=nnx.Rngs(0)), optax.sgd(0.0))  # nothing but the mask changes the loss
    batch, step, losses = device_batch(make_images(8)), jax.jit(train_step), []
    for _ in range(3):
        state, metrics = step(state, batch)
        losses.append(float(metrics.loss))
    assert len(set(losses)) == 3


@pytest.mark.slow
def test_eager_step_takes_the_statistics_of_the_batch_and_leaves_its_input_alone(make_images, stateful, arrays):
    model, batch = stateful(rngs=nnx.Rngs(0)), device_batch(make_images(8))
    features, before = np.asarray(model.hidden(batch.images.reshape(8, 64) / 255.0)), arrays(model)
    state = create_state(model, optax.sgd(0.1))
    new, _ = train_step(state, batch)
    np.testing.assert_equal(arrays(nnx.merge(state.graphdef, state.params, state.other)), before)
    np.testing.assert_allclose(new.other["norm"]["mean"][...], 0.1 * features.mean(0), rtol=1e-5)


def test_optimizers_that_need_the_loss_receive_it(make_images, softmax):
    remember = optax.GradientTransformationExtraArgs(
        lambda params: jnp.zeros(()), lambda updates, state, params=None, *, value, **extra: (updates, value)
    )
    optimizer = optax.chain(optax.sgd(0.1), remember)
    state = create_state(softmax(rngs=nnx.Rngs(0)), optimizer)
    new, metrics = jax.jit(train_step)(state, device_batch(make_images(8)))
    assert float(new.opt_state[1]) == pytest.approx(float(metrics.loss) / 8)


def test_an_optimizer_that_needs_more_than_the_loss_is_named(make_images, softmax):
    state = create_state(softmax(rngs=nnx.Rngs(0)), optax.lbfgs())
    with pytest.raises(TypeError, match=r"^optimizer must need no more than gradients, .*'value_fn'; choose another"):
        jax.eval_shape(train_step, state, device_batch(make_images(2)))


def test_uint8_is_scaled_and_floats_are_not():
    np.testing.assert_allclose(steps.scale_images(np.full((1, 1, 1, 1), 51, np.uint8)), 0.2, rtol=1e-7)
    floats = np.full((1, 1, 1, 1), 0.2, np.float16)
    assert steps.scale_images(floats) is floats


def test_cross_entropy_is_float32_whatever_the_logits():
    losses = steps.cross_entropy(jnp.array([[8.0, 0.0]], jnp.bfloat16), jnp.array([0]))
    assert losses.dtype == jnp.float32
    np.testing.assert_allclose(losses, np.log1p(np.exp(-8.0)), rtol=2e-3)  # 0 in bfloat16


def test_eval_step_counts_valid_rows_only(make_images, stateful):
    graphdef, variables = nnx.split(stateful(rngs=nnx.Rngs(0)))
    data, step = make_images(6), jax.jit(eval_step, static_argnums=0)
    part = step(graphdef, variables, device_batch(data), np.arange(6) < 4)
    alone = step(graphdef, variables, Examples(data.images[:4], data.labels[:4]))
    assert (int(part.examples), int(part.correct)) == (4, int(alone.correct))
    np.testing.assert_allclose(part.loss, alone.loss, rtol=1e-6)
