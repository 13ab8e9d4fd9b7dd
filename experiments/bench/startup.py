"""How long a user waits for the first step of `fit`: cold, and with the programs of an earlier process kept.

Run `python -m experiments.bench.startup`: about three minutes on two cores. Each lecture model is trained on
sets of MNIST's size in processes that share one fresh folder of compiled programs: the first compiles them (cold),
the others load them (warm, the median of three). A step counts as done when its loss has reached the host.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from experiments.harness.command import run
from experiments.harness.tables import print_table

WARM_RUNS = 3
VARIANTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("mlp", {}),
    ("swish_cnn", {"pool": "none"}),
    ("swish_cnn", {"pool": "max"}),
    ("lenet5", {}),
    ("simple_cnn", {}),
    ("fashion_cnn", {}),
    ("convnet", {"pool": "max"}),
    ("convnet", {"pool": "none"}),
)


@dataclass(frozen=True)
class Config:
    """How long a user waits for the first step."""

    models: Annotated[tuple[str, ...], tyro.conf.arg(help="Models to measure, with the poolings of the lectures.")] = (
        tuple(dict.fromkeys(name for name, _ in VARIANTS))
    )


def main(config: Config) -> list[dict[str, Any]]:
    """Measure, print a table, return the rows.

    Raises:
      ValueError: where no lecture model has one of the names.
    """
    if unknown := set(config.models) - {name for name, _ in VARIANTS}:
        raise ValueError(f"--models must be of {sorted({n for n, _ in VARIANTS})}, got {sorted(unknown)}")
    measured = rows([variant for variant in VARIANTS if variant[0] in config.models])
    print_table([_record(row) for row in measured], title="Seconds from the call of fit to the end of the first step")
    return measured


def rows(variants: Sequence[tuple[str, Mapping[str, Any]]] = VARIANTS) -> list[dict[str, Any]]:
    """A row a variant: model, options, import_s (of the warm runs), cold_first_step_s, warm_first_step_s."""
    return [_row(model, options) for model, options in variants]


def _row(model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        cold, *warm = (_measure(model, options, folder) for _ in range(1 + WARM_RUNS))
    found = {name: statistics.median(run[name] for run in warm) for name in ("import_s", "first_step_s")}
    steps = {"cold_first_step_s": cold["first_step_s"], "warm_first_step_s": found["first_step_s"]}
    return {"model": model, "options": dict(options), "import_s": found["import_s"], **steps}


def _measure(model: str, options: Mapping[str, Any], folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", "experiments.bench.first_step", model, json.dumps(options)]
    kept_in = os.environ | {"JAX_COMPILATION_CACHE_DIR": folder}
    child = subprocess.run(command, env=kept_in, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(child.stdout)


def _record(row: Mapping[str, Any]) -> dict[str, str]:
    seconds = {name: f"{row[f'{name}_s']:.2f}" for name in ("import", "cold_first_step", "warm_first_step")}
    return {"model": row["model"], "options": json.dumps(row["options"]), **seconds}


if __name__ == "__main__":
    run(main, Config)
