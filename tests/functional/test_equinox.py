"""Our convolution and pooling inside an Equinox model, against Equinox's own layers."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxcnn.functional as F


class Own(eqx.Module):
    """Equinox's parameters, lax's signature: one unbatched (channels, height, width) image, as Equinox has it."""

    conv: eqx.nn.Conv2d

    def __call__(self, x):
        numbers = ("NCHW", "OIHW", "NCHW")
        y = F.conv_general_dilated(x[None], self.conv.weight, (2, 2), [(1, 1), (1, 1)], dimension_numbers=numbers)[0]
        return F.max_pool(jax.nn.relu(y + self.conv.bias), (2, 2), data_format="channels_first")


class Theirs(eqx.Module):
    conv: eqx.nn.Conv2d

    def __call__(self, x):
        return eqx.nn.MaxPool2d(2, 2)(jax.nn.relu(self.conv(x)))


def test_same_outputs_and_gradients_under_equinoxs_transformations():
    layer = eqx.nn.Conv2d(3, 4, 3, stride=2, padding=1, key=jax.random.key(0))
    images = jnp.asarray(np.random.default_rng(0).standard_normal((2, 3, 9, 8), np.float32))

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def loss(model):
        return jnp.sin(jax.vmap(model)(images)).sum()

    (ours, our_grads), (theirs, their_grads) = loss(Own(layer)), loss(Theirs(layer))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    np.testing.assert_allclose(our_grads.conv.weight, their_grads.conv.weight, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(our_grads.conv.bias, their_grads.conv.bias, rtol=1e-4, atol=1e-5)
