"""One model, trained so that nothing is lost: saved as it goes, and resumed bit-identically after any interruption.

The claim: a run that was killed, however often, ends with the very parameters of one that never was. OUT receives
metrics.jsonl (a line an epoch), checkpoints/, and at the end params.safetensors and result.json.

Run `python -m experiments.train --model convnet --dataset mnist --epochs 10 --save-every 500 --out runs/night`. Ctrl-C
and SIGTERM save first, and print the command that goes on; the same command with `--resume` goes on from whatever is
in OUT: nothing, part of a run, or a finished one. docs/checkpoints.md tells what happens on each fault. A set larger
than memory, such as a folder with train/ and test/ in it, needs `--dataset folder:PATH --stream`: it goes on in the
middle of an epoch too.
"""

import contextlib
import json
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal, NoReturn

import optax
import tyro
from flax import nnx

from experiments.harness.command import run
from experiments.harness.earlier_run import CHECKPOINTS, METRICS, PARAMS, RESULT, finished, refuse_other_run
from experiments.harness.environment import environment
from experiments.harness.options import check_learning_rate, describe
from experiments.harness.results import open_folder, write_result
from experiments.harness.runs import count, counts, create, measured, measures
from experiments.harness.streamed import describe_streamed, evaluate_streamed, refuse_without_room
from jaxcnn.data import Dataset, Stream, available, load, stream
from jaxcnn.geometry import as_int
from jaxcnn.models import MODELS
from jaxcnn.models.create import options_of
from jaxcnn.training import Callback, Checkpoints, History, JSONLines, Run, fit, fit_stream, save
from jaxcnn.training.checkpoints import open_run_folder
from jaxcnn.training.evaluation import EVALUATION_BATCH_SIZE

OPTIMIZERS = {
    "rmsprop": partial(optax.rmsprop, decay=0.9, eps=1e-7),  # Keras's defaults, as in the lectures
    "adam": optax.adam,
    "sgd": optax.sgd,
    "momentum": partial(optax.sgd, momentum=0.9),
}

OPTIONS = ("pool", "dropout")  # of the models


@dataclass(frozen=True)
class Config:
    """What to train, how long, and where it is kept."""

    model: Annotated[
        Literal["convnet", "swish_cnn", "lenet5", "simple_cnn", "fashion_cnn", "mlp"], tyro.conf.arg(help="The model.")
    ] = "convnet"
    pool: Annotated[
        Literal["max", "avg", "min", "stride", "none"] | None, tyro.conf.arg(help="The model's pooling; None: its own.")
    ] = None
    dropout: Annotated[float | None, tyro.conf.arg(help="The model's rate of dropout; None: its own.")] = None
    dataset: Annotated[str, tyro.conf.arg(help=f"Data set: {', '.join(available())}, tfds:NAME or folder:PATH.")] = (
        "mnist"
    )
    data_dir: Annotated[
        Path | None, tyro.conf.arg(help="Folder that holds the set; None: a prepared set or the shipped sample.")
    ] = None
    stream: Annotated[
        bool, tyro.conf.arg(help="Read the training images as training goes, for sets larger than memory.")
    ] = False
    epochs: Annotated[int, tyro.conf.arg(help="Passes over the training set; more may be given on --resume.")] = 5
    batch_size: Annotated[int, tyro.conf.arg(help="Images a training step.")] = 64
    optimizer: Annotated[Literal["rmsprop", "adam", "sgd", "momentum"], tyro.conf.arg(help="The optimizer.")] = (
        "rmsprop"
    )
    learning_rate: Annotated[float, tyro.conf.arg(help="Of the optimizer.")] = 1e-3
    seed: Annotated[int, tyro.conf.arg(help="Of the first weights and of the order of the images.")] = 0
    save_every: Annotated[int, tyro.conf.arg(help="Steps between two checkpoints.")] = 1000
    keep: Annotated[int, tyro.conf.arg(help="How many of the last checkpoints are kept, besides the best.")] = 3
    out: Annotated[Path, tyro.conf.arg(help="Folder for all that the run writes.")] = Path("runs/train")
    resume: Annotated[bool, tyro.conf.arg(help="Go on from what is in OUT.")] = False


def main(config: Config) -> dict[str, Any]:
    """Train, or go on, or find that all is done; returns the row of result.json."""
    check(config)
    with open_run_folder(open_folder(config.out)), terminating():
        try:
            return train(config)
        except (KeyboardInterrupt, SystemExit) as interruption:
            print(f"stopped; go on with: {resume_command()}", file=sys.stderr)
            sys.exit(130 if isinstance(interruption, KeyboardInterrupt) else interruption.code)
        except FloatingPointError as error:
            kept = config.out / CHECKPOINTS
            print(f"error: {error}; the checkpoints before it are in {kept}", file=sys.stderr)
            sys.exit(1)


