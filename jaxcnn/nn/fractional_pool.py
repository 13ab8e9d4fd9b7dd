"""The pooling layer that draws in training where its windows lie."""

import numbers
from typing import Any

import jax
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.fractional_pool import Ratio
from jaxcnn.functional.layout import DATA_FORMATS, DataFormat, one_of
from jaxcnn.geometry import Flag, Int, Size
from jaxcnn.nn.drawing import Drawing, RandomSource
from jaxcnn.nn.options import window_of


class FractionalMaxPool(Drawing):
    """`functional.fractional_max_pool` as a layer; in evaluation its windows are the same at every call."""

    def __init__(
        self,
        window: Size,
        *,
        output_size: Size | None = None,
        output_ratio: Ratio | None = None,
        spatial_dims: Int = 2,
        data_format: DataFormat = "channels_last",
        deterministic: Flag = False,
        rng_collection: str = "dropout",
        rngs: RandomSource | None = None,
    ):
        """Fix the options of `functional.fractional_max_pool`.

        Args:
          window: pixels: N ints, or one int for `spatial_dims` equal sides.
          output_size: cells, an int or N; or else
          output_ratio: cells a pixel, above 0 and below 1, one number or N.
          spatial_dims: N where `window` is an int.
          data_format: "channels_last" or "channels_first".
          deterministic: draw the windows of `jax.random.key(0)`; `eval()` and `train()` of the model set it.
          rng_collection: the stream of `rngs` that is drawn from; by default dropout's.
          rngs: the stream is forked from it, as Dropout does; None: a call that draws must bring its own.

        Raises:
          ValueError: for options that can't fit any input, or unless exactly one of output_size and output_ratio is
            given.
          TypeError: for an `rngs` of another type.
        """
        super().__init__(deterministic=deterministic, rng_collection=rng_collection, rngs=rngs)
        self.window = window_of("window", window, spatial_dims)
        if (output_size is None) == (output_ratio is None):
            raise ValueError(
                "output_size must be given or else output_ratio, one of them; got "
                f"output_size={output_size!r} and output_ratio={output_ratio!r}"
            )
        dims = len(self.window)
        self.output_size = None if output_size is None else geometry.as_sizes("output_size", output_size, dims)
        self.output_ratio = None if output_ratio is None else _ratios(output_ratio, dims)
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)

    def __call__(
        self, x: Shaped[ArrayLike, "..."], *, deterministic: Flag | None = None, rngs: RandomSource | None = None
    ) -> Shaped[Array, "..."]:
        """The largest value of every window; shapes and errors as in `functional.fractional_max_pool`.

        Args:
          x: (batch, *spatial, channels), or unbatched, or `data_format="channels_first"`.
          deterministic: the mode of this call; None: the layer's.
          rngs: an nnx.Rngs, an nnx.RngStream or a key for this call; None: the layer's own stream.

        Raises:
          ValueError: also where it must draw and has no `rngs`.
        """
        return F.fractional_max_pool(
            jax.random.key(0) if self._mode(deterministic) else self._key(rngs),
            x,
            self.window,
            output_size=self.output_size,
            output_ratio=self.output_ratio,
            data_format=self.data_format,
        )


def _ratios(output_ratio: Any, spatial_dims: int) -> tuple[float, ...]:
    given = geometry.entries(output_ratio)
    ratios = (output_ratio,) * spatial_dims if given is None else given
    known = [isinstance(ratio, numbers.Real) and 0 < float(ratio) < 1 for ratio in ratios]
    if len(known) != spatial_dims or not all(known):
        raise ValueError(
            f"output_ratio must be above 0 and below 1, one number or {spatial_dims}; got {output_ratio!r}"
        )
    return tuple(map(float, ratios))
