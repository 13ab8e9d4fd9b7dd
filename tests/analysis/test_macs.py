import jax
import jax.numpy as jnp
import pytest
from jax import lax

import jaxcnn.functional as F
from jaxcnn.analysis.macs import equation_macs


def macs(function, *shapes):
    inputs = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    return [equation_macs(equation) for equation in jax.make_jaxpr(function)(*inputs).eqns]


def conv(strides=(1, 1), padding="VALID", **options):
    numbers = ("NHWC", "HWIO", "NHWC")
    return lambda x, k: lax.conv_general_dilated(x, k, strides, padding, dimension_numbers=numbers, **options)


class TestConvolution:
    def test_is_outputs_times_taps_times_channels(self):
        assert macs(conv(), (1, 28, 28, 1), (3, 3, 1, 32)) == [26 * 26 * 32 * 9]
        assert macs(conv((2, 2)), (5, 11, 12, 3), (3, 2, 3, 7)) == [5 * 5 * 6 * 7 * 3 * 2 * 3]

    def test_counts_taps_on_padding(self):
        assert macs(conv(padding="SAME"), (1, 8, 8, 2), (3, 3, 2, 4)) == [8 * 8 * 4 * 9 * 2]

    def test_counts_the_channels_of_a_group(self):
        assert macs(conv(feature_group_count=4), (1, 8, 8, 4), (3, 3, 1, 8)) == [6 * 6 * 8 * 9]

    def test_reads_any_layout(self):
        assert macs(lambda x, k: lax.conv(x, k, (1, 1), "VALID"), (2, 3, 9, 8), (5, 3, 3, 2)) == [2 * 5 * 7 * 7 * 6 * 3]

    def test_counts_a_transposed_convolution_as_its_adjoint(self):
        forward = macs(conv((2, 2)), (2, 9, 9, 3), (3, 3, 3, 5))
        upwards = lambda x, k: lax.conv_transpose(x, k, (2, 2), "VALID")  # noqa: E731
        assert macs(upwards, (2, 4, 4, 5), (3, 3, 5, 3))[-1:] == forward == [2 * 4 * 4 * 5 * 9 * 3]

    def test_dilation_of_the_kernel_adds_nothing(self):
        assert macs(conv(rhs_dilation=(2, 2)), (1, 9, 9, 1), (3, 3, 1, 1)) == [5 * 5 * 9]


class TestProduct:
    @pytest.mark.parametrize(
        ("subscripts", "shapes", "count"),
        [
            ("ij,jk->ik", [(2, 3), (3, 5)], 2 * 3 * 5),
            ("bij,bkj->bik", [(7, 2, 3), (7, 5, 3)], 7 * 2 * 3 * 5),
            ("hwc,whcd->d", [(2, 3, 4), (3, 2, 4, 5)], 2 * 3 * 4 * 5),
        ],
    )
    def test_is_batch_times_rows_times_columns_times_length(self, subscripts, shapes, count):
        equations = jax.make_jaxpr(lambda a, b: jnp.einsum(subscripts, a, b))(*map(jnp.zeros, shapes)).eqns
        inner = [e for outer in equations for e in (outer.params["jaxpr"].eqns if "jaxpr" in outer.params else [outer])]
        assert sum(map(equation_macs, inner)) == count


def test_pooling_and_elementwise_operations_count_nothing():
    assert set(macs(lambda x: jnp.exp(F.sum_pool(x, 2) * 2), (1, 8, 8, 3))) <= {0}
