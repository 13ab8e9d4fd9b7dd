"""What PyTorch returns, with its gradients: writes `torch.npz` beside this file. Run by hand, never in CI:

python -m venv VENV && VENV/bin/pip install numpy torch && VENV/bin/python tests/golden/make_torch.py

It needs PyTorch on the CPU and nothing of jaxcnn.
"""

import numpy as np
import torch
from store import Store
from torch.nn import functional

SIZES = {1: (11,), 2: (7, 6), 3: (4, 5, 4)}
CHANNELS = 4


def conv_with_mode(x, kernel, bias, *, padding_mode, **options):
    """`torch.nn.Conv1d` … `Conv3d`: the only way to PyTorch's padding modes of a convolution."""
    layer_type = {3: torch.nn.Conv1d, 4: torch.nn.Conv2d, 5: torch.nn.Conv3d}[kernel.ndim]
    out_features, in_features, *window = kernel.shape
    layer = layer_type(in_features, out_features, window, padding_mode=padding_mode, dtype=torch.float64, **options)
    return torch.func.functional_call(layer, {"weight": kernel, "bias": bias}, (x,))


def model(x, conv, scale, shift, depthwise, transpose, linear, bias, *, mean, var):
    """A small network of every kind of weight, its batch normalisation in evaluation."""
    mean, var = torch.tensor(mean, dtype=x.dtype), torch.tensor(var, dtype=x.dtype)
    x = functional.batch_norm(functional.conv2d(x, conv, padding=1), mean, var, scale, shift)
    x = functional.conv2d(functional.relu(x), depthwise, groups=4)
    x = functional.max_pool2d(functional.conv_transpose2d(x, transpose, stride=2), 2)
    return functional.linear(x.flatten(1), linear, bias)


def differentiated(operation, inputs, store):
    """The result and, for a drawn cotangent, the gradients of every input."""
    tensors = {name: torch.tensor(array, dtype=torch.float64, requires_grad=True) for name, array in inputs.items()}
    result = operation(*tensors.values())
    y, *indices = result if isinstance(result, tuple) else (result,)
    cotangent = store.eighths(*y.shape)
    gradients = torch.autograd.grad(y, list(tensors.values()), torch.tensor(cotangent))
    outputs = {"y": y.detach().numpy(), "cotangent": cotangent}
    outputs |= {f"d_{name}": gradient.numpy() for name, gradient in zip(inputs, gradients, strict=True)}
    if indices:
        outputs["indices"] = indices[0].numpy()
    return outputs


def add(store, operation, inputs, **options):
    """One case of the function `torch.nn.functional.OPERATION`, or of a layer."""
    layers = {"Conv": conv_with_mode, "model": model}
    function = layers[operation] if operation in layers else getattr(functional, operation)
    outputs = differentiated(lambda *tensors: function(*tensors, **options), inputs, store)
    store.add(operation, options, inputs, outputs)


def add_unpool(store, x):
    """`max_unpool2d` of what `max_pool2d` found; its indices have no gradient."""
    values, indices = functional.max_pool2d(torch.tensor(x), 2, return_indices=True)
    options = {"kernel_size": 2, "output_size": list(x.shape[2:])}
    unpool = lambda values: functional.max_unpool2d(values, indices, **options)  # noqa: E731
    outputs = differentiated(unpool, {"values": values.numpy()}, store)
    store.add("max_unpool2d", options, {"values": values.numpy(), "indices": indices.numpy()}, outputs)


def kernels(store, x, kernel, bias=None):
    inputs = {"x": store.eighths(*x), "kernel": store.eighths(*kernel)}
    return inputs if bias is None else inputs | {"bias": store.eighths(bias)}


def convolutions(store):
    """Strides, int and "same" padding, dilation and groups, in one to three dimensions."""
    x = {n: (2, CHANNELS, *size) for n, size in SIZES.items()}
    add(store, "conv1d", kernels(store, x[1], (6, 4, 3), 6), stride=2, padding=1)
    add(store, "conv1d", kernels(store, x[1], (6, 2, 4)), padding="same", dilation=2, groups=2)
    add(store, "conv2d", kernels(store, x[2], (3, 4, 3, 2), 3), stride=[2, 3], padding=[1, 2])
    add(store, "conv2d", kernels(store, x[2], (3, 4, 2, 4)), padding="same")
    add(store, "conv2d", kernels(store, x[2], (6, 2, 3, 2)), padding=2, dilation=[2, 3], groups=2)
    add(store, "conv2d", kernels(store, x[2], (8, 1, 3, 3), 8), padding=1, groups=4)
    add(store, "conv2d", kernels(store, x[2][1:], (3, 4, 3, 2), 3), stride=2)
    add(store, "conv3d", kernels(store, x[3], (2, 4, 3, 2, 2), 2), stride=2, padding=1)
    for mode, padding in (("reflect", [2, 1]), ("replicate", [3, 1]), ("circular", [2, 3]), ("reflect", "same")):
        add(store, "Conv", kernels(store, x[2], (3, 4, 3, 2), 3), padding=padding, padding_mode=mode)


def transposed(store):
    """Strides, padding, output padding, groups and dilation, and windows smaller than the stride."""
    x = {n: (2, CHANNELS, *size) for n, size in {1: (5,), 2: (3, 4), 3: (2, 3, 2)}.items()}
    add(store, "conv_transpose1d", kernels(store, x[1], (4, 3, 3), 3), stride=2, padding=1, output_padding=1)
    add(store, "conv_transpose1d", kernels(store, x[1], (4, 3, 2)), stride=3, output_padding=2)
    add(store, "conv_transpose2d", kernels(store, x[2], (4, 3, 3, 2), 3), stride=[2, 1], padding=[1, 0])
    add(store, "conv_transpose2d", kernels(store, x[2], (4, 3, 2, 3), 6), stride=2, groups=2)
    add(
        store, "conv_transpose2d", kernels(store, x[2], (4, 2, 3, 2)), dilation=[2, 3], padding=1, output_padding=[1, 2]
    )
    add(store, "conv_transpose3d", kernels(store, x[3], (4, 2, 3, 2, 2), 2), stride=2, padding=[1, 0, 1])


