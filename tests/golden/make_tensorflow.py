"""What `tf.nn` and `tf.image` return, with their gradients: writes `tensorflow.npz` beside this file.

Run by hand, never in CI:

python -m venv VENV && VENV/bin/pip install tensorflow-cpu && VENV/bin/python tests/golden/make_tensorflow.py

It needs TensorFlow on the CPU and nothing of jaxcnn.
"""

import numpy as np
import tensorflow as tf
from store import Store

FUNCTIONS = {
    "conv2d": tf.nn.conv2d,
    "conv2d_transpose": tf.nn.conv2d_transpose,
    "depthwise_conv2d": tf.nn.depthwise_conv2d,
    "extract_patches": tf.image.extract_patches,
    "max_pool_with_argmax": tf.nn.max_pool_with_argmax,
    "max_pool2d": tf.nn.max_pool2d,
    "avg_pool2d": tf.nn.avg_pool2d,
    "local_response_normalization": tf.nn.local_response_normalization,
}


def add(store, operation, inputs, dtype=tf.float64, **options):
    """One case of a function of TensorFlow, with the gradients of every input."""
    tensors = [tf.constant(array, dtype) for array in inputs.values()]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        result = FUNCTIONS[operation](*tensors, **options)
        y, *indices = result if isinstance(result, tuple) else (result,)
    cotangent = store.eighths(*y.shape)
    gradients = tape.gradient(y, tensors, tf.constant(cotangent, dtype))
    outputs = {"y": y.numpy(), "cotangent": cotangent}
    outputs |= {f"d_{name}": gradient.numpy() for name, gradient in zip(inputs, gradients, strict=True)}
    if indices:
        outputs["indices"] = indices[0].numpy()
    store.add(operation, options, inputs, outputs)


def convolutions(store):
    """Explicit pads, a transposed convolution's output shape, and channels apart."""
    x, kernel = store.eighths(2, 7, 6, 4), store.eighths(3, 2, 4, 3)
    pads = [[0, 0], [2, 1], [0, 3], [0, 0]]
    add(store, "conv2d", {"x": x, "kernel": kernel}, strides=[2, 1], padding=pads)
    add(store, "depthwise_conv2d", {"x": x, "kernel": kernel}, strides=[1, 2, 2, 1], padding="SAME")
    x = store.eighths(2, 3, 4, 3)
    for padding, output_shape in (("SAME", [2, 5, 8, 4]), ("SAME", [2, 6, 7, 4]), ("VALID", [2, 8, 8, 4])):
        options = {"output_shape": output_shape, "strides": 2, "padding": padding}
        add(store, "conv2d_transpose", {"x": x, "kernel": kernel}, **options)


def windows(store):
    """Rows of patches, and maxima with their places."""
    x = store.distinct(2, 7, 6, 3)
    for rates, padding in ((1, "SAME"), (2, "VALID")):
        options = {"sizes": [1, 3, 2, 1], "strides": [1, 2, 1, 1], "rates": [1, rates, rates, 1], "padding": padding}
        add(store, "extract_patches", {"images": x}, **options)
    for padding in ("SAME", "VALID"):
        add(store, "max_pool_with_argmax", {"input": x}, ksize=[3, 2], strides=2, padding=padding)
    add(store, "avg_pool2d", {"input": x}, ksize=[3, 2], strides=2, padding="SAME")
    ties = np.array([[1.0, 1, 2, 2], [1, 1, 2, 0], [3, 5, 4, 4], [5, 5, 0, 4]])[None, ..., None]
    for operation in ("max_pool2d", "max_pool_with_argmax"):
        add(store, operation, {"input": ties}, ksize=2, strides=2, padding="VALID")


def norms(store):
    """Krizhevsky's normalisation, of which TensorFlow has float32 alone."""
    for options in (
        {"depth_radius": 2, "bias": 2.0, "alpha": 0.1, "beta": 0.75},
        {"depth_radius": 1, "bias": 1.0, "alpha": 0.5, "beta": 0.5},
    ):
        add(store, "local_response_normalization", {"input": store.eighths(2, 3, 2, 7)}, tf.float32, **options)


def main():
    store = Store(seed=2)
    for make in (convolutions, windows, norms):
        make(store)
    store.write("tensorflow", {"tensorflow": tf.__version__, "numpy": np.__version__})


if __name__ == "__main__":
    main()
