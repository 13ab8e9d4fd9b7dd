import jax
import jax.numpy as jnp
import pytest
from jax import lax

from jaxcnn.analysis.layout import Layout, input_fields, layout_of, receptive_field
from jaxcnn.analysis.receptive_field import source


def layout(function, shape):
    x = jax.ShapeDtypeStruct(shape, jnp.float32)
    fields, rank = input_fields((x,))
    return layout_of(jax.make_jaxpr(function)(x).jaxpr, fields, rank)


def first_conv(x):
    return lax.conv(x, jnp.ones((2, x.shape[1], 3, 3)), (1, 1), "VALID")


class TestLayout:
    def test_is_that_of_the_first_convolution(self):
        assert layout(first_conv, (2, 3, 8, 9)) == Layout(0, (2, 3))
        assert layout(lambda x: first_conv(x.transpose(3, 2, 0, 1) / 255), (8, 9, 3, 2)) == Layout(3, (0, 1))

    def test_of_an_unbatched_image_has_no_batch(self):
        assert layout(lambda x: first_conv(x[None]), (3, 8, 9)) == Layout(None, (1, 2))

    @pytest.mark.parametrize(
        ("shape", "expected"), [((2, 8, 9, 3), Layout(0, (1, 2))), ((2, 5), Layout(0, ())), ((), Layout(None, ()))]
    )
    def test_is_channels_last_without_a_convolution(self, shape, expected):
        assert layout(jnp.sin, shape) == expected


class TestInputFields:
    def test_takes_the_array_of_highest_rank_and_its_likes_for_images(self):
        image, vector = jnp.zeros((1, 8, 8, 3)), jnp.zeros((1, 4))
        fields, rank = input_fields((vector, {"a": image, "b": vector}, image, image))
        assert fields == [None, None, None, source((1, 8, 8, 3)), source((1, 8, 8, 3))]
        assert rank == 4


class TestReceptiveField:
    def test_is_none_where_unknown_or_constant(self):
        height, width = source((5, 6))
        assert receptive_field(None, Layout(None, (0,))) is None
        assert receptive_field((height, None), Layout(None, (0, 1))) is None
        assert receptive_field((height, width), Layout(None, (0, 1))) == (1, 1)
        assert receptive_field((height, width), Layout(0, ())) == ()
