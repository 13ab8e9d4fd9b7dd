"""The gradient of a convolution to its kernel as one convolution by oneDNN, for which no pixel is copied twice.

Images take the place of input channels, and channels that of one more dimension of space, along which the window, the
cotangent, is 1 wide: for every tap oneDNN multiplies matrices of (channels, images) by matrices of (images, features).
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

from jaxcnn.lowering import onednn
from jaxcnn.lowering.slices import summed
from jaxcnn.lowering.taps import padded

# A slice of the cotangent, of as many features as oneDNN takes at a time; read once a tap, from a core's own cache.
FEATURES, COTANGENT_BYTES = 64, 2**20
# Fewer images make the products too short; where so many are beyond this, the cotangent comes from slow memory.
LEAST_IMAGES, MOST_BYTES = 4, 2**22
# Fewer channels, or fewer than a third of the features, use too little of what is read.
LEAST_CHANNELS, ENOUGH_CHANNELS, FEATURES_A_CHANNEL = 6, 16, 3


def suits(x: Any, g: Any, *, lhs_dilation: Any, **_: Any) -> bool:
    """Whether this is the fastest form for an input (batch, *spatial, in) and a cotangent (batch, *cells, out)."""
    channels, features = x.shape[-1], g.shape[-1]
    return (
        x.ndim < 5  # oneDNN has three dimensions of space
        and onednn.suits(x, g, (), lhs_dilation=lhs_dilation, padding=())
        and x.shape[0] >= LEAST_IMAGES
        and LEAST_IMAGES * _image_bytes(g) <= MOST_BYTES
        and channels >= max(LEAST_CHANNELS, min(ENOUGH_CHANNELS, features / FEATURES_A_CHANNEL))
    )


def kernel_gradient(
    x: Any, g: Any, window: Any, *, window_strides: Any, padding: Any, rhs_dilation: Any, **_: Any
) -> Any:
    """(*window, in, out) from the input (batch, *spatial, in) and the cotangent (batch, *cells, out)."""
    shape = (*window, x.shape[-1], g.shape[-1])
    x = padded(x, [(min(low, 0), min(high, 0)) for low, high in padding], (1,) * len(window))
    options = {
        "window_strides": (*window_strides, 1),
        "padding": (*((max(low, 0), max(high, 0)) for low, high in padding), (0, 0)),
        "rhs_dilation": (*rhs_dilation, 1),
    }

    def gradient(x: Any, g: Any) -> Any:
        if not len(x):
            return jnp.zeros(shape, x.dtype)  # oneDNN would leave the result as it finds it
        space, taps = jnp.moveaxis(x, 0, -1)[None], jnp.expand_dims(g, -2)
        # The profile of a step tells it by its name from other convolutions.
        with jax.named_scope("kernel_gradient"):
            return onednn.convolution(space, taps, out_shape=shape[:-1], **options, groups=1, inputs_first=True)[0]

    return summed(gradient, (x, g), _image_bytes(g), max(COTANGENT_BYTES, LEAST_IMAGES * _image_bytes(g)))


def _image_bytes(g: Any) -> int:
    return math.prod(g.shape[1:-1]) * min(g.shape[-1], FEATURES) * g.dtype.itemsize
