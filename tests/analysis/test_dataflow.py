"""Receptive fields against measured ones: a NaN in one pixel reaches exactly the cells that see it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax

import jaxcnn.functional as F
from jaxcnn import analysis

N = 24


class Probe(nnx.Module):
    """A function as one layer."""

    def __init__(self, function):
        self.function = function

    def __call__(self, x):
        return self.function(x)


def receptive_field(function, shape):
    (row,) = analysis.summary(Probe(function), jax.ShapeDtypeStruct(shape, jnp.float32)).rows
    assert row.error is None
    return row.receptive_field


def measured(function, shape):
    """The longest stretch of axis 1 whose pixels one cell of the output sees."""
    spoilt = jnp.where(jnp.eye(shape[1], dtype=bool)[:, None, :, None], jnp.nan, jnp.ones((shape[1], *shape)))
    run = jax.jit(function)
    sees = np.isnan(np.stack([run(x) for x in spoilt])).reshape(shape[1], -1)
    return max(np.ptp(np.flatnonzero(cell)) + 1 for cell in sees.T if cell.any())


def conv(x, taps, strides=1, padding="SAME", *, groups=1, **options):
    kernel = jnp.ones((taps, x.shape[-1] // groups, 2))
    return F.conv(x, kernel, strides=strides, padding=padding, groups=groups, **options)


def lax_conv(x, taps, **options):
    kernel = jnp.ones((taps, x.shape[-1], 2))
    numbers = ("NHC", "HIO", "NHC")
    return lax.conv_general_dilated(x, kernel, (1,), [(taps, taps)], dimension_numbers=numbers, **options)


def residual(x):
    return conv(x, 5, padding="VALID")[:, :, :1] + x[:, 4:]


def upsampled(x):
    return conv(jnp.repeat(conv(x, 3, 2), 2, axis=1), 4)


def pooled_by_reshape(x):
    x = conv(x, 3)
    return conv(x.reshape(1, -1, 4, 2).max(2), 3)


def scanned(x):
    return lax.scan(lambda c, _: (conv(c, 3)[..., :1], None), x, None, length=4)[0]


def chosen(x):
    return lax.cond(jnp.array(True), lambda x: conv(x, 7), lambda x: conv(x, 3), x)


def unpaired(x):
    return conv(x, 3, 2)[:, ::-1] + conv(x, 3, 2)


def taken_along_a_new_axis(x):
    both = jnp.stack([conv(x, 3), conv(x, 5)])
    return jnp.take_along_axis(both, jnp.argmax(both, 0)[None], 0)[0]


FUNCTIONS = {
    "conv": lambda x: conv(x, 5),
    "strides": lambda x: conv(conv(conv(x, 3, 2), 3, 3, "VALID"), 2, padding="VALID"),
    "even kernel": lambda x: conv(x, 4),
    "kernel dilation": lambda x: conv(conv(x, 3, 2), 3, kernel_dilation=2),
    "input dilation": lambda x: lax_conv(conv(x, 3, 2), 4, lhs_dilation=(2,)),
    "input and kernel dilation": lambda x: lax_conv(conv(x, 3, 2), 4, lhs_dilation=(3,), rhs_dilation=(2,)),
    "pool": lambda x: F.max_pool(F.avg_pool(conv(x, 3), (2,)), (3,), strides=2),
    "dilated pool": lambda x: F.max_pool(x, (3,), strides=2, dilation=3),
    "reflected": lambda x: conv(x, 5, padding_mode="reflect"),
    "replicated": lambda x: conv(conv(x, 3, 2), 4, padding_mode="replicate"),
    "channels first": lambda x: F.conv(x.mT, jnp.ones((5, 1, 2)), strides=2, data_format="channels_first"),
    "unbatched": lambda x: F.conv(x[0], jnp.ones((5, 1, 2)), strides=2),
    "grouped": lambda x: conv(jnp.concatenate([x, x], -1), 3, groups=2),
    "residual": residual,
    "concatenation": lambda x: jnp.concatenate([conv(x, 3), conv(x, 7)], -1),
    "split": lambda x: conv(jnp.split(conv(x, 3), 2, axis=1)[1], 3),
    "slices": lambda x: conv(lax.slice_in_dim(conv(x, 3), 1, N - 2, 3, axis=1), 3),
    "pad": lambda x: lax.pad(conv(x, 3), 0.0, ((0, 0, 0), (2, -3, 1), (0, 0, 0))),
    "upsampled": upsampled,
    "reshape": pooled_by_reshape,
    "space to depth": lambda x: conv(x.reshape(1, N // 3, 3), 3),
    "flatten, dense": lambda x: conv(x, 4, 4, "VALID")[:, :5].reshape(1, -1) @ jnp.ones((10, 3)),
    "dense on cells": lambda x: conv(x, 3) @ jnp.ones((2, 3)),
    "mean": lambda x: x.mean(1),
    "squeeze and excite": lambda x: conv(x, 3) * x.mean((1, 2))[:, None, None],
    "attention": lambda x: jax.nn.softmax(x @ x.transpose(0, 2, 1)) @ x,
    "cumulative": lambda x: jnp.cumsum(x, 1),
    "cumulative over another axis": lambda x: conv(jnp.cumsum(conv(x, 3), 2), 3),
    "stack": lambda x: conv(jnp.stack([conv(x, 3)[..., 0], conv(x, 5)[..., 1]], 1).max(1)[..., None], 3),
    "looked up by the input": taken_along_a_new_axis,
    "transposed conv": lambda x: F.conv_transpose(conv(x, 3, 2), jnp.ones((4, 1, 2)), strides=2),
    "local conv": lambda x: F.local_conv(conv(x, 3), jnp.ones((N - 4, 5, 2, 1))),
    "patches": lambda x: conv(F.extract_patches(conv(x, 3), (3,), dilation=2), 2, padding="VALID"),
    "lp pool": lambda x: conv(F.lp_pool(conv(x, 3), (3,), p=3), 2, padding="VALID"),
    "blur pool": lambda x: conv(F.blur_pool(conv(x, 3), filter_size=4), 2, padding="VALID"),
    "blurred after an enlargement": lambda x: F.blur_pool(
        F.conv_transpose(conv(x, 3, 3), jnp.ones((2, 1, 2)), strides=3), strides=2
    ),
    "stochastic pool": lambda x: F.stochastic_pool(jax.random.key(0), conv(x, 3), (3,), strides=2),
    "reversed": lambda x: conv(conv(x, 3, 2)[:, ::-1], 3),
    "mirror image": unpaired,
    "jit": jax.jit(lambda x: conv(conv(x, 3), 3)),
    "remat": jax.checkpoint(lambda x: conv(conv(x, 3), 3)),
    "vmap": jax.vmap(lambda x: conv(x, 3)),
    "scan": scanned,
    "cond": chosen,
    "map": lambda x: lax.map(lambda row: conv(row, 5), x[None])[0],
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_sees_what_a_spoilt_pixel_reaches(function):
    assert receptive_field(function, (1, N, 1)) == (measured(function, (1, N, 1)),)
