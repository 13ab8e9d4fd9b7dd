"""Every experiment of the course, one after the other, and an index page over their reports.

Run `python -m experiments all --quick`: a look at each in under ten minutes in all on two cores. Without `--quick` each
takes up to four minutes. OUT receives index.html and a folder an experiment, with its report, pictures, result.json,
and what it printed, output.txt. A failure doesn't stop the others; the exit code is then 1.
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from experiments.harness.catalogue import course
from experiments.harness.environment import environment
from experiments.harness.index_page import Outcome, findings, index_page
from experiments.harness.results import open_folder
from experiments.harness.tables import print_table
from jaxcnn.visualization import write_atomically

EXPERIMENTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Config:
    """Every experiment of the course."""

    quick: Annotated[bool, tyro.conf.arg(help="A look in seconds at each, not a result.")] = False
    out: Annotated[Path, tyro.conf.arg(help="Folder for index.html and a folder an experiment.")] = Path("runs")


def main(config: Config) -> None:
    """Run them all; exits with 1 where one failed."""
    if any(outcome.error for outcome in run_all(config, course(EXPERIMENTS))):
        sys.exit(1)


def run_all(config: Config, purposes: Mapping[str, str]) -> list[Outcome]:
    """Run the experiments, name -> purpose, in processes of their own, and say how each went.

    Raises:
      ValueError: where the folder can't be written to.
    """
    folder, where, outcomes = open_folder(config.out), environment(), []
    for number, (name, purpose) in enumerate(purposes.items(), 1):
        print(f"[{number}/{len(purposes)}] {name}: {purpose}", file=sys.stderr, flush=True)
        outcome = run_one(name, purpose, open_folder(folder / name), quick=config.quick)
        print(f"  {outcome.error or 'done'}, {outcome.seconds:.0f} s", file=sys.stderr, flush=True)
        outcomes.append(outcome)
        # Rewritten each time, so that a stop loses one experiment alone.
        page = index_page(outcomes, quick=config.quick, left=len(purposes) - number, environment=where)
        write_atomically(folder / "index.html", page)
    print_table([record(outcome) for outcome in outcomes], title="How each experiment went")
    print(f"Index: {folder / 'index.html'}")
    return outcomes


def run_one(name: str, purpose: str, folder: Path, *, quick: bool) -> Outcome:
    """One experiment in a process of its own, so that it starts afresh and can't take the others with it."""
    before, start = _written(folder / "report.html"), time.perf_counter()
    with (folder / "output.txt").open("w", encoding="utf-8") as output:
        code = subprocess.run(
            command(name, folder, quick=quick), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        ).returncode
    seconds = time.perf_counter() - start
    if code:
        return Outcome(name, purpose, seconds, error=f"exit code {code}: {_last_line(folder / 'output.txt')}")
    if _written(folder / "report.html") == before:
        return Outcome(name, purpose, seconds, error="it wrote no report.html")
    return Outcome(name, purpose, seconds, findings((folder / "report.html").read_text("utf-8")))


def command(name: str, folder: Path, *, quick: bool) -> list[str]:
    """The command line of one experiment."""
    return [sys.executable, "-m", f"experiments.{name}", "--out", str(folder), *(["--quick"] if quick else [])]


def record(outcome: Outcome) -> dict[str, str]:
    """A line of the summary; of several findings the first, and how many more the index page has."""
    first, *more = (outcome.error or "no verdict",) if outcome.error or not outcome.findings else outcome.findings
    said = f"{first} (and {len(more)} more)" if more else first
    return {"experiment": outcome.name, "verdict": said, "s": f"{outcome.seconds:.0f}"}


def _written(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _last_line(path: Path) -> str:
    lines = [line for line in path.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it printed nothing"
