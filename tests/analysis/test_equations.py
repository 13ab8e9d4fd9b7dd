import jax
import jax.numpy as jnp
from jax import lax

from jaxcnn.analysis.equations import walk
from jaxcnn.analysis.macs import equation_macs
from jaxcnn.analysis.notes import notes_on

CUBE = 4**3


def events(function):
    closed = jax.make_jaxpr(function)(jax.ShapeDtypeStruct((4, 4), jnp.float32))
    return list(walk(closed.jaxpr, [None], None))


def macs(function):
    return sum(event.times * equation_macs(event.equation) for event in events(function))


@jax.custom_vjp
def squared(x):
    return x @ x


squared.defvjp(lambda x: (squared(x), x), lambda x, g: (g @ x.T,))


class TestWalk:
    def test_enters_jit_remat_and_custom_derivatives(self):
        assert macs(jax.jit(lambda x: jax.jit(jnp.dot)(x, x))) == CUBE
        assert macs(jax.checkpoint(lambda x: x @ x)) == CUBE
        assert macs(squared) == CUBE

    def test_counts_every_step_of_a_scan(self):
        assert macs(lambda x: lax.scan(lambda c, _: (c @ c, c @ c), x, None, length=5)[0]) == 5 * 2 * CUBE

    def test_counts_scans_within_scans(self):
        def inner(c, _):
            return lax.fori_loop(0, 3, lambda _, c: c @ c, c), None

        assert macs(lambda x: lax.scan(inner, x, None, length=5)[0]) == 15 * CUBE

    def test_counts_the_costliest_branch(self):
        branches = [lambda x: x, lambda x: x @ x @ x, lambda x: x @ x]
        assert macs(lambda x: lax.switch(1, branches, x)) == 2 * CUBE

    def test_counts_one_iteration_of_a_while_loop_and_says_so(self):
        def loop(x):
            return lax.while_loop(lambda c: c.sum() < 9, lambda c: c @ c, x)

        assert macs(loop) == CUBE
        assert notes_on(events(loop)) == ("the MACs of a while loop count one iteration",)

    def test_says_nothing_of_loops_without_products(self):
        assert notes_on(events(lambda x: lax.while_loop(lambda c: c.sum() < 9, jnp.exp, x))) == ()

    def test_tells_the_scopes_around_an_equation(self):
        def scoped(x):
            with jax.named_scope("outer"):
                return jax.jit(inner)(x)

        def inner(x):
            with jax.named_scope("inner"):
                return x @ x

        (event,) = events(scoped)
        assert event.scopes.split("/")[1:] == ["outer", "inner"]
