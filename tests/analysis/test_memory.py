import jax
import jax.numpy as jnp
import pytest

from jaxcnn.analysis.memory import array_bytes


@pytest.mark.parametrize(
    ("shape", "dtype", "size"),
    [((2, 3), jnp.float32, 24), ((5,), jnp.bfloat16, 10), ((7, 0), jnp.float32, 0), ((), jnp.bool_, 1)],
)
def test_bytes_by_hand(shape, dtype, size):
    assert array_bytes(jax.ShapeDtypeStruct(shape, dtype)) == size
