"""PyTorch: eager, in both memory formats (and compiled, where asked), the fastest kept."""

import importlib
import math
import time
from collections.abc import Callable
from typing import Any

from experiments.peers.images import examples_for, image_bytes, labels, offsets
from experiments.peers.protocol import Case, Work, fastest, serve

torch: Any = importlib.import_module("torch")
nn: Any = torch.nn
F: Any = torch.nn.functional


def model_of(case: Case) -> Any:
    """`nn.Sequential` of the case's layers, Glorot uniform kernels and zero biases as Keras."""
    modules, shape = [], (case["image"][-1], *case["image"][:-1])
    for spec in case["layers"]:
        for module in modules_of(spec, shape):
            modules.append(module)
            shape = shape_after(module, shape)
    return nn.Sequential(*modules)


def shape_after(module: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Channels first, without the batch."""
    with torch.no_grad():
        return tuple(module(torch.zeros(1, *shape)).shape[1:])


def modules_of(spec: dict[str, Any], shape: tuple[int, ...]) -> list[Any]:
    """A layer and its activation."""
    activation = {"relu": [nn.ReLU()], "swish": [nn.SiLU()]}.get(spec.get("activation", ""), [])
    if spec["layer"] == "conv":
        layer = nn.Conv2d(shape[0], spec["features"], spec["window"], padding=spec["padding"].lower())
        return [initialised(layer), *activation]
    if spec["layer"] == "dense":
        return [initialised(nn.Linear(shape[0], spec["features"])), *activation]
    if spec["layer"] == "max_pool":
        return [nn.MaxPool2d(spec["window"])]
    return [nn.Flatten()] if spec["layer"] == "flatten" else [nn.Dropout(spec["rate"])]


def initialised(layer: Any) -> Any:
    """The layer with Keras's initial values."""
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def resident(case: Case, memory_format: Any) -> list[tuple[Any, Any]]:
    """Batches of images scaled beforehand, channels first in PyTorch's sense, and labels."""
    count, (height, width, channels), batch = examples_for(case["batch"]), case["image"], case["batch"]
    pixels = torch.frombuffer(bytearray(image_bytes(count * math.prod(case["image"]))), dtype=torch.uint8)
    images = pixels.reshape(count, height, width, channels).permute(0, 3, 1, 2).float() / 255
    classes = torch.tensor(list(labels(count, case["classes"])), dtype=torch.long)
    return [
        (images[i : i + batch].contiguous(memory_format=memory_format), classes[i : i + batch])
        for i in range(0, count, batch)
    ]


def training(case: Case, memory_format: Any, wrap: Callable[[Any], Any]) -> Callable[[int], float]:
    """Forward, backward and RMSprop, as PyTorch's tutorials write it."""
    batch, batches = case["batch"], resident(case, memory_format)
    model = model_of(case).to(memory_format=memory_format)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.9, eps=1e-7)
    called = wrap(model)

    def run(steps: int) -> float:
        start = time.perf_counter()
        for offset in offsets(steps, batch):
            images, classes = batches[offset // batch]
            optimizer.zero_grad()
            F.cross_entropy(called(images), classes).backward()
            optimizer.step()
        return time.perf_counter() - start

    return run


def inference(case: Case, memory_format: Any, wrap: Callable[[Any], Any]) -> Callable[[int], float]:
    """Logits of one batch after another."""
    images, called = resident(case, memory_format)[0][0], wrap(model_of(case).to(memory_format=memory_format).eval())

    def run(steps: int) -> float:
        start = time.perf_counter()
        with torch.inference_mode():
            for _ in range(steps):
                called(images)
        return time.perf_counter() - start

    return run


def in_every_form(build: Callable[..., Callable[[int], float]], case: Case) -> Work:
    """The fastest of the memory formats, eager, and of the better one's compiled form where the case asks for it."""
    formats = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
    forms = {name: (lambda layout=layout: build(case, layout, lambda model: model)) for name, layout in formats.items()}
    if case.get("compiled"):
        forms |= {
            f"{name}, torch.compile": (lambda layout=layout: build(case, layout, torch.compile))
            for name, layout in formats.items()
        }
    return fastest(forms, form=case.get("form"))


def operation(case: Case) -> Work:
    """One operation, or its result and gradients; operands arrive channels last and are turned beforehand."""
    x, kernel = torch.randn(_channels_first(case["x"])), torch.randn(_kernel_shape(case))
    rank = x.ndim - 2
    name = f"conv{'_transpose' if case['operation'] == 'conv_transpose' else ''}{rank}d"
    options: dict[str, Any] = {"padding": case["padding"]}
    if case["operation"] == "conv_transpose":
        options |= {"stride": case["strides"], "output_padding": case["output_padding"]}
    if case["operation"] == "depthwise_conv":
        options |= {"groups": x.shape[1]}
    wanted = {"": (), "kernel": (kernel,), "both": (x, kernel)}[case["gradient"]]
    for tensor in wanted:
        tensor.requires_grad_()
    g = torch.randn_like(getattr(F, name)(x, kernel, **options).detach())

    def run(steps: int) -> float:
        start = time.perf_counter()
        for _ in range(steps):
            out = getattr(F, name)(x, kernel, **options)
            if wanted:
                torch.autograd.grad(out, wanted, g)
        return time.perf_counter() - start

    return Work(run)


def _channels_first(shape: list[int]) -> list[int]:
    return [shape[0], shape[-1], *shape[1:-1]]


def _kernel_shape(case: Case) -> list[int]:
    """(out, in, *window); of a transposed convolution (in, out, *window), whose kernels here are (*window, out, in)."""
    *window, inner, outer = case["kernel"]
    return [inner * outer, 1, *window] if case["operation"] == "depthwise_conv" else [outer, inner, *window]


def matmul(case: Case) -> Work:
    """A square matrix product."""
    a, b = torch.randn(case["size"], case["size"]), torch.randn(case["size"], case["size"])

    def run(steps: int) -> float:
        start = time.perf_counter()
        for _ in range(steps):
            torch.mm(a, b)
        return time.perf_counter() - start

    return Work(run)


if __name__ == "__main__":
    serve(
        {
            "step": lambda case: in_every_form(training, case),
            "forward": lambda case: in_every_form(inference, case),
            "operation": operation,
            "matmul": matmul,
        },
        versions={"torch": torch.__version__},
    )
