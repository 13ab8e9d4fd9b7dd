"""The pooling layer that draws in training which tap of a window speaks."""

import functools

from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn.functional.layout import DataFormat
from jaxcnn.geometry import Flag, Int, Padding, Size
from jaxcnn.nn.drawing import Drawing, RandomSource
from jaxcnn.nn.windowed import WindowedPool


class StochasticPool(WindowedPool, Drawing):
    """`functional.stochastic_pool` in training, `functional.stochastic_pool_mean` in evaluation."""

    def __init__(
        self,
        window: Size,
        *,
        strides: Size | None = None,
        padding: Padding = "VALID",
        dilation: Size = 1,
        ceil_mode: Flag = False,
        data_format: DataFormat = "channels_last",
        spatial_dims: Int = 2,
        deterministic: Flag = False,
        rng_collection: str = "dropout",
        rngs: RandomSource | None = None,
    ):
        """Fix the options of `functional.stochastic_pool`.

        Args:
          window: pixels: N ints, or one int for `spatial_dims` equal sides.
          strides: pixels between windows; None means the window.
          padding, dilation, ceil_mode, data_format: as in `functional.pool`.
          spatial_dims: N where `window` is an int.
          deterministic: give the mean instead of drawing; `eval()` and `train()` of the model set it.
          rng_collection: the stream of `rngs` that is drawn from; by default dropout's.
          rngs: the stream is forked from it, as Dropout does; None: a call that draws must bring its own.

        Raises:
          ValueError: for options that can't fit any input.
          TypeError: for an `rngs` of another type.
        """
        WindowedPool.__init__(
            self,
            window,
            strides=strides,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            data_format=data_format,
            spatial_dims=spatial_dims,
        )
        Drawing.__init__(self, deterministic=deterministic, rng_collection=rng_collection, rngs=rngs)

    def __call__(
        self, x: Shaped[ArrayLike, "..."], *, deterministic: Flag | None = None, rngs: RandomSource | None = None
    ) -> Shaped[Array, "..."]:
        """One value of every window, drawn, or their mean; shapes and errors as in the functions.

        Args:
          x: (batch, *spatial, channels), or unbatched, or `data_format="channels_first"`.
          deterministic: the mode of this call; None: the layer's.
          rngs: an nnx.Rngs, an nnx.RngStream or a key for this call; None: the layer's own stream.

        Raises:
          ValueError: also where it must draw and has no `rngs`.
        """
        if self._mode(deterministic):
            return self._apply(F.stochastic_pool_mean, x)
        return self._apply(functools.partial(F.stochastic_pool, self._key(rngs)), x)
