import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from jaxcnn.training import create_state
from jaxcnn.training.state import snapshot, variables_of


def buffers(tree):
    leaves = [leaf for leaf in jax.tree.leaves(tree) if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)]
    return [leaf.unsafe_buffer_pointer() for leaf in leaves]


def test_no_buffer_is_shared_with_the_model_or_within_the_state(stateful):
    def remember(params):
        return params  # as lookahead and schedule-free optimizers do

    model = stateful(rngs=nnx.Rngs(0))
    optimizer = optax.GradientTransformation(remember, lambda updates, state, params=None: (updates, state))
    own = buffers(create_state(model, optimizer))
    assert len(set(own)) == len(own)
    assert not set(own) & set(buffers(nnx.state(model)))


def test_leaves_are_strongly_typed(softmax):
    model = softmax(rngs=nnx.Rngs(0))
    model.dense.bias.set_value(jnp.full((3,), 0.5))
    weak = optax.GradientTransformation(lambda params: 0.5, lambda updates, state, params=None: (updates, state))
    state = create_state(model, weak)
    assert not any(leaf.weak_type for leaf in jax.tree.leaves(state))
    assert state.opt_state.dtype == jnp.float32


def test_both_kinds_of_variables_make_the_model_again(stateful, arrays):
    model = stateful(rngs=nnx.Rngs(0))
    state = create_state(model, optax.sgd(0.1))
    np.testing.assert_equal(arrays(nnx.merge(state.graphdef, variables_of(state))), arrays(model))


def test_a_snapshot_outlives_donation_and_sees_broken_parameters(softmax, arrays):
    model = softmax(rngs=nnx.Rngs(0))
    state = create_state(model, optax.sgd(0.1))
    copies, finite = snapshot(state)
    jax.jit(lambda s: s, donate_argnums=0)(state)
    nnx.update(model, *copies)
    assert bool(finite)
    assert all(np.isfinite(array).all() for array in arrays(model).values())
    model.dense.bias[...] = jnp.array([0.0, jnp.nan, 0.0])
    assert not snapshot(create_state(model, optax.sgd(0.1)))[1]
