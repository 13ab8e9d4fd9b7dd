"""Speed: our training steps beside plain Flax, and beside PyTorch and Keras where they are installed.

Every contender does the same work in a process of its own; they take turns, so that the machine's moods meet all
alike, and medians count. Times are ratios within one run: only those can be compared.

Run `python -m experiments.benchmark`: a quarter of an hour on two cores, ours beside plain Flax, a few minutes
with `--quick`. `--peers PYTHON PYTHON` names interpreters that have torch, or keras with tensorflow or jax. `--sections
end_to_end` trains whole processes. `--keep` adds to the result.json that is there, to take long runs in pieces:
`python -m experiments.benchmark --peers PYTHON --sections step --models convnet --batches 64 --keep`
"""

import functools
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import tyro

from experiments.bench import accelerate as bench_accelerate
from experiments.bench import cases as bench_cases
from experiments.bench import seeds as bench_seeds
from experiments.bench import startup as bench_startup
from experiments.bench.cases import Item, model_items
from experiments.bench.end_to_end import end_to_end_rows
from experiments.bench.measure import matmul_peak, measured
from experiments.bench.models import lecture_models
from experiments.bench.results import best_rates, kept, show, write_benchmark
from experiments.bench.rows import APART, TOGETHER, Row, accelerate_rows, first_step_rows, seeds_rows
from experiments.bench.start import start_rows
from experiments.bench.workers import Contender, own_contenders, peers_of
from experiments.harness.command import run
from experiments.harness.results import open_folder
from jaxcnn.geometry import as_int

SectionName = Literal[
    "step",
    "start",
    "first_step",
    "forward",
    "conv_transpose",
    "depthwise",
    "loop",
    "scaling",
    "seeds",
    "accelerate",
    "end_to_end",
]
LONG_SECTIONS = ("start", "first_step", "scaling", "seeds", "accelerate", "end_to_end")
QUICK_SECONDS, QUICK_BATCHES = 0.15, (64,)


@dataclass(frozen=True)
class Config:
    """Speed beside plain Flax and other libraries."""

    sections: Annotated[tuple[SectionName, ...], tyro.conf.arg(help="What to measure.")] = tuple(
        name for name in get_args(SectionName) if name != "end_to_end"
    )
    models: Annotated[
        tuple[str, ...], tyro.conf.arg(help="Models of the lectures, as “convnet” or “convnet none”; all without it.")
    ] = ()
    batches: Annotated[tuple[int, ...], tyro.conf.arg(help="Images a step.")] = (32, 64, 256)
    seconds: Annotated[float, tyro.conf.arg(help="Of timing, a contender and case.")] = 0.5
    peers: Annotated[
        tuple[str, ...], tyro.conf.arg(help="Python interpreters that have torch, or keras with tensorflow or jax.")
    ] = ()
    torch_compile: Annotated[bool, tyro.conf.arg(help="Try torch.compile too; it needs a C++ compiler.")] = False
    epochs: Annotated[int, tyro.conf.arg(help="Of end_to_end.")] = 5
    data_dir: Annotated[
        Path | None, tyro.conf.arg(help="Folder that holds mnist/*-ubyte.gz; without it end_to_end takes the sample.")
    ] = None
    out: Annotated[Path, tyro.conf.arg(help="Folder for result.json and the picture.")] = Path("runs/benchmark")
    keep: Annotated[bool, tyro.conf.arg(help="Keep the rows in result.json that this run doesn't measure.")] = False
    quick: Annotated[bool, tyro.conf.arg(help="Batch 64 and short turns: a look, not a result.")] = False
    tune: Annotated[
        bool,
        tyro.conf.arg(help="Only measure the forms of the models' convolutions on this machine, and write forms.json."),
    ] = False


