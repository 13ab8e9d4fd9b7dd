"""The README's tables, made from `result.json` files: nobody types a figure by hand.

Run `python -m experiments.harness.readme`: it rewrites the parts of README.md between the markers from
docs/results/pooling.json and docs/results/benchmark.json, docs/benchmark.md from the latter and
docs/results/profile.json, docs/forms.md from docs/results/forms.json, and the table of docs/checkpoints.md from
docs/results/saving.json.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from experiments.bench.forms_page import forms_page
from experiments.bench.page import page, with_benchmark
from experiments.bench.saving import with_saving
from experiments.harness.command import run
from experiments.harness.tables import by_variant, over_runs
from jaxcnn.visualization import write_atomically

START, END = "<!-- results: start -->", "<!-- results: end -->"


@dataclass(frozen=True)
class Config:
    """Where the results and the pages are."""

    result: Annotated[Path, tyro.conf.arg(help="The result.json to show.")] = Path("docs/results/pooling.json")
    benchmark: Annotated[Path, tyro.conf.arg(help="The benchmark's result.json; left alone where there is none.")] = (
        Path("docs/results/benchmark.json")
    )
    profile: Annotated[Path, tyro.conf.arg(help="The profile's result.json; left out where there is none.")] = Path(
        "docs/results/profile.json"
    )
    forms: Annotated[Path, tyro.conf.arg(help="What --tune measured; left alone where there is none.")] = Path(
        "docs/results/forms.json"
    )
    saving: Annotated[Path, tyro.conf.arg(help="What saving costs; left alone where there is none.")] = Path(
        "docs/results/saving.json"
    )
    readme: Annotated[Path, tyro.conf.arg(help="The page to rewrite.")] = Path("README.md")
    benchmark_page: Annotated[Path, tyro.conf.arg(help="The benchmark's own page.")] = Path("docs/benchmark.md")
    forms_page: Annotated[Path, tyro.conf.arg(help="The page of forms.")] = Path("docs/forms.md")
    checkpoints_page: Annotated[Path, tyro.conf.arg(help="The page of checkpoints.")] = Path("docs/checkpoints.md")


def main(config: Config) -> None:
    """Rewrite the pages' tables.

    Raises:
      ValueError: where the README lacks the markers.
    """
    text = with_results(config.readme.read_text("utf-8"), json.loads(config.result.read_text("utf-8")))
    if config.benchmark.exists():
        result = json.loads(config.benchmark.read_text("utf-8"))
        text = with_benchmark(text, result)
        profile = json.loads(config.profile.read_text("utf-8")) if config.profile.exists() else None
        write_atomically(config.benchmark_page, page(result, profile))
    if config.forms.exists():
        write_atomically(config.forms_page, forms_page(json.loads(config.forms.read_text("utf-8"))))
    if config.saving.exists():
        checkpoints = config.checkpoints_page.read_text("utf-8")
        write_atomically(
            config.checkpoints_page, with_saving(checkpoints, json.loads(config.saving.read_text("utf-8")))
        )
    write_atomically(config.readme, text)


def with_results(text: str, result: Mapping[str, Any]) -> str:
    """`text` with the table of `result` between its markers."""
    before, start, rest = text.partition(START)
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