def pools(store):
    """Strides, padding, dilation, `ceil_mode` and the two divisors."""
    x = {n: (2, 2, *size) for n, size in SIZES.items()}
    pooled = [
        ("max_pool1d", x[1], {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2, "ceil_mode": True}),
        ("max_pool2d", x[2], {"kernel_size": [3, 2], "stride": [2, 1], "padding": 1}),
        ("max_pool2d", x[2], {"kernel_size": 2, "stride": 4, "ceil_mode": True}),
        ("max_pool3d", x[3], {"kernel_size": 3, "stride": [2, 2, 1], "padding": 1, "ceil_mode": True}),
        ("avg_pool1d", x[1], {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True}),
        ("avg_pool2d", x[2], {"kernel_size": 3, "stride": 2, "padding": 1}),
        ("avg_pool2d", x[2], {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
        ("avg_pool2d", x[2], {"kernel_size": [3, 4], "stride": 3, "padding": [1, 2], "ceil_mode": True}),
        ("avg_pool3d", x[3], {"kernel_size": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}),
        ("lp_pool1d", x[1], {"norm_type": 4, "kernel_size": 3, "stride": 2}),
        ("lp_pool2d", x[2], {"norm_type": 2, "kernel_size": [3, 2], "stride": 2}),
    ]
    for operation, shape, options in pooled:
        add(store, operation, {"x": store.distinct(*shape)}, **options)
    # PyTorch takes no |x|, so that an odd order needs positive values to mean the norm.
    add(store, "lp_pool2d", {"x": abs(store.distinct(*x[2])) + 0.5}, norm_type=3, kernel_size=2, stride=1)


def adaptive(store):
    """Windows that overlap, sizes that don't divide, more cells than pixels, and a dimension kept."""
    x = {n: (2, 2, *size) for n, size in SIZES.items()}
    for name, shape, size in (("1d", x[1], 4), ("2d", x[2], [9, 4]), ("3d", x[3], [2, None, 3])):
        for kind in ("avg", "max"):
            add(store, f"adaptive_{kind}_pool{name}", {"x": store.distinct(*shape)}, output_size=size)


def positions(store):
    """Where the maxima were, and values put back there; rows of patches, and their sums; neighbours in channels."""
    x = store.distinct(2, 3, *SIZES[2])
    for options in (
        {"kernel_size": [3, 2], "stride": 2, "padding": 1},
        {"kernel_size": 2, "stride": 2, "ceil_mode": True},
        {"kernel_size": 2, "dilation": 2, "stride": 1},
    ):
        add(store, "max_pool2d", {"x": x}, **options, return_indices=True)
    add_unpool(store, x)
    windows = {"kernel_size": [3, 2], "stride": [2, 1], "padding": [1, 0], "dilation": [1, 2]}
    rows = functional.unfold(torch.tensor(x), **windows).shape
    add(store, "unfold", {"x": x}, **windows)
    add(store, "fold", {"x": store.eighths(*rows)}, output_size=SIZES[2], **windows)
    for size, k in ((5, 2.0), (4, 1.0)):
        options = {"size": size, "alpha": 0.5, "beta": 0.75, "k": k}
        add(store, "local_response_norm", {"x": store.eighths(2, 7, 3, 2)}, **options)


def ties_and_nans(store):
    """Equal maxima, and windows with one NaN each: of several, PyTorch takes the last, and jaxcnn the first."""
    ties = np.array([[1.0, 1, 2, 2], [1, 1, 2, 0], [3, 5, 4, 4], [5, 5, 0, 4]])[None, None]
    nans = np.array([[1.0, np.nan, 2, 2], [1, 1, 2, 0], [3, 5, 4, 4], [5, 5, np.nan, 4]])[None, None]
    for x in (ties, nans):
        add(store, "max_pool2d", {"x": x}, kernel_size=2, return_indices=True)
    add(store, "max_pool2d", {"x": ties}, kernel_size=3, stride=1, padding=1, return_indices=True)
    infinite = np.full((1, 1, 4, 4), -np.inf)
    add(store, "max_pool2d", {"x": infinite}, kernel_size=3, stride=2, padding=1, return_indices=True)
    add(store, "adaptive_max_pool2d", {"x": ties}, output_size=[3, 2])


def models(store):
    """Weights of a whole network, taken over one by one."""
    inputs = {
        "x": store.eighths(2, 3, 6, 5),
        "conv": store.eighths(4, 3, 3, 3),
        "scale": store.eighths(4),
        "shift": store.eighths(4),
        "depthwise": store.eighths(8, 1, 2, 3),
        "transpose": store.eighths(8, 2, 2, 2),
        "linear": store.eighths(3, 30),
        "bias": store.eighths(3),
    }
    statistics = {"mean": store.eighths(4).tolist(), "var": (abs(store.eighths(4)) + 0.5).tolist()}
    add(store, "model", inputs, **statistics)


def main():
    store = Store(seed=0)
    for make in (convolutions, transposed, pools, adaptive, positions, ties_and_nans, models):
        make(store)
    store.write("torch", {"torch": torch.__version__, "numpy": np.__version__})


if __name__ == "__main__":
    main()
