"""What the benchmark leaves behind: `result.json`, tables on the terminal, and the picture."""

import itertools
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.bench.page import summary
from experiments.bench.pictures import ratio_bars
from experiments.bench.rows import Row, merged
from experiments.bench.tables import TITLES, section_lines
from experiments.harness.environment import environment
from experiments.harness.results import write_picture
from experiments.harness.tables import print_table
from jaxcnn.visualization import write_atomically


def kept(folder: Path) -> tuple[list[Row], dict[str, float]]:
    """The rows and the matrix products of the folder's `result.json`; none where there isn't one."""
    file = folder / "result.json"
    result = json.loads(file.read_text("utf-8")) if file.exists() else {"rows": [], "matmul_flops": {}}
    return result["rows"], result["matmul_flops"]


def best_rates(*rates: Mapping[str, float]) -> dict[str, float]:
    """Everybody's best: a run beside other work finds a slower machine than it is."""
    return {name: max(one.get(name, 0.0) for one in rates) for name in dict.fromkeys(itertools.chain(*rates))}


def write_benchmark(
    folder: Path,
    config: Mapping[str, Any],
    rates: Mapping[str, float],
    old: Sequence[Row],
    new: Sequence[Row],
    *,
    complete: bool,
) -> list[Row]:
    """`result.json` with the old rows and the new ones; returns its rows."""
    rows = merged(old, new)
    where = environment()
    result = {
        "experiment": "benchmark",
        "complete": complete,
        "config": dict(config),
        "environment": where | {"command": command(sys.argv[1:])},
        "matmul_flops": dict(rates),
        "rows": rows,
    }
    write_atomically(folder / "result.json", json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return rows


def command(arguments: Sequence[str], module: str = "experiments.benchmark") -> str:
    """The command without this machine's folders: others have theirs elsewhere."""
    named = ["PYTHON" if "/bin/" in text else "FOLDER" if text.startswith("/") else text for text in arguments]
    return shlex.join(["python", "-m", module, *named])


def show(rows: Sequence[Row], folder: Path) -> None:
    """Tables on the terminal, and the picture."""
    for section, title in TITLES.items():
        if lines := section_lines(rows, section):
            print_table(lines, title=title)
    print(summary(rows))
    if figure := ratio_bars(rows):
        write_picture(folder, "ratios", figure, "Bars: speed of jaxcnn beside the fastest other contender, by case.")
    print(f"Result: {folder / 'result.json'}")
