"""nn.MaxPoolWithArgmax and nn.MaxUnpool: a decoder's short cut."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import nn


def whole(*shape):
    return jnp.asarray(np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape), jnp.float32)


def test_pool_is_its_function():
    x = whole(2, 5, 6, 3)
    options = {"strides": 1, "padding": "same", "dilation": 2, "ceil_mode": True, "data_format": "channels_first"}
    layer, function = nn.MaxPoolWithArgmax((2, 3), **options), F.max_pool_with_argmax
    ours, theirs = jax.jit(lambda x: (layer(x), function(x, (2, 3), **options)))(x)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_values_go_back_to_their_places():
    x = whole(2, 4, 4, 3)

    @jax.jit
    def pooled_and_back(x):
        values, indices = nn.MaxPoolWithArgmax(2)(x)
        # The shape of a call wins: one layer serves images of any size.
        back = nn.MaxUnpool(output_shape=9)(values, indices, output_shape=x.shape[1:3])
        return values, indices, back, nn.MaxUnpool(output_shape=4)(values, indices)

    values, indices, back, same = pooled_and_back(x)
    np.testing.assert_array_equal(back, np.where(back == 0, 0, x))
    np.testing.assert_array_equal(np.sum(back, (1, 2)), np.sum(values, (1, 2)))
    np.testing.assert_array_equal(back, same)
    one = jax.eval_shape(nn.MaxUnpool(output_shape=4, spatial_dims=2), values[0], indices[0])
    assert one.shape == (4, 4, 3)
    first = nn.MaxUnpool(output_shape=(4, 5), data_format="channels_first")
    assert jax.eval_shape(first, values, indices).shape == (2, 2, 4, 5)


def test_a_decoder_has_gradients():
    class Decoder(nnx.Module):
        def __init__(self, rngs):
            self.pool, self.unpool = nn.MaxPoolWithArgmax(2), nn.MaxUnpool()
            self.conv = nn.Conv(2, 2, 1, rngs=rngs)

        def __call__(self, x):
            values, indices = self.pool(x)
            return self.unpool(self.conv(values), indices, output_shape=x.shape[1:3])

    model, x = Decoder(nnx.Rngs(0)), whole(1, 4, 4, 2)
    gradient = jax.jit(jax.grad(lambda model: (model(x) ** 2).sum()))(model)
    assert jnp.abs(gradient.conv.kernel[...]).min() > 0
    hash(nnx.split(model)[0])


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (lambda: nn.MaxPoolWithArgmax(0), r"^window must be"),
        (lambda: nn.MaxUnpool(output_shape=0), r"^output_shape must be an integer of at least 1, got 0$"),
        (lambda: nn.MaxUnpool(output_shape=(4, 4), spatial_dims=1), r"^output_shape must be"),
        (lambda: nn.MaxUnpool(spatial_dims=0), r"^spatial_dims must be"),
        (lambda: nn.MaxUnpool(data_format="NCHW"), r"^data_format must be one of"),
        (lambda: nn.MaxUnpool()(jnp.ones((1, 1, 1, 1)), jnp.zeros((1, 1, 1, 1), int)), r"^output_shape must be given"),
    ],
)
def test_wrong_options_are_refused(create, message):
    with pytest.raises(ValueError, match=message):
        create()
