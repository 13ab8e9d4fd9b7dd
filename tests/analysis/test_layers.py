import jax
import jax.numpy as jnp
from flax import nnx

from jaxcnn.analysis.equations import walk
from jaxcnn.analysis.layers import Call, call_tree
from jaxcnn.analysis.trace import trace_method


class Block(nnx.Module):
    def __init__(self, rngs):
        self.a = nnx.Linear(3, 3, rngs=rngs)
        self.b = nnx.Linear(3, 3, rngs=rngs)

    def __call__(self, x):
        return self.a(x) @ self.b(x).T, self.a(x)


def tree(model, *shape):
    trace = trace_method(model, lambda model, x: model(x), (jax.ShapeDtypeStruct(shape, jnp.float32),))
    jaxpr = trace.jaxpr.jaxpr
    return call_tree(walk(jaxpr, [None] * len(jaxpr.invars), None))


def outline(call):
    """Numbers of calls and names of primitives, nested as they were made."""
    return [(step.number, outline(step)) if isinstance(step, Call) else step.primitive for step in call.done]


def test_calls_are_nested_and_in_order():
    product = ["dot_general"]
    assert outline(tree(Block(nnx.Rngs(0)), 5, 3)) == [
        (0, [(1, product), (2, product), "dot_general", (1, product)]),
    ]


def test_calls_keep_all_their_outputs():
    (block,) = tree(Block(nnx.Rngs(0)), 5, 3).calls
    assert block.shapes == [(5, 5), (5, 3)]
    assert block.activation_bytes == 4 * (25 + 15)
    assert block.macs == 3 * (5 * 3 * 3) + 5 * 5 * 3


def test_pooling_of_constants_is_no_work():
    class Pool(nnx.Module):
        def __call__(self, x):
            return nnx.avg_pool(x, (2, 2), count_include_pad=False)

    trace = trace_method(Pool(), lambda model, x: model(x), (jax.ShapeDtypeStruct((1, 4, 4, 1), jnp.float32),))
    constants = walk(trace.jaxpr.jaxpr, [None], None)
    assert outline(call_tree(constants)) == [(0, [])]
