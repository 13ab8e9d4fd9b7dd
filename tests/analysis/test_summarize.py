import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax

import jaxcnn.functional as F
from jaxcnn import analysis, models

PARAMETERS = {
    ("mlp", None): 66_790,
    ("swish_cnn", "none"): 203_068,
    ("swish_cnn", "max"): 9_532,
    ("lenet5", "max"): 61_706,
    ("lenet5", "none"): 1_119_626,
    ("simple_cnn", "max"): 197_210,
    ("fashion_cnn", "max"): 333_526,
    ("convnet", "max"): 104_202,
    ("convnet", "stride"): 113_162,
    ("convnet", "none"): 712_202,
}


def create(name, pool):
    options = {} if pool is None else {"pool": pool}
    return nnx.eval_shape(lambda: models.create(name, rngs=nnx.Rngs(0), **options))


def digits(dtype=jnp.float32):
    return jax.ShapeDtypeStruct((1, 28, 28, 1), dtype)


def state_of(model):
    graphdef, state = nnx.split(model)
    return graphdef, [np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x)
                      for x in jax.tree.leaves(state)]  # fmt: skip


class TestLectures:
    @pytest.mark.parametrize(("name", "pool"), PARAMETERS)
    def test_parameters(self, name, pool):
        summary = analysis.summary(create(name, pool), digits())
        assert summary.total_params == summary.trainable_params == PARAMETERS[name, pool]
        assert sum(row.params for row in summary.rows) == PARAMETERS[name, pool]
        assert max(map(len, str(summary).splitlines())) <= 100

    def test_convnet_layer_by_layer(self):
        rows = analysis.summary(create("convnet", "max"), digits(jnp.uint8)).rows
        assert [(row.output_shape, row.params, row.macs, row.receptive_field) for row in rows] == [
            ((1, 26, 26, 32), 320, 26 * 26 * 32 * 9, (3, 3)),
            ((1, 13, 13, 32), 0, 0, (4, 4)),
            ((1, 11, 11, 64), 18_496, 11 * 11 * 64 * 9 * 32, (8, 8)),
            ((1, 5, 5, 64), 0, 0, (10, 10)),
            ((1, 3, 3, 128), 73_856, 3 * 3 * 128 * 9 * 64, (18, 18)),
            ((1, 1152), 0, 0, (18, 18)),
            # pooling drops a row and a column of 11×11, so that the last two of the image are never seen
            ((1, 10), 11_530, 11_520, (26, 26)),
        ]
        assert [row.activation_bytes for row in rows] == [4 * np.prod(row.output_shape) for row in rows]

    @pytest.mark.parametrize(
        ("name", "pool", "shapes"),
        [
            ("swish_cnn", "none", [(24, 24, 3), (20, 20, 6), (2400,), (84,), (10,)]),
            ("swish_cnn", "max", [(24, 24, 3), (12, 12, 3), (8, 8, 6), (4, 4, 6), (96,), (84,), (10,)]),
            ("simple_cnn", "max", [(28, 28, 10), (14, 14, 10), (1960,), (100,), (10,)]),
            ("convnet", "none", [(26, 26, 32), (24, 24, 64), (22, 22, 128), (61_952,), (10,)]),
        ],
    )
    def test_shapes_that_keras_printed(self, name, pool, shapes):
        rows = analysis.summary(create(name, pool), digits()).rows
        assert [row.output_shape for row in rows] == [(1, *shape) for shape in shapes]

    @pytest.mark.parametrize(
        ("name", "pool", "macs"),
        [
            ("mlp", None, 784 * 84 + 840),
            ("convnet", "none", 26 * 26 * 288 + 24 * 24 * 64 * 288 + 22 * 22 * 128 * 576 + 619_520),
            ("lenet5", "max", 28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 48_000 + 10_080 + 840),
        ],
    )
    def test_macs_by_hand(self, name, pool, macs):
        assert analysis.summary(create(name, pool), digits()).total_macs == macs


