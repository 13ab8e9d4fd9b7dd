import threading

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from jaxcnn import analysis
from jaxcnn.analysis.trace import SCOPE, callable_modules, defines_call, trace_method


class Base(nnx.Module):
    def __init__(self, rngs):
        self.inner = nnx.Linear(4, 4, rngs=rngs)

    def __call__(self, x):
        return self.inner(x)


class Derived(Base):
    def __call__(self, x):
        return super().__call__(x) + x


class Inheriting(Base):
    pass


class Jitted(Base):
    @nnx.jit
    def __call__(self, x):
        return self.inner(x)


class Silent(nnx.Module):
    """Not callable."""


BATCH = jax.ShapeDtypeStruct((2, 4), jnp.float32)


def call(model, x):
    return model(x)


def numbers(trace):
    """The layers each product belongs to, outermost first."""
    products = []

    def visit(jaxpr, scopes):
        for equation in jaxpr.eqns:
            here = f"{scopes}/{equation.source_info.name_stack}"
            if equation.primitive.name == "dot_general":
                products.append([int(number) for number, _ in SCOPE.findall(here)])
            if "jaxpr" in equation.params:
                visit(equation.params["jaxpr"].jaxpr, here)

    visit(trace.jaxpr.jaxpr, "")
    return products


class TestTraceMethod:
    @pytest.mark.parametrize("cls", [Base, Derived, Inheriting, Jitted])
    def test_scopes_each_call_once(self, cls):
        assert numbers(trace_method(cls(nnx.Rngs(0)), call, (BATCH,))) == [[0, 1]]

    @pytest.mark.parametrize("cls", [Base, Derived, Inheriting, Jitted])
    def test_leaves_the_classes_as_they_were(self, cls):
        before = [vars(c).get("__call__") for c in (cls, Base, nnx.Linear)]
        trace_method(cls(nnx.Rngs(0)), call, (BATCH,))
        trace_method(cls(nnx.Rngs(0)), call, (jax.ShapeDtypeStruct((2, 5), jnp.float32),))
        assert [vars(c).get("__call__") for c in (cls, Base, nnx.Linear)] == before

    def test_lets_other_models_of_the_same_classes_run(self):
        other, results = Base(nnx.Rngs(0)), []

        class Busy(nnx.Module):
            def __init__(self, rngs):
                self.part = Base(rngs)

            def __call__(self, x):
                thread = threading.Thread(target=lambda: results.append(other(jnp.ones((2, 4)))))
                thread.start()
                thread.join()
                return self.part(x)

        trace = trace_method(Busy(nnx.Rngs(0)), call, (BATCH,))
        assert numbers(trace) == [[0, 2, 1]]
        assert results[0].shape == (2, 4)

    def test_a_summary_within_a_summary_is_like_any_other(self):
        model, within = Base(nnx.Rngs(0)), []

        class Curious(Base):
            def __call__(self, x):
                within.append(analysis.summary(model, BATCH))
                return super().__call__(x)

        (row,) = analysis.summary(Curious(nnx.Rngs(0)), BATCH).rows
        assert within == [analysis.summary(model, BATCH)]
        assert row.macs == 2 * 4 * 4


class TestFailures:
    def test_keeps_the_equations_before_an_error(self, small_net):
        trace = trace_method(small_net, call, (jax.ShapeDtypeStruct((2, 9, 10, 1), jnp.float32),))
        names = [equation.primitive.name for equation in trace.jaxpr.eqns]
        assert isinstance(trace.error, TypeError)
        assert "conv_general_dilated" in names
        assert "dot_general" not in names

    def test_an_error_the_model_handles_is_none(self):
        class Careful(Base):
            def __call__(self, x):
                try:
                    return self.inner(x[:, :3])
                except TypeError:
                    return self.inner(x)

        trace = trace_method(Careful(nnx.Rngs(0)), call, (BATCH,))
        assert (trace.error, trace.failed) == (None, None)


def test_callable_modules_are_the_model_and_all_that_can_be_called(small_net):
    paths = [path for path, _ in callable_modules(small_net)]
    assert paths[0] == ()
    assert set(paths[1:]) == {("conv",), ("norm",), ("drop",), ("layers", 0)}
    assert not defines_call(Silent)
