import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcnn.analysis.shapes import abstract_inputs


class TestAbstractInputs:
    def test_keeps_shapes_and_dtypes_as_jax_sees_them(self):
        given = ({"a": np.zeros((2, 3))}, jnp.zeros((4,), jnp.uint8), jax.random.key(0))
        nested, array, key = abstract_inputs(given)
        assert (nested["a"].shape, nested["a"].dtype) == ((2, 3), jnp.float32)
        assert (array.shape, array.dtype) == ((4,), jnp.uint8)
        assert (key.shape, key.dtype) == ((), given[2].dtype)

    def test_keeps_weak_types(self):
        assert abstract_inputs((jnp.asarray(1.0),))[0].weak_type

    def test_refuses_no_input(self):
        with pytest.raises(ValueError, match=r"needs the model's inputs, but got none; pass an array"):
            abstract_inputs(())

    @pytest.mark.parametrize("value", [(1, 28, 28, 1), "image", 3, None, [np.zeros(2), "no"]])
    def test_refuses_what_is_no_array(self, value):
        with pytest.raises(TypeError, match=r"inputs\[1\] must be an array, but is .*ShapeDtypeStruct"):
            abstract_inputs((np.zeros(1), value))