class TestModels:
    @pytest.mark.parametrize("mode", ["train", "eval"])
    def test_leaves_the_model_as_it_was(self, small_net, image, mode):
        getattr(small_net, mode)()
        graphdef, before = state_of(small_net)
        summary = analysis.summary(small_net, image)
        after_graphdef, after = state_of(small_net)
        assert summary.error is None
        assert after_graphdef == graphdef
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(new, old)

    @pytest.mark.parametrize("mode", ["train", "eval"])
    def test_counts_moving_statistics_apart_and_no_random_state(self, small_net, image, mode):
        getattr(small_net, mode)()
        summary = analysis.summary(small_net, image)
        assert (summary.total_params, summary.non_trainable_params) == (40 + 16 + 185 + 5, 8)
        assert summary.param_bytes == 4 * summary.total_params
        assert {row.name: row.receptive_field for row in summary.rows} == {
            "conv": (3, 3),
            "norm": (3, 3),
            "reduce_window_max": (4, 4),
            "drop": (4, 4),
            "layers.0": (8, 8),
            "smallnet": None,
        }

    def test_runs_where_nothing_could_be_allocated(self):
        def create():
            return nnx.Sequential(*[nnx.Linear(50_000, 50_000, rngs=nnx.Rngs(0)) for _ in range(4)])

        model = nnx.eval_shape(create)
        before = len(jax.live_arrays())
        summary = analysis.summary(model, jax.ShapeDtypeStruct((1, 50_000), jnp.float32))
        assert len(jax.live_arrays()) == before
        assert summary.total_params == 4 * (50_000**2 + 50_000)
        assert summary.total_macs == 4 * 50_000**2

    def test_takes_a_bound_method(self):
        class Coder(nnx.Module):
            def __init__(self, rngs):
                self.layer = nnx.Linear(3, 2, rngs=rngs)

            def encode(self, x):
                return self.layer(x)

        summary = analysis.summary(Coder(nnx.Rngs(0)).encode, np.zeros((5, 3)))
        assert [(row.name, row.output_shape) for row in summary.rows] == [("layer", (5, 2))]
        assert summary.total_params == 8


class TestFunctions:
    def test_have_a_row_for_each_compute_equation(self):
        def function(x, kernel, weights):
            x = jax.nn.relu(F.conv(x, kernel))
            return lax.dot_general(F.max_pool(x, 2).reshape(2, -1), weights, (((1,), (0,)), ((), ())))

        shapes = [(2, 8, 8, 1), (3, 3, 1, 4), (36, 5)]
        summary = analysis.summary(function, *(jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes))
        assert [(row.type, row.output_shape, row.macs, row.receptive_field) for row in summary.rows] == [
            (summary.rows[0].name, (2, 6, 6, 4), 2 * 36 * 4 * 9, (3, 3)),
            ("reduce_window_max", (2, 3, 3, 4), 0, (4, 4)),
            ("dot_general", (2, 5), 2 * 36 * 5, (8, 8)),
        ]
        assert summary.rows[0].name in ("jaxcnn_conv", "conv_general_dilated")

    def test_may_take_a_pytree_of_parameters_first(self):
        params = {"kernel": jnp.zeros((3, 4)), "bias": jnp.zeros((1, 4))}
        summary = analysis.summary(lambda p, x: x @ p["kernel"] + p["bias"], params, jnp.zeros((2, 3)))
        assert [(row.macs, row.receptive_field) for row in summary.rows] == [(24, ())]

    def test_unknown_dependence_is_none(self):
        def function(x):
            return F.conv(jax.image.resize(x, (1, 16, 16, 1), "nearest"), jnp.ones((3, 3, 1, 1)))

        assert analysis.summary(function, jnp.zeros((1, 8, 8, 1))).rows[-1].receptive_field is None


class TestErrors:
    def test_the_table_ends_at_the_layer_that_fails(self, small_net):
        summary = analysis.summary(small_net, jax.ShapeDtypeStruct((2, 9, 10, 1), jnp.float32))
        *before, last = summary.rows
        assert [row.name for row in before] == ["conv", "norm", "reduce_window_max", "drop"]
        assert before[0].macs == 2 * 7 * 8 * 4 * 9
        assert (last.name, last.type, last.output_shape, last.params) == ("layers.0", "Linear", None, 185)
        assert last.error.startswith("TypeError: dot_general requires contracting dimensions")
        assert summary.error == f"layers.0 (Linear) raised {last.error}"
        assert str(summary).splitlines()[-1] == f"Error: {summary.error}"
        assert summary.total_params == 246

    def test_a_layer_that_fails_half_way_keeps_its_macs(self):
        class Half(nnx.Module):
            def __call__(self, x):
                x = x @ x
                raise RuntimeError("enough")

        (row,) = analysis.summary(Half(), jnp.zeros((4, 4))).rows
        assert (row.name, row.macs, row.error) == ("half", 64, "RuntimeError: enough")

    def test_a_function_that_fails_is_named(self):
        def broken(x):
            return x @ x

        (row,) = analysis.summary(broken, jnp.zeros((2, 3))).rows
        assert (row.name, row.type) == ("broken", "function")
        assert row.error.startswith("TypeError")

    def test_wrong_arguments_are_refused(self, small_net):
        with pytest.raises(ValueError, match="needs the model's inputs, but got none"):
            analysis.summary(small_net)
        with pytest.raises(TypeError, match=r"inputs\[0\] must be an array, but is \(1, 8, 8, 1\)"):
            analysis.summary(small_net, (1, 8, 8, 1))
        with pytest.raises(TypeError, match="must have a __call__, but dict has none; pass a function"):
            analysis.summary({}, jnp.zeros(3))
        with pytest.raises(TypeError, match="must be a model, but is the class Linear; pass an instance"):
            analysis.summary(nnx.Linear, jnp.zeros(3))
