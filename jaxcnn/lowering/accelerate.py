"""`jaxcnn.accelerate_cpu`: our CPU forms under lax's own primitives, for programs that know nothing of jaxcnn."""

import warnings
from typing import Any, NamedTuple

import jax

from jaxcnn.lowering import primitive


class Acceleration(NamedTuple):
    """What `accelerate_cpu` returns: the way back. Empty `before` where nothing could be changed."""

    before: tuple[Any, ...]

    def off(self) -> None:
        """Lower lax's primitives as lax does, in the whole process and for what is compiled from now on."""
        if self.before:
            primitive.put_in_force(primitive.laxs_rules)

    def __enter__(self) -> "Acceleration":
        return self

    def __exit__(self, *exception: object) -> None:
        if self.before:
            primitive.put_in_force(self.before)


def accelerate_cpu() -> Acceleration:
    """`jaxcnn.accelerate_cpu`, which says what it does."""
    before = primitive.rules_in_force() if primitive.laxs_rules else ()
    if before:
        primitive.accelerate()
    elif primitive.conv_p is not None:  # else importing our primitive has said so
        warnings.warn(
            f"accelerate_cpu changes nothing: jax {jax.__version__} has moved an interface; update jaxcnn",
            RuntimeWarning,
            stacklevel=3,
        )
    return Acceleration(before)
