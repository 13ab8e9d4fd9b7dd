"""jaxcnn: a functional CNN toolkit for JAX."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jaxcnn.lowering.accelerate

__version__ = "0.1.0"


def accelerate_cpu() -> "jaxcnn.lowering.accelerate.Acceleration":
    """Run lax's own convolutions and max-pooling gradients on the CPU in our forms, whoever calls them.

    Flax, Equinox, Haiku and plain `jax.lax` programs gain without a change. Results are lax's to rounding; programs for
    GPUs and TPUs stay as they are. It holds for the whole process until `.off()`, or inside `with accelerate_cpu():`,
    which restores what was in force before. It concerns only what is compiled meanwhile, for good: call it before the
    first step, or call `jax.clear_caches()` after it.

    Returns:
        An object with `off()`, which is a context manager too.

    Warns:
        RuntimeWarning: this JAX has moved the interface behind it, and nothing is changed.
    """
    # Imported here, so that `import jaxcnn` stays instant.
    from jaxcnn.lowering import accelerate

    return accelerate.accelerate_cpu()
