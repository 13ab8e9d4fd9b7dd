"""The optimizers that the lectures name, as Keras sets them; Optax's own defaults differ."""

import optax

RMSPROP = "RMSprop with Keras's defaults (learning rate 0.001, decay 0.9, epsilon 1e-7)"
ADAM = "Adam with Keras's defaults (learning rate 0.001, decays 0.9 and 0.999, epsilon 1e-7)"
START = "Glorot uniform kernels and zero biases, cross-entropy."


def rmsprop() -> optax.GradientTransformation:
    """`compile(optimizer="rmsprop")`, which is also what Keras takes where none is named."""
    return optax.rmsprop(1e-3, decay=0.9, eps=1e-7)


def adam() -> optax.GradientTransformation:
    """`compile(optimizer="adam")`."""
    return optax.adam(1e-3, eps=1e-7)
