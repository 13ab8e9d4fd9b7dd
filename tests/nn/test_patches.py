"""nn.ExtractPatches and nn.FoldPatches: an adjoint pair with its options fixed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxcnn.functional as F
from jaxcnn import nn


def whole(*shape):
    return jnp.asarray(np.random.default_rng(0).integers(-3, 4, shape), jnp.float32)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_are_their_functions(data_format):
    options = {"strides": (1, 2), "padding": "same", "dilation": (2, 1), "data_format": data_format}
    shape = (4, 6) if data_format == "channels_last" else (6, 4)

    @jax.jit
    def both(x):
        rows, expected = nn.ExtractPatches((2, 3), **options)(x), F.extract_patches(x, (2, 3), **options)
        folded = nn.FoldPatches((2, 3), output_shape=shape, **options)(rows)
        return rows, expected, folded, F.fold_patches(rows, (2, 3), output_shape=shape, **options)

    rows, expected, folded, also = both(whole(2, 4, 6, 4))
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(folded, also)


def test_tiles_come_back_whole():
    x, extract, fold = (
        whole(4, 6, 3),
        nn.ExtractPatches(2, strides=2),
        nn.FoldPatches(2, strides=2, output_shape=(4, 6)),
    )
    assert jax.eval_shape(extract, x).shape == (2, 3, 12)
    np.testing.assert_array_equal(jax.jit(lambda x: fold(extract(x)))(x), x)
    assert jax.eval_shape(nn.ExtractPatches(2, spatial_dims=1), x).shape == (4, 5, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, r"^window must be"),
        ({"strides": None}, r"^strides must be"),
        ({"padding": "HALF"}, r"^padding must be"),
        ({"dilation": 0}, r"^dilation must be"),
        ({"data_format": "NCHW"}, r"^data_format must be one of"),
        ({"spatial_dims": 4}, r"^window must have 1 to 3 spatial dimensions, got 4"),
    ],
)
def test_the_constructors_refuse(options, message):
    with pytest.raises(ValueError, match=message):
        nn.ExtractPatches(**({"window": 2} | options))
    with pytest.raises(ValueError, match=message):
        nn.FoldPatches(**({"window": 2, "output_shape": 5} | options))


def test_a_wrong_output_shape_is_refused():
    with pytest.raises(ValueError, match=r"^output_shape must be .*, which has 1$"):
        nn.FoldPatches(2, output_shape=(5,))
    with pytest.raises(ValueError, match=r"^window must fit into the padded input"):
        nn.FoldPatches(3, output_shape=2)
