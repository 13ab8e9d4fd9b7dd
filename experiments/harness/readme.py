"""The README's results table, made from a `result.json`: nobody types a figure by hand.

Run `python -m experiments.harness.readme --result docs/results/pooling.json`: it rewrites the part of README.md between
the two markers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from experiments.harness.command import run
from experiments.harness.tables import by_variant, over_runs
from jaxcnn.visualization import write_atomically

START, END = "<!-- results: start -->", "<!-- results: end -->"


@dataclass(frozen=True)
class Config:
    """Where the result and the page are."""

    result: Annotated[Path, tyro.conf.arg(help="The result.json to show.")] = Path("docs/results/pooling.json")
    readme: Annotated[Path, tyro.conf.arg(help="The page to rewrite.")] = Path("README.md")


def main(config: Config) -> None:
    """Rewrite the page's table.

    Raises:
      ValueError: where the page lacks the markers.
    """
    page = config.readme.read_text("utf-8")
    result = json.loads(config.result.read_text("utf-8"))
    write_atomically(config.readme, with_results(page, result))


def with_results(page: str, result: Mapping[str, Any]) -> str:
    """`page` with the table of `result` between its markers."""
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"the page must hold the markers {START} and {END}; put them where the table belongs")
    return f"{before}{START}\n{results(result)}{END}{after}"


def results(result: Mapping[str, Any]) -> str:
    """The table in Markdown, and what it rests on."""
    headings = ("model", "after a convolution", "parameters", "MACs", "receptive field", "test accuracy", "s an epoch")
    lines = [f"| {' | '.join(headings)} |", "|---|---|" + "---:|" * (len(headings) - 2)]
    for (model, label), runs in by_variant(result["rows"]).items():
        field = "×".join(map(str, runs[0]["receptive_field"]))
        measured = (over_runs(runs, "test_accuracy", 4), over_runs(runs, "seconds_per_epoch", 1))
        cells = (model, label, f"{runs[0]['params']:,}", f"{runs[0]['macs']:,}", field, *measured)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", provenance(result)]) + "\n"


def provenance(result: Mapping[str, Any]) -> str:
    """What was run, on which images, where and when."""
    where, config, row = result["environment"], result["config"], result["rows"][0]
    kind = "the shipped sample" if row["data_source"] == "sample" else "the full set"
    versions = ", ".join(f"{name} {where[name]}" for name in ("python", "jax", "flax", "optax"))
    images = f"{row['train_examples']:,} training and {row['test_examples']:,} test images"
    return (
        f"`{where['command']}` on {where['date'][:10]}: {config['dataset']}, {kind} ({images}), {config['epochs']} "
        f"epochs, mean of {config['seeds']} seeds with its 95% confidence interval (Student's t). "
        f"{where['machine']}; {versions}."
    )


if __name__ == "__main__":
    run(main, Config)