def main(config: Config) -> Sequence[Mapping[str, Any]]:
    """Measure, print, write; returns the rows of `result.json`."""
    config = quicker(config) if config.quick else config
    labels = check(config)
    if config.tune:
        tune = importlib.import_module("experiments.bench.tune")
        return tune.main(
            labels, batch=middle(config.batches), seconds=config.seconds / 5, folder=open_folder(config.out)
        )
    contenders = [*own_contenders(sys.executable), *(peer for python in config.peers for peer in peers_of(python))]
    folder = open_folder(config.out)
    old, earlier = kept(folder) if config.keep else ([], {})
    rates = best_rates(earlier, matmul_peak(contenders, seconds=1.0))
    peak = max(rates.values())
    settings = {"seconds": config.seconds, "torch_compile": config.torch_compile, "epochs": config.epochs}
    write = functools.partial(write_benchmark, folder, settings, rates, old)
    print(f"Matrix product: {peak / 1e9:.0f} GFLOP/s", file=sys.stderr)
    rows: list[Row] = []
    for row in every_row(config, labels, contenders, peak, old):
        rows.append(row)
        write(rows, complete=False)
    rows = write(rows, complete=True)
    show(rows, folder)
    return rows


def quicker(config: Config) -> Config:
    """The same with short turns, one batch size and without what takes minutes."""
    sections = tuple(name for name in config.sections if name not in LONG_SECTIONS)
    chosen = {"sections": sections, "seconds": QUICK_SECONDS, "batches": QUICK_BATCHES}
    return Config(**{**vars(config), **chosen})


def check(config: Config) -> list[str]:
    """The labels of the chosen models.

    Raises:
      ValueError: for an unknown model, or numbers that can't be meant.
    """
    labels = [entry.label for entry in lecture_models()]
    known = {*labels, *(entry.model for entry in lecture_models())}
    for name in config.models:
        if name not in known:
            raise ValueError(f"--models must be among {', '.join(sorted(known))}; got {name}")
    for batch in config.batches:
        as_int("--batches", batch, minimum=1)
    as_int("--epochs", config.epochs, minimum=1)
    if not 0 < config.seconds < float("inf"):
        raise ValueError(f"--seconds must be a positive number, got {config.seconds}")
    return [label for label in labels if not config.models or {label, label.split()[0]} & set(config.models)]


def every_row(
    config: Config, labels: Sequence[str], contenders: Sequence[Contender], peak: float, old: Sequence[Row]
) -> Iterator[Row]:
    """The rows of all sections, as they come; the old ones tell which forms were the fastest."""
    items = [item for section in config.sections for item in items_of(section, labels, config)]
    known = list(old)
    for row in measured(items, contenders, seconds=config.seconds, peak=peak):
        known.append(row)
        yield row
    if "start" in config.sections:
        yield from start_rows(model_items("start", "step", labels, [middle(config.batches)]), contenders, known)
    if "first_step" in config.sections:
        names = {label.split()[0] for label in labels}
        yield from first_step_rows(bench_startup.rows([one for one in bench_startup.VARIANTS if one[0] in names]))
    if "seeds" in config.sections:
        yield from seeds_of(labels, middle(config.batches), 2 * config.seconds)
    if "accelerate" in config.sections:
        yield from accelerate_rows(bench_accelerate.rows(turn_seconds=0.4 * config.seconds))
    if "end_to_end" in config.sections:
        chosen = labels if config.models else ["convnet max"]
        for entry in (entry for entry in lecture_models() if entry.label in chosen):
            yield from end_to_end_rows(contenders, entry, epochs=config.epochs, batch=64, data_dir=config.data_dir)


def seeds_of(labels: Sequence[str], batch: int, seconds: float) -> Iterator[Row]:
    """The rows of `fit_seeds` beside single runs, model after model."""
    for label in labels:
        print(f"seeds: {label}, batch {batch}", file=sys.stderr)
        yield from seeds_rows(bench_seeds.rows([label], bench_seeds.SEEDS, batch, seconds, (APART, TOGETHER)))


def middle(batches: Sequence[int]) -> int:
    """64 of 32, 64 and 256."""
    return sorted(batches)[len(batches) // 2]


def items_of(section: str, labels: Sequence[str], config: Config) -> list[Item]:
    """A section's items."""
    if section in ("step", "forward"):
        items = model_items(section, section, labels, config.batches)
        return [_with(item, compiled=config.torch_compile) for item in items]
    makers: dict[str, Callable[[], list[Item]]] = {
        "conv_transpose": bench_cases.transpose_items,
        "depthwise": bench_cases.depthwise_items,
        "loop": bench_cases.loop_items,
        "scaling": bench_cases.scaling_items,
    }
    return makers[section]() if section in makers else []


def _with(item: Item, **told: Any) -> Item:
    return Item(item.section, item.label, {**item.work, **told}, item.batch, item.contenders)


if __name__ == "__main__":
    run(main, Config)
