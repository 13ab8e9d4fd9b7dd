"""What layers that draw lots in training share: a random stream, and the mode of evaluation."""

from typing import TYPE_CHECKING, Any, TypeAlias

import jax
from flax import nnx
from jax import Array

from jaxcnn import geometry
from jaxcnn.geometry import Flag

if TYPE_CHECKING:
    RandomSource: TypeAlias = nnx.Rngs | nnx.RngStream | Array
else:  # At run time every value gets in, so that a wrong one meets our sentence and not a type checker's.
    RandomSource = Any


class Drawing(nnx.Module):
    """A layer with a random stream, and a mode without it that `eval()` sets: as `flax.nnx.Dropout` has them."""

    def __init__(self, *, deterministic: Flag, rng_collection: str, rngs: Any):
        self.deterministic = geometry.as_bool("deterministic", deterministic)
        self.rng_collection = rng_collection
        self.rngs = nnx.data(None if rngs is None else _stream(rngs, rng_collection).fork())

    def set_view(self, deterministic: bool | None = None):
        """What `nnx.view` may change.

        Args:
          deterministic: the mode without drawing.
        """
        if deterministic is not None:
            self.deterministic = geometry.as_bool("deterministic", deterministic)

    def _mode(self, deterministic: Flag | None) -> bool:
        return self.deterministic if deterministic is None else geometry.as_bool("deterministic", deterministic)

    def _key(self, rngs: Any) -> Array:
        rngs = self.rngs if rngs is None else rngs
        if rngs is None:
            raise ValueError(
                "rngs must be given to the constructor or to the call, since the layer draws while deterministic is "
                "False; got None; or call eval() on the model"
            )
        return rngs if isinstance(rngs, jax.Array) else _stream(rngs, self.rng_collection)()


def _stream(rngs: Any, collection: str) -> Any:
    if not isinstance(rngs, nnx.Rngs | nnx.RngStream):
        raise TypeError(f"rngs must be an nnx.Rngs or nnx.RngStream, or in a call a key; got {type(rngs).__name__}")
    return rngs[collection] if isinstance(rngs, nnx.Rngs) else rngs
