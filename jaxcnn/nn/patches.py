"""Layers around patches: every window as a row, and rows back in their places."""

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.layout import DATA_FORMATS, DataFormat, one_of
from jaxcnn.geometry import Int, Padding, Size
from jaxcnn.nn.options import sliding


class ExtractPatches(nnx.Module):
    """`functional.extract_patches` as a layer."""

    def __init__(
        self,
        window: Size,
        *,
        strides: Size = 1,
        padding: Padding = "VALID",
        dilation: Size = 1,
        data_format: DataFormat = "channels_last",
        spatial_dims: Int = 2,
    ):
        """Fix the options of `functional.extract_patches`; `spatial_dims` is N where `window` is an int.

        Raises:
          ValueError: for options that can't fit any input.
        """
        self.window, self.strides, self.padding, self.dilation = sliding(
            "window", window, strides, padding, dilation, spatial_dims, dilation_name="dilation"
        )
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """Every window of `x` as a row; shapes and errors as in `functional.extract_patches`."""
        return F.extract_patches(
            x,
            self.window,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation,
            data_format=self.data_format,
        )


class FoldPatches(nnx.Module):
    """`functional.fold_patches` as a layer."""

    def __init__(
        self,
        window: Size,
        *,
        output_shape: Size,
        strides: Size = 1,
        padding: Padding = "VALID",
        dilation: Size = 1,
        data_format: DataFormat = "channels_last",
        spatial_dims: Int = 2,
    ):
        """Fix the options of `functional.fold_patches`.

        Args:
          window, strides, padding, dilation: those of the `ExtractPatches` that this layer reverses.
          output_shape: spatial shape of the result, N ints or one for all.
          data_format: "channels_last" or "channels_first".
          spatial_dims: N where `window` is an int.

        Raises:
          ValueError: for options that don't fit one another.
        """
        self.window, self.strides, self.padding, self.dilation = sliding(
            "window", window, strides, padding, dilation, spatial_dims, dilation_name="dilation"
        )
        self.output_shape = geometry.as_sizes("output_shape", output_shape, len(self.window))
        geometry.pool_output_shape(
            self.output_shape, self.window, strides=self.strides, padding=self.padding, dilation=self.dilation
        )
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)

    def __call__(self, patches: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """The rows back in their places, summed; shapes and errors as in `functional.fold_patches`."""
        return F.fold_patches(
            patches,
            self.window,
            output_shape=self.output_shape,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation,
            data_format=self.data_format,
        )
