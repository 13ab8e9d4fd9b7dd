"""lax's own convolution, on our primitive: a drop-in wherever a library lets one choose."""

from typing import Any

from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn.lowering import primitive


def conv_general_dilated(
    lhs: Shaped[ArrayLike, "..."],
    rhs: Shaped[ArrayLike, "..."],
    window_strides: Any,
    padding: Any,
    lhs_dilation: Any = None,
    rhs_dilation: Any = None,
    dimension_numbers: Any = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision: Any = None,
    preferred_element_type: Any = None,
    **options: Any,
) -> Shaped[Array, "..."]:
    """`lax.conv_general_dilated` with its arguments, results and errors, and our lowering and gradients.

    For `flax.nnx.Conv(conv_general_dilated=F.conv_general_dilated)`, Flax Linen's, and any code written on lax.
    `options` are those that newer versions of lax add (such as `out_sharding`), given to it as they are.

    Source: `lax.conv_general_dilated`.
    """
    return primitive.conv_general_dilated(
        lhs,
        rhs,
        window_strides,
        padding,
        lhs_dilation=lhs_dilation,
        rhs_dilation=rhs_dilation,
        dimension_numbers=dimension_numbers,
        feature_group_count=feature_group_count,
        batch_group_count=batch_group_count,
        precision=precision,
        preferred_element_type=preferred_element_type,
        **options,
    )
