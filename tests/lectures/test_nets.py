"""The slides' nets, layer by layer: shapes, parameters, and what their claims about parameters come to."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import jaxcnn.functional as F
from jaxcnn import analysis, models, nn

# Keras's printed lines: (output shape, parameters).
FASHION = [((28, 28, 32), 320), ((14, 14, 32), 0), ((14, 14, 64), 18_496), ((7, 7, 64), 0), ((3136,), 0)]
PLAIN = [((24, 24, 3), 78), ((20, 20, 6), 456), ((2400,), 0)]
POOLED = [((24, 24, 3), 78), ((12, 12, 3), 0), ((8, 8, 6), 456), ((4, 4, 6), 0), ((96,), 0)]
SIMPLE = [((28, 28, 10), 100), ((14, 14, 10), 0), ((1960,), 0)]
CONVNET = [((26, 26, 32), 320), ((13, 13, 32), 0), ((11, 11, 64), 18_496), ((5, 5, 64), 0), ((3, 3, 128), 73_856)]
NO_POOL = [((26, 26, 32), 320), ((24, 24, 64), 18_496), ((22, 22, 128), 73_856), ((61_952,), 0)]
LENET = [((28, 28, 6), 156), ((14, 14, 6), 0), ((10, 10, 16), 2_416), ((5, 5, 16), 0), ((400,), 0)]
# (name, options): the total and the lines.
PRINTED = {
    ("mlp", ()): (66_790, [((784,), 0), ((84,), 65_940), ((10,), 850)]),
    ("swish_cnn", (("pool", "none"),)): (203_068, [*PLAIN, ((84,), 201_684), ((10,), 850)]),
    ("swish_cnn", (("pool", "max"),)): (9_532, [*POOLED, ((84,), 8_148), ((10,), 850)]),
    ("fashion_cnn", ()): (333_526, [*FASHION, ((100,), 313_700), ((100,), 0), ((10,), 1_010)]),
    ("simple_cnn", ()): (197_210, [*SIMPLE, ((100,), 196_100), ((10,), 1_010)]),
    ("simple_cnn", (("dropout", 0.5),)): (197_210, [*SIMPLE, ((1960,), 0), ((100,), 196_100), ((10,), 1_010)]),
    ("convnet", ()): (104_202, [*CONVNET, ((1152,), 0), ((10,), 11_530)]),
    ("convnet", (("pool", "none"),)): (712_202, [*NO_POOL, ((10,), 619_530)]),
    ("lenet5", ()): (61_706, [*LENET, ((120,), 48_120), ((84,), 10_164), ((10,), 850)]),
}


@functools.cache
def summary(name, options=()):
    model = nnx.eval_shape(lambda: models.create(name, rngs=nnx.Rngs(0), **dict(options)))
    return analysis.summary(model, jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32))


@pytest.mark.parametrize(("name", "options"), PRINTED)
def test_summaries(name, options):
    table, (total, lines) = summary(name, options), PRINTED[name, options]
    assert [(row.output_shape[1:], row.params) for row in table.rows] == lines
    assert table.total_params == table.trainable_params == total


def test_products_that_the_slides_write_out():
    assert (84 * (784 + 1), 10 * (84 + 1)) == (65_940, 850)
    assert (84 * (2400 + 1), 84 * (96 + 1)) == (201_684, 8_148)
    assert (3 * 3 * 1 * 10 + 10, 14 * 14 * 10, 1960 * 100 + 100, 100 * 10 + 10) == (100, 1960, 196_100, 1010)


@pytest.mark.parametrize(
    ("filters", "window", "channels", "parameters"),
    [(2, 3, 3, 56), (3, 5, 3, 228), (6, 5, 3, 456), (3, 5, 1, 78), (1, 2, 1, 5), (4, 2, 3, 52), (10, 3, 1, 100)],
)
def test_parameters_of_a_convolution(filters, window, channels, parameters):
    layer = nnx.eval_shape(lambda: nn.Conv(channels, filters, window, rngs=nnx.Rngs(0)))
    assert analysis.count_params(layer) == filters * window**2 * channels + filters == parameters
    assert layer.kernel.shape == (window, window, channels, filters)
    assert layer.bias.shape == (filters,)


def test_one_filter_is_a_block_and_sees_every_map():
    layer = nnx.eval_shape(lambda: nn.Conv(3, 6, 5, rngs=nnx.Rngs(0)))
    assert layer.kernel.shape[:-1] == (5, 5, 3)
    # A filter of ones counts what it sees: 25 places of each of 3 maps.
    assert F.conv(np.ones((5, 5, 3), np.float32), np.ones((5, 5, 3, 1), np.float32)).item() == 5 * 5 * 3


def test_a_filter_bank_for_colour_images():
    # (3, 5, 5, ?) and (6, 5, 5, ?): the missing number is the depth of what the layer reads, 3 and 3.
    def bank():
        rngs = nnx.Rngs(0)
        return nn.Conv(3, 3, 5, rngs=rngs), nn.Conv(3, 6, 5, rngs=rngs)

    def maps(x):
        first, second = bank()
        return second(first(x))

    shapes = [layer.kernel.shape for layer in nnx.eval_shape(bank)]
    assert [(filters, *window, depth) for *window, depth, filters in shapes] == [(3, 5, 5, 3), (6, 5, 5, 3)]
    assert jax.eval_shape(maps, jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)).shape == (1, 24, 24, 6)


@pytest.mark.parametrize(
    ("shape", "filters", "window", "out"),
    [((32, 32, 3), 6, 5, (28, 28, 6)), ((6, 6, 3), 2, 3, (4, 4, 2)), ((28, 28, 1), 32, 3, (26, 26, 32))],
)
def test_as_many_maps_as_filters(shape, filters, window, out):
    def layer(x):
        return nn.Conv(shape[-1], filters, window, rngs=nnx.Rngs(0))(x)

    assert jax.eval_shape(layer, jax.ShapeDtypeStruct((1, *shape), jnp.float32)).shape == (1, *out)


def test_the_demo_of_cs231n():
    def layer(x):
        return nn.Conv(3, 2, 3, strides=2, padding=1, rngs=nnx.Rngs(0))(x)

    assert jax.eval_shape(layer, jax.ShapeDtypeStruct((1, 5, 5, 3), jnp.float32)).shape == (1, 3, 3, 2)
    assert (5 - 3 + 2) // 2 + 1 == 3
    # Its 2·3²·3 + 2 parameters are counted above.
    assert 2 * 3**2 * 3 + 2 == 56


def test_shared_filters_save_parameters_and_small_nets_need_not_be_convolutional():
    shared, dense = nnx.eval_shape(lambda: nn.Conv(1, 32, 3, rngs=nnx.Rngs(0))), 784 * (26 * 26 * 32) + 26 * 26 * 32
    local = nnx.eval_shape(lambda: nn.LocalConv(1, 32, 3, input_shape=(28, 28), rngs=nnx.Rngs(0)))
    assert analysis.count_params(shared) == 320
    assert analysis.count_params(local) > 26 * 26 * 32 * 9
    assert dense > 50_000 * 320
    # Of whole nets it need not be so: the same lecture's CNN without pooling has three times its MLP's.
    assert summary("swish_cnn", (("pool", "none"),)).total_params > 3 * summary("mlp").total_params


def test_what_pooling_saves():
    pooled, plain = summary("convnet"), summary("convnet", (("pool", "none"),))
    assert plain.total_params > 6 * pooled.total_params
    assert plain.total_macs > 15 * pooled.total_macs
    assert plain.rows[-1].params > 50 * pooled.rows[-1].params
    # A cell of the last map sees less without pooling.
    assert (pooled.rows[4].receptive_field, plain.rows[2].receptive_field) == ((18, 18), (7, 7))


def test_a_stride_downsamples_as_pooling_does():
    strided, pooled = (summary("convnet", (("pool", pool),)).rows for pool in ("stride", "max"))
    assert (strided[0].output_shape, pooled[1].output_shape) == ((1, 13, 13, 32), (1, 13, 13, 32))


def test_a_last_layer_of_a_hundred():
    wrong = nnx.eval_shape(lambda: models.create("simple_cnn", num_classes=100, dropout=0.5, rngs=nnx.Rngs(0)))
    assert analysis.count_params(wrong) == 206_300 == 197_210 + 90 * 101
    logits, one_hot = jnp.zeros((2, 100)), jnp.eye(10)[:2]
    with pytest.raises((ValueError, TypeError)):
        optax.softmax_cross_entropy(logits, one_hot)


def test_logits_become_probabilities():
    logits = jnp.array([[2.0, -1.0, 0.5], [0.0, 0.0, 0.0]])
    p = nnx.softmax(logits)
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-6)
    assert ((p > 0) & (p < 1)).all()
    assert p[0].argmax() == logits[0].argmax()


def test_layers_have_kerass_defaults(rngs):
    layer = nn.Conv(1, 2, 3, rngs=rngs)
    y = layer(np.stack([np.zeros((5, 5, 1), np.float32), -np.ones((5, 5, 1), np.float32)]))
    assert y.shape == (2, 3, 3, 2)
    assert not np.asarray(y[0]).any()  # the bias is there, and starts at 0
    sums = np.asarray(layer.kernel[...]).sum((0, 1, 2))
    np.testing.assert_allclose(y[1, 0, 0], -sums, rtol=1e-5)  # no activation
    assert nnx.eval_shape(lambda: nn.Conv(1, 2, 3, use_bias=False, rngs=nnx.Rngs(0))).bias is None