def check(config: Config) -> None:
    """Refuse numbers that can't be meant.

    Raises:
      ValueError: names the option.
    """
    as_int("--epochs", config.epochs, minimum=0)
    for name in ("batch_size", "save_every", "keep"):
        as_int(f"--{name.replace('_', '-')}", getattr(config, name), minimum=1)
    as_int("--seed", config.seed, minimum=0)
    check_learning_rate(config.learning_rate)
    for name in given(config):
        if name not in options_of(config.model):
            takers = [model for model in MODELS if name in options_of(model)]
            raise ValueError(f"--{name} is an option of {', '.join(takers)}, got --model {config.model}; leave it out")


def given(config: Config) -> dict[str, Any]:
    """The model's own options, those that were given."""
    return {name: value for name in OPTIONS if (value := getattr(config, name)) is not None}


def train(config: Config) -> dict[str, Any]:
    """The row of a run that begins or goes on, or of one that is finished."""
    row = finished(config.out, asdict(config)) if config.resume else None
    if row is not None:
        print(f"{config.out} holds the finished run; nothing is left to do.", file=sys.stderr)
        return row
    refuse_other_run(config.out, going_on=config.resume)
    row = train_on_stream(config) if config.stream else train_in_memory(config)
    write_result(config.out, "train", config, environment(), [row], complete=True)
    print(f"Result: {config.out / RESULT}")
    return row


def train_in_memory(config: Config) -> dict[str, Any]:
    """The row of a run on a set that is read whole."""
    train_set, test_set = (load(config.dataset, split=s, data_dir=config.data_dir) for s in ("train", "test"))
    refuse_without_room(train_set)
    print(describe(train_set, test_set), file=sys.stderr)
    model, row, history = train_on(config, train_set, test_set)
    return row | measured(model, history, train_set) if config.epochs else row


def train_on_stream(config: Config) -> dict[str, Any]:
    """The row of a run that reads its images as it goes."""
    test_set, of = load(config.dataset, split="test", data_dir=config.data_dir), partial(stream, config.dataset)
    with of(batch_size=config.batch_size, seed=config.seed, data_dir=config.data_dir) as batches:
        print(describe_streamed(batches, test_set), file=sys.stderr)
        model, row, history = train_on(config, batches, test_set)
    if not config.epochs:
        return row
    with of(batch_size=EVALUATION_BATCH_SIZE, seed=0, epochs=1, data_dir=config.data_dir) as batches:
        return row | measures(history, evaluate_streamed(model, batches))


def train_on(
    config: Config, train_set: Dataset | Stream, test_set: Dataset
) -> tuple[nnx.Module, dict[str, Any], History]:
    """Train to the end and write the parameters: the model, what is counted of it, and what happened."""
    options = given(config)
    variant = count(config.model, options, config.model, test_set)
    model = create(config.model, options, test_set, seed=config.seed)
    recipe = {"model": config.model, "optimizer": config.optimizer, "learning_rate": config.learning_rate}
    if isinstance(train_set, Dataset):
        begin, examples = partial(fit, model, train_set, batch_size=config.batch_size), len(train_set)
    else:
        begin, examples = partial(fit_stream, model, train_set), train_set.examples
    history = begin(
        validation=test_set,
        epochs=config.epochs,
        optimizer=OPTIMIZERS[config.optimizer](config.learning_rate),
        seed=config.seed,
        callbacks=[Announcement(), JSONLines(config.out / METRICS, append=config.resume)],
        checkpoints=Checkpoints(
            config.out / CHECKPOINTS,
            config.save_every,
            config.keep,
            config.resume,
            recipe | {name: getattr(config, name) for name in OPTIONS},
        ),
    )
    save(model, config.out / PARAMS, metadata={"model": config.model, "options": json.dumps(options)})
    row = counts(variant, test_set, test_set, seed=config.seed) | {"train_examples": examples}
    return model, row, history


class Announcement(Callback):
    """Says from where a run goes on."""

    def on_train_begin(self, run: Run) -> None:
        if run.step:
            where = f"in epoch {run.epoch + 1} of {run.epochs}" if run.epoch < run.epochs else "its last one"
            print(f"going on from step {run.step}, {where}", file=sys.stderr)


def resume_command() -> str:
    """This process's command, with --resume."""
    given = [argument for argument in sys.argv[1:] if argument not in ("--resume", "--no-resume")]
    return shlex.join(["python", "-m", "experiments.train", *given, "--resume"])


@contextlib.contextmanager
def terminating() -> Iterator[None]:
    """SIGTERM ends the process as an exception does, where training doesn't wait for a boundary."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit(signum: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signum)


if __name__ == "__main__":
    run(main, Config)
