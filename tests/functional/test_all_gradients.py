"""Derivatives of every operation in its hard options: both modes, both orders, and inside every transformation."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxcnn.functional as F

KEY = jax.random.key(0)
RNG = np.random.default_rng(0)
KERNEL, SQUARE = RNG.standard_normal((2, 2, 2)), RNG.standard_normal((2, 2, 1, 2))


def times(a, b):
    """A reducer whose derivative isn't its own: of numbers near 1."""
    return a * b * 1.0


def there_and_back(x):
    values, indices = F.max_pool_with_argmax(x, 2, strides=1, padding="SAME", dilation=(1, 2))
    return F.max_unpool(values**2, indices, output_shape=x.shape[1:-1]) * x


def cut(numbers, *shapes):
    """A vector as several arrays, so that a derivative by it is one by all of them."""
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(jnp.split(numbers, ends[:-1]), shapes, strict=True)]


def conv_of(x_shape, kernel_shape, **options):
    """A case of F.conv: of x, the kernel and the bias at once."""
    shapes = x_shape, kernel_shape, kernel_shape[-1:]
    return lambda numbers: F.conv(*cut(numbers, *shapes), **options), (sum(map(math.prod, shapes)),)


# name: (operation of x, shape of x)
CASES = {
    "conv, causal, dilated": conv_of((2, 6, 1), (2, 1, 2), padding="CAUSAL", kernel_dilation=2),
    "conv, SAME": conv_of((1, 5, 4, 2), (3, 2, 2, 2), padding="SAME", strides=(2, 1)),
    "conv, groups": conv_of((1, 3, 4, 4), (2, 2, 2, 2), groups=2, padding=1),
    "conv, holes in the input": conv_of((1, 2, 3, 1), (2, 2, 1, 1), input_dilation=2, padding=((0, 2), (1, 0))),
    "conv, reflect, channels first": conv_of(
        (1, 2, 3, 3), (2, 3, 2, 1), padding="SAME", padding_mode="reflect", data_format="channels_first"
    ),
    "conv, 3-D, replicate": conv_of((1, 2, 3, 2, 1), (2, 2, 1, 1, 2), padding=(1, 0, 1), padding_mode="replicate"),
    "conv, dilated, circular": (
        lambda x: F.conv(x, KERNEL, strides=2, padding=2, padding_mode="circular", kernel_dilation=2),
        (1, 5, 2),
    ),
    "conv_transpose, SAME": (
        lambda x: F.conv_transpose(x, KERNEL, strides=3, padding="SAME", kernel_dilation=2),
        (1, 3, 2),
    ),
    "conv_transpose and its kernel, groups": (
        lambda x: F.conv_transpose(*cut(x, (1, 3, 2, 2), (2, 2, 1, 2)), strides=2, groups=2),
        (20,),
    ),
    "depthwise_conv": (lambda x: F.depthwise_conv(x, KERNEL, padding="CAUSAL", kernel_dilation=2), (1, 4, 2)),
    "separable_conv and its kernels": (
        lambda x: F.separable_conv(*cut(x, (1, 3, 3, 1), (2, 2, 1, 2), (1, 1, 2, 2))),
        (21,),
    ),
    "local_conv and its kernel": (
        lambda x: F.local_conv(*cut(x, (1, 4, 2), (3, 2, 2, 1)), strides=2, padding=1),
        (20,),
    ),
    "convolve, wrap": (lambda x: F.convolve(x, KERNEL[0], boundary="wrap", mode="same"), (3, 4)),
    "convolve and its kernel, symm": (lambda x: F.convolve(*cut(x, (4,), (2,)), boundary="symm"), (6,)),
    "correlate, larger kernel": (lambda x: F.correlate(x, KERNEL[0], mode="valid"), (1, 1)),
    "max_pool, dilated, ceil_mode": (
        lambda x: F.max_pool(x, 2, strides=2, dilation=2, padding=1, ceil_mode=True),
        (1, 5, 4, 1),
    ),
    "min_pool, SAME": (lambda x: F.min_pool(x, 3, strides=2, padding="SAME"), (1, 5, 2)),
    "max_pool_with_argmax": (lambda x: F.max_pool_with_argmax(x, 3, strides=1, padding="FULL")[0], (1, 4, 2)),
    "max_pool, tiles": (lambda x: F.max_pool(x, 2), (1, 4, 5, 2)),
    "max_pool, looped": (lambda x: F.max_pool(x, (130,), strides=1), (132, 1)),
    "max_unpool": (there_and_back, (1, 3, 4, 1)),
    "sum_pool, dilated": (lambda x: F.sum_pool(x, 2, strides=1, dilation=3, padding=2), (1, 4, 2)),
    "avg_pool, ceil_mode, with pads": (
        lambda x: F.avg_pool(x, 3, strides=2, padding=1, ceil_mode=True, count_include_pad=True),
        (1, 4, 2),
    ),
    "avg_pool, tiles": (lambda x: F.avg_pool(x, 2), (1, 4, 5, 2)),
    "lp_pool, p = 2": (
        lambda x: F.lp_pool(x, 2, strides=1, padding=[(1, 0), (0, 0)], dilation=(1, 2)),
        (1, 3, 4, 1),
    ),
    "lp_pool, p = 1": (lambda x: F.lp_pool(x, 3, p=1, strides=2, dilation=2, padding=1), (1, 6, 1)),
    "lp_pool, p = 1.5": (lambda x: F.lp_pool(x, 3, p=1.5, strides=2, ceil_mode=True), (1, 6, 1)),
    "lp_pool, p = 30": (lambda x: F.lp_pool(x, 2, p=30, strides=1), (1, 4, 1)),
    "lp_pool, p = inf": (lambda x: F.lp_pool(x, 2, p=math.inf, strides=1), (1, 4, 1)),
    "pool, products": (
        lambda x: F.pool(x, 3, init=1, reducer=times, strides=2, dilation=2, padding=2, ceil_mode=True),
        (1, 6, 2),
    ),
    "pool, log of sums": (
        lambda x: F.pool(x, (3,), init=-jnp.inf, reducer=jnp.logaddexp, strides=2, padding=2),
        (3, 1),
    ),
    "global_max_pool": (F.global_max_pool, (2, 3, 2)),
    "global_avg_pool": (F.global_avg_pool, (2, 3, 2)),
    "adaptive_max_pool": (lambda x: F.adaptive_max_pool(x, (4, 3)), (1, 3, 5, 1)),
    "adaptive_avg_pool": (lambda x: F.adaptive_avg_pool(x, (4, 3)), (1, 3, 5, 1)),
    "spatial_pyramid_pool": (lambda x: F.spatial_pyramid_pool(x, (1, 3)), (1, 4, 2)),
    "fractional_max_pool": (lambda x: F.fractional_max_pool(KEY, x, 2, output_size=(2, 3)), (1, 3, 4, 1)),
    "stochastic_pool": (lambda x: F.stochastic_pool(KEY, x, 2, strides=1, padding=1), (1, 3, 3, 1)),
    "stochastic_pool_mean": (lambda x: F.stochastic_pool_mean(x, 2, strides=1, dilation=2), (1, 5, 1)),
    "extract_patches": (lambda x: F.extract_patches(x, 2, dilation=2, padding="SAME"), (1, 4, 2)),
    "fold_patches": (lambda x: F.fold_patches(x, 2, output_shape=5, strides=2, padding=1), (1, 3, 2)),
    "blur_pool": (lambda x: F.blur_pool(x, strides=(2, 1), filter_size=4), (1, 4, 5, 1)),
    "local_response_norm": (lambda x: F.local_response_norm(x, size=4, alpha=0.5, beta=0.75, k=2.0), (1, 2, 5)),
}


