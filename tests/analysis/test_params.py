import jax.numpy as jnp
import pytest
from flax import nnx

from jaxcnn import analysis
from jaxcnn.analysis.params import sizes_by_owner


class Scale(nnx.Param):
    """A kind of parameter of one's own."""


class Bag(nnx.Module):
    def __init__(self, **variables):
        for name, variable in variables.items():
            setattr(self, name, variable)


class TestCountParams:
    def test_counts_by_hand(self, small_net):
        conv, norm, dense, scale = 3 * 3 * 1 * 4 + 4, 4 + 4, 36 * 5 + 5, 5
        assert analysis.count_params(small_net) == conv + norm + dense + scale

    def test_counts_subclasses_and_nothing_that_is_not_trained(self):
        stored = nnx.Param(jnp.zeros((2, 3)))
        bag = Bag(
            own=Scale(jnp.zeros(7)),
            stored=stored,
            shared=stored,
            mean=nnx.BatchStat(jnp.zeros(11)),
            cache=nnx.Cache(jnp.zeros(13)),
            rngs=nnx.Rngs(0),
        )
        assert analysis.count_params(bag) == 7 + 6

    def test_counts_what_was_never_allocated(self):
        model = nnx.eval_shape(lambda: nnx.Linear(10**6, 10**6, rngs=nnx.Rngs(0)))
        assert analysis.count_params(model) == 10**12 + 10**6

    def test_refuses_what_is_no_module(self):
        with pytest.raises(TypeError, match=r"model must be an nnx\.Module, but is dict"):
            analysis.count_params({"kernel": jnp.zeros(3)})


class TestSizesByOwner:
    def test_gives_each_variable_to_the_nearest_module_above_it(self, small_net):
        owners = [(), ("conv",), ("norm",), ("layers", 0)]
        held = {(): 5, ("conv",): 40, ("norm",): 16, ("layers", 0): 185}
        assert sizes_by_owner(small_net, owners) == held
