"""Normalisation layers without parameters. BatchNorm, LayerNorm and GroupNorm are Flax's own."""

import functools

from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from jaxtyping import Shaped

from jaxcnn import functional as F
from jaxcnn import geometry
from jaxcnn.functional.layout import DATA_FORMATS, DataFormat, one_of
from jaxcnn.geometry import Int
from jaxcnn.nn.options import try_options


class LocalResponseNorm(nnx.Module):
    """`functional.local_response_norm` as a layer; AlexNet has size=5, alpha=1e-4, beta=0.75, k=2."""

    def __init__(
        self,
        *,
        size: Int,
        alpha: float | Int,
        beta: float | Int,
        k: float | Int,
        spatial_dims: Int | None = None,
        data_format: DataFormat = "channels_last",
    ):
        """Fix the options of `functional.local_response_norm`.

        Args:
          size: channels in the sum.
          alpha, beta, k: constants of Krizhevsky's formula; alpha isn't divided by size.
          spatial_dims: N, 0 too, so that unbatched inputs are accepted; None means x.ndim − 2.
          data_format: "channels_last" or "channels_first".

        Raises:
          ValueError: for a size below 1, or alpha or k below 0.
          TypeError: for what isn't a number.
        """
        try_options(functools.partial(F.local_response_norm, size=size, alpha=alpha, beta=beta, k=k))
        self.size = geometry.as_int("size", size, minimum=1)
        self.alpha, self.beta, self.k = float(alpha), float(beta), float(k)
        self.spatial_dims = None if spatial_dims is None else geometry.as_int("spatial_dims", spatial_dims, minimum=0)
        self.data_format = one_of("data_format", data_format, DATA_FORMATS)

    def __call__(self, x: Shaped[ArrayLike, "..."]) -> Shaped[Array, "..."]:
        """`x` divided by a power of its channels' neighbourhood; errors as in `functional.local_response_norm`."""
        return F.local_response_norm(
            x,
            size=self.size,
            alpha=self.alpha,
            beta=self.beta,
            k=self.k,
            spatial_dims=self.spatial_dims,
            data_format=self.data_format,
        )