def spread(shape):
    """Numbers from ±0.5 to ±1.5, so far apart that no finite difference crosses a tie or 0."""
    n = math.prod(shape)
    return jnp.asarray(RNG.permutation(np.linspace(0.5, 1.5, n) * np.where(np.arange(n) % 3, 1, -1)).reshape(shape))


# Whatever XLA makes of them: its optimiser takes most of the time, and other tests run under it.
QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
SLOW = {"pool, log of sums"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in CASES])
def test_derivatives(x64, name):
    operation, shape = CASES[name]
    x = spread(shape)
    t, far = jnp.cos(x), jnp.stack([x, x[..., ::-1] * 1.01], 1)

    def loss(x):
        return jnp.sum(jnp.sin(operation(x)))

    def scanned(x):
        return lax.scan(lambda total, _: (total + jax.checkpoint(loss)(x), None), 0.0, length=2)[0] / 2

    @functools.partial(jax.jit, compiler_options=QUICKLY)
    def all_of_them(x):
        slope = jax.grad(loss)(x)
        forward = jax.jvp(loss, (x,), (t,))[1], jax.linearize(loss, x)[1](t), jnp.vdot(slope, t)
        curved = jax.jvp(jax.grad(loss), (x,), (t,))[1], jax.grad(lambda x: jnp.vdot(jax.grad(loss)(x), t))(x)
        return loss(x), forward, curved, (slope, jax.grad(scanned)(x)), jax.vmap(jax.grad(loss), 1, 1)(far)

    _, forward, curved, scans, batched = all_of_them(x)
    for same in (forward, curved, scans):
        for value in same[1:]:
            np.testing.assert_allclose(value, same[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(batched[:, 0], scans[0], rtol=1e-9, atol=1e-12)
    # And as finite differences say.
    (above, *_, (slope_above, _), _), (below, *_, (slope_below, _), _) = (
        all_of_them(x + 1e-5 * t),
        all_of_them(x - 1e-5 * t),
    )
    np.testing.assert_allclose((above - below) / 2e-5, forward[0], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose((slope_above - slope_below) / 2e-5, curved[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("operation", [F.conv, F.conv_transpose, F.depthwise_conv, F.convolve, F.correlate])
def test_vmap_over_kernels(operation):
    x, kernels = (
        jnp.asarray(RNG.integers(-3, 4, (2, 4, 2)), jnp.float32),
        jnp.asarray(RNG.integers(-3, 4, (2, 3, 2, 2))),
    )
    if operation in (F.convolve, F.correlate):
        kernels = kernels[..., :1, :].repeat(2, -2)

    @functools.partial(jax.vmap, in_axes=(None, 1))
    def both(x, kernel):
        return jax.vjp(lambda x: operation(x, kernel.astype(x.dtype)), x)[1](operation(x, kernel.astype(x.dtype)))[0]

    at_once = jax.jit(both)(x, kernels)
    for i in range(3):
        y, pull = jax.vjp(lambda x, i=i: operation(x, kernels[:, i].astype(x.dtype)), x)
        np.testing.assert_array_equal(at_once[i], pull(y)[0])
