import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from jaxcnn import analysis


class Shared(nnx.Module):
    """One layer called twice, one never, one parameter tied to another, one beside them all."""

    def __init__(self, rngs):
        self.twice = nnx.Linear(3, 3, rngs=rngs)
        self.tied = nnx.Linear(3, 3, use_bias=False, rngs=rngs)
        self.tied.kernel = self.twice.kernel
        self.never = nnx.Linear(3, 7, rngs=rngs)
        self.token = nnx.Param(jnp.zeros((1, 3)))

    def __call__(self, x):
        return self.tied(self.twice(self.twice(x))) + self.token


class Functional(nnx.Module):
    """A layer, and work beside it."""

    def __init__(self, rngs):
        self.inner = nnx.Sequential(nnx.Conv(1, 2, (3, 3), rngs=rngs))

    def __call__(self, x):
        x = nnx.max_pool(self.inner(x), (2, 2), (2, 2))
        x = nnx.max_pool(x, (2, 2), (2, 2))
        return x.reshape(1, -1) @ jnp.ones((8, 5))


class Outer(nnx.Module):
    def __init__(self, rngs):
        self.body = Functional(rngs)

    def __call__(self, x):
        return self.body(x)


def rows(model, *shape):
    return analysis.summary(model, jax.ShapeDtypeStruct(shape, jnp.float32)).rows


def test_parameters_are_counted_once_wherever_they_sit():
    table = rows(Shared(nnx.Rngs(0)), 2, 3)
    assert sum(row.params for row in table) == 9 + 3 + 21 + 7 + 3
    assert [row.name for row in table] == ["twice", "twice", "tied", "shared", "never"]
    shown = dict(zip(["first", "second", "tied", "token", "never"], [row.params for row in table], strict=True))
    assert shown["first"] + shown["tied"] == 12
    assert (shown["second"], shown["token"], shown["never"]) == (0, 3, 28)
    assert [row.output_shape for row in table][3:] == [None, None]


@pytest.mark.parametrize(("cls", "prefix"), [(Functional, ""), (Outer, "body.")])
def test_work_beside_the_layers_has_rows_named_by_its_primitive(cls, prefix):
    table = rows(cls(nnx.Rngs(0)), 1, 8, 8, 1)
    assert [(row.name.removeprefix(prefix), row.type, row.output_shape) for row in table] == [
        ("inner.layers.0", "Conv", (1, 8, 8, 2)),
        ("reduce_window_max", "reduce_window_max", (1, 4, 4, 2)),
        ("reduce_window_max_1", "reduce_window_max", (1, 2, 2, 2)),
        ("dot_general", "dot_general", (1, 5)),
    ]
    assert [row.receptive_field for row in table] == [(3, 3), (4, 4), (6, 6), (8, 8)]
    assert [row.macs for row in table] == [8 * 8 * 2 * 9, 0, 0, 8 * 5]


def test_a_model_that_is_a_layer_has_one_row():
    (row,) = rows(nnx.Linear(3, 4, rngs=nnx.Rngs(0)), 2, 3)
    assert (row.name, row.type, row.output_shape, row.params, row.macs) == ("linear", "Linear", (2, 4), 16, 24)


def test_layers_scanned_over_count_once_a_step():
    class Stack(nnx.Module):
        def __init__(self, rngs):
            create = nnx.vmap(lambda rngs: nnx.Conv(4, 4, (3, 3), rngs=rngs), in_axes=0, out_axes=0)
            self.blocks = nnx.split_rngs(splits=5)(create)(rngs)

        def __call__(self, x):
            return nnx.scan(lambda x, block: block(x), in_axes=(nnx.Carry, 0), out_axes=nnx.Carry)(x, self.blocks)

    (row,) = rows(Stack(nnx.Rngs(0)), 1, 16, 16, 4)
    assert (row.name, row.params, row.macs) == ("blocks", 5 * (9 * 16 + 4), 5 * 16 * 16 * 4 * 9 * 4)
    assert (row.activation_bytes, row.receptive_field) == (5 * 16 * 16 * 4 * 4, (11, 11))


def test_layers_with_several_outputs_show_them_all():
    class Pair(nnx.Module):
        def __call__(self, x):
            return {"a": x[:, :2], "b": (x.astype(jnp.bfloat16), "label")}

    (row,) = rows(Pair(), 2, 3)
    assert row.output_shape == ((2, 2), (2, 3))
    assert row.activation_bytes == 2 * 2 * 4 + 2 * 3 * 2
