"""Keras 3 on the backend that KERAS_BACKEND names, channels last: `fit` as users call it, the fastest setting kept."""

import importlib
import math
import os
import time
from array import array
from collections.abc import Callable, Mapping
from typing import Any

from experiments.peers.images import examples_for, image_bytes, labels
from experiments.peers.protocol import Case, Work, fastest, serve

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
np: Any = importlib.import_module("numpy")
keras: Any = importlib.import_module("keras")
library: Any = importlib.import_module(BACKEND)
COMPILED = (True, False) if BACKEND == "tensorflow" else (True,)
STEPS_A_CALL = 8
LONG_STEP = 0.02  # seconds; what a call costs beside the step no longer matters


def model_of(case: Case) -> Any:
    """`keras.Sequential` of the case's layers."""
    return keras.Sequential([keras.Input(case["image"]), *map(layer_of, case["layers"])])


def layer_of(spec: dict[str, Any]) -> Any:
    """Keras's layer of that name."""
    layers, activation = keras.layers, spec.get("activation") or None
    return {
        "conv": lambda: layers.Conv2D(
            spec["features"], spec["window"], padding=spec["padding"].lower(), activation=activation
        ),
        "dense": lambda: layers.Dense(spec["features"], activation=activation),
        "max_pool": lambda: layers.MaxPooling2D(spec["window"]),
        "flatten": layers.Flatten,
        "dropout": lambda: layers.Dropout(spec["rate"]),
    }[spec["layer"]]()


def resident(case: Case) -> tuple[Any, Any]:
    """Images scaled beforehand, and labels."""
    count, shape = examples_for(case["batch"]), case["image"]
    pixels = np.frombuffer(image_bytes(count * math.prod(shape)), np.uint8).reshape(count, *shape)
    classes: array = labels(count, case["classes"])
    return pixels.astype(np.float32) / 255, np.array(classes, np.int32)


def dataset(images: Any, classes: Any, batch: int) -> dict[str, Any]:
    """What `fit` reads: with TensorFlow a `tf.data` of whole batches, which is its fastest, else the arrays."""
    if BACKEND != "tensorflow":
        return {"x": images, "y": classes, "batch_size": batch, "shuffle": False}
    whole = (images.reshape(-1, batch, *images.shape[1:]), classes.reshape(-1, batch))
    return {"x": library.data.Dataset.from_tensor_slices(whole).prefetch(2)}


class Clock(keras.callbacks.Callback):
    """Seconds and steps from the first call of an epoch, which sets up its iterator, to the epoch's end."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds, self.steps, self.first, self.since = 0.0, 0, None, 0.0
        self.last = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.first = None

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.first is None:
            self.first, self.since = batch, time.perf_counter()
        self.last = batch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds += time.perf_counter() - self.since
        self.steps += self.last - (self.first or 0)


def training(case: Case, jit: bool, chunk: int) -> Callable[[int], float]:
    """Seconds of n steps of `fit`, from the steps after each epoch's first call."""
    model = model_of(case)
    model.compile(
        keras.optimizers.RMSprop(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=jit,
        steps_per_execution=chunk,
    )
    images, classes = resident(case)
    per_epoch = len(images) // case["batch"]
    data = dataset(images, classes, case["batch"])

    def run(steps: int) -> float:
        clock, in_epoch = Clock(), min(-(-(steps + chunk) // chunk) * chunk, max(per_epoch // chunk * chunk, 2))
        epochs = -(-steps // max(in_epoch - chunk, 1))
        model.fit(**data, epochs=epochs, steps_per_epoch=in_epoch, verbose=0, callbacks=[clock])
        return clock.seconds / max(clock.steps, 1) * steps

    return run


def step(case: Case) -> Work:
    """The fastest of compiled by XLA and not, and, where steps are short, of one step a call and several."""
    several = max(1, min(STEPS_A_CALL, examples_for(case["batch"]) // case["batch"] // 2))
    settings = {f"XLA={jit}, {chunk} a call": (jit, chunk) for jit in COMPILED for chunk in (1, several)}
    forms = {name: (lambda setting=setting: training(case, *setting)) for name, setting in settings.items()}
    kept = fastest_form(forms, case.get("form"), several)
    return kept._replace(steps_a_call=settings[kept.form][1])


def fastest_form(forms: Mapping[str, Callable[[], Callable[[int], float]]], known: str | None, several: int) -> Work:
    """The known form, or the fastest found in as few trials as will do."""
    if known in forms:
        return fastest(forms, form=known)
    single = fastest({name: build for name, build in forms.items() if name.endswith(" 1 a call")})
    if single.run(4) / 4 > LONG_STEP:
        return single
    other = single.form.replace(" 1 a call", f" {several} a call")
    return fastest({single.form: lambda: single.run, other: forms[other]})


def inference(case: Case, jit: bool) -> Callable[[int], float]:
    """Logits of one batch after another."""
    model = model_of(case)
    images = keras.ops.convert_to_tensor(resident(case)[0][: case["batch"]])
    if BACKEND == "tensorflow":
        program = library.function(lambda x: model(x, training=False), jit_compile=jit)
    else:
        # Not `model.variables`, where a Dropout's seed stands between the weights of the layers around it.
        kinds = (model.trainable_variables, model.non_trainable_variables)
        values = [[variable.value for variable in kind] for kind in kinds]
        compiled = library.jit(lambda trained, others, x: model.stateless_call(trained, others, x, training=False)[0])

        def program(x: Any) -> Any:
            return compiled(*values, x)

    def run(steps: int) -> float:
        start, out = time.perf_counter(), None
        for _ in range(steps):
            out = program(images)
        keras.ops.convert_to_numpy(out)
        return time.perf_counter() - start

    return run


def forward(case: Case) -> Work:
    """The faster of compiled by XLA and not."""
    return fastest({f"XLA={jit}": (lambda jit=jit: inference(case, jit)) for jit in COMPILED})


if __name__ == "__main__":
    serve(
        {"step": step, "forward": forward},
        versions={"keras": keras.__version__, BACKEND: library.__version__},
    )
