"""What Keras's layers return, with their gradients: writes `keras.npz` beside this file. Run by hand, never in CI:

python -m venv VENV && VENV/bin/pip install tensorflow-cpu tf-keras && VENV/bin/python tests/golden/make_keras.py

It needs Keras 3 on TensorFlow, Keras 2 (`tf_keras`) for LocallyConnected, and nothing of jaxcnn.
"""

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from store import Store

SIZES = {1: (11,), 2: (7, 6), 3: (4, 5, 4)}
CHANNELS = 4


def add(store, library, operation, x, **options):
    """One case of a layer, its weights drawn in the order in which the layer lists them."""
    dtype = "float32" if "Pooling" in operation else "float64"  # TensorFlow pools 3-D images in float32 alone.
    layer = getattr(library.layers, operation)(**options, dtype=dtype)
    layer.build(x.shape)
    layer.set_weights([store.eighths(*weight.shape) for weight in layer.weights])
    names = ["x", *(variable.name.split("/")[-1].split(":")[0] for variable in layer.trainable_variables)]
    x = tf.constant(x, dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    cotangent = store.eighths(*y.shape)
    variables = [variable.value if library is keras else variable for variable in layer.trainable_variables]
    gradients = tape.gradient(y, [x, *variables], tf.constant(cotangent, dtype))
    inputs = dict(zip(names, [x.numpy(), *layer.get_weights()], strict=True))
    gradients = {f"d_{name}": gradient.numpy() for name, gradient in zip(names, gradients, strict=True)}
    store.add(operation, options, inputs, {"y": y.numpy(), "cotangent": cotangent, **gradients})


def convolutions(store):
    """VALID, SAME and CAUSAL with strides, dilation and groups."""
    x = {n: store.eighths(2, *size, CHANNELS) for n, size in SIZES.items()}
    cases = [
        ("Conv1D", 1, {"kernel_size": 3, "padding": "causal", "dilation_rate": 2}),
        ("Conv2D", 2, {"kernel_size": [3, 2], "strides": 2}),
        ("Conv2D", 2, {"kernel_size": [3, 4], "strides": 2, "padding": "same"}),
        ("Conv2D", 2, {"kernel_size": 2, "strides": 3, "padding": "same"}),
        ("Conv2D", 2, {"kernel_size": [2, 3], "dilation_rate": 2, "padding": "same", "use_bias": False}),
        ("Conv3D", 3, {"kernel_size": [3, 2, 2], "strides": 2, "padding": "same"}),
    ]
    for operation, n, options in cases:
        add(store, keras, operation, x[n], filters=6, **options)


def transposed(store):
    """Windows at least as large as the stride, where Keras and PyTorch agree on VALID; SAME with any."""
    x = {n: store.eighths(2, *size, 3) for n, size in {1: (5,), 2: (3, 4), 3: (2, 3, 2)}.items()}
    cases = [
        ("Conv1DTranspose", 1, {"kernel_size": 4, "strides": 2, "padding": "same"}),
        ("Conv2DTranspose", 2, {"kernel_size": [3, 2], "strides": 2}),
        ("Conv2DTranspose", 2, {"kernel_size": 3, "strides": 2, "padding": "same"}),
        ("Conv2DTranspose", 2, {"kernel_size": [2, 3], "strides": [3, 4], "padding": "same"}),
        ("Conv3DTranspose", 3, {"kernel_size": 2, "strides": [2, 1, 2], "padding": "same"}),
        # Windows smaller than the stride: Keras's VALID gives i·s, with zeros at the end that ours leaves away.
        ("Conv2DTranspose", 2, {"kernel_size": [2, 1], "strides": 3}),
    ]
    for operation, n, options in cases:
        add(store, keras, operation, x[n], filters=2, **options)


def apart(store):
    """Channels apart, then mixed; weights of every place's own."""
    x = {n: store.eighths(2, *size, 3) for n, size in SIZES.items()}
    for n in (1, 2):
        same = {"kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same"}
        add(store, keras, f"DepthwiseConv{n}D", x[n], **same)
        add(store, keras, f"SeparableConv{n}D", x[n], filters=4, **same)
    add(store, keras, "DepthwiseConv2D", x[2], kernel_size=[2, 3], dilation_rate=2, padding="valid")
    add(store, tf_keras, "LocallyConnected1D", x[1], filters=2, kernel_size=4, strides=3)
    add(store, tf_keras, "LocallyConnected2D", x[2], filters=2, kernel_size=[3, 2], strides=[2, 1])


def pools(store):
    """Padding that never counts: not in a maximum, and not in a mean's divisor."""
    x = {n: store.distinct(2, *size, 2) for n, size in SIZES.items()}
    for kind in ("Max", "Average"):
        for n in (2, 3):
            add(store, keras, f"{kind}Pooling{n}D", x[n], pool_size=3, strides=2, padding="same")
        add(store, keras, f"{kind}Pooling1D", x[1], pool_size=4)
        add(store, keras, f"Global{kind}Pooling2D", x[2], keepdims=kind == "Max")


def dense(store):
    """The rows of a Dense layer's kernel are its inputs."""
    add(store, keras, "Dense", store.eighths(2, 5), units=3)


def main():
    store = Store(seed=1)
    for make in (convolutions, transposed, apart, pools, dense):
        make(store)
    versions = {"keras": keras.__version__, "tf_keras": tf_keras.__version__, "tensorflow": tf.__version__}
    store.write("keras", {**versions, "numpy": np.__version__})


if __name__ == "__main__":
    main()
