"""docs/course.md: the lectures claim by claim, with verdicts and where to see them, made from the ledger.

Run `python -m experiments.harness.course_page`: it rewrites docs/course.md from tests/lectures/ledger.toml.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import tyro

from experiments.harness.command import run
from jaxcnn.visualization import write_atomically

VERDICTS = ("holds", "holds with these numbers", "the slide errs", "not recoverable from the text")

HEAD = """# The course, claim by claim

Five lectures on CNNs, as text extracted from slides and a notebook, are this project's source. This page lists every
claim, figure, table, formula, listing and printed output of theirs with its line, the verdict, and where to see it: an
experiment, run by `python -m experiments.NAME`, or a test, run by `pytest`. "Holds with these numbers" means that the
experiments and tests named measure it, and say it in numbers. Pictures that the text has lost are "not recoverable";
what is named beside them draws or computes the same thing.

`python -m experiments` lists the experiments; `python -m experiments all --quick` runs every one.
"""


@dataclass(frozen=True)
class Config:
    """Where the ledger and the page are."""

    ledger: Annotated[Path, tyro.conf.arg(help="The ledger to show.")] = Path("tests/lectures/ledger.toml")
    page: Annotated[Path, tyro.conf.arg(help="The page to write.")] = Path("docs/course.md")


def main(config: Config) -> None:
    """Write the page."""
    write_atomically(config.page, course_page(tomllib.loads(config.ledger.read_text("utf-8"))))


def course_page(ledger: Mapping[str, Any]) -> str:
    """The page, of the ledger's lectures and entries."""
    lectures, entries = ledger["lecture"], ledger["entry"]
    of = {lecture["file"]: [e for e in entries if e["file"] == lecture["file"]] for lecture in lectures}
    wrong = [e for e in entries if e["verdict"] == "the slide errs"]
    parts = [
        HEAD,
        table(["lecture", *VERDICTS, "all"], [counts(x, of[x["file"]]) for x in lectures] + [totals(entries)]),
        f"## Where the slides err\n\n{table(['line', 'it says', 'right'], [mistake(e) for e in wrong])}",
        *(section(lecture, of[lecture["file"]]) for lecture in lectures),
    ]
    return "\n".join(parts)


def counts(lecture: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line of the first table."""
    found = Counter(entry["verdict"] for entry in entries)
    name = f"[{lecture['title']}](#{anchor(lecture)})"
    return [name, *(str(found[verdict]) for verdict in VERDICTS), str(len(entries))]


def totals(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Its last line."""
    found = Counter(entry["verdict"] for entry in entries)
    return ["all", *(str(found[verdict]) for verdict in VERDICTS), str(len(entries))]


def anchor(lecture: Mapping[str, Any]) -> str:
    """The file's number, as in `lecture-000`."""
    return f"lecture-{lecture['file'][:3]}"


def mistake(entry: Mapping[str, Any]) -> list[str]:
    """A line of the table of mistakes."""
    return [f"{entry['file'][:3]}:{span(entry)}", entry["says"], entry["right"]]


def section(lecture: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> str:
    """A lecture's heading and table."""
    rows = [[span(e), e["kind"], e["says"], verdict(e), places(e)] for e in entries]
    heading = f'<a id="{anchor(lecture)}"></a>\n\n## {lecture["title"]}\n\nFile `{lecture["file"]}`.\n'
    return f"{heading}\n{table(['line', 'kind', 'it says', 'verdict', 'where to see it'], rows)}"


def span(entry: Mapping[str, Any]) -> str:
    """The entry's lines."""
    return f"{entry['line']}–{entry['through']}" if "through" in entry else str(entry["line"])


def verdict(entry: Mapping[str, Any]) -> str:
    """The verdict, and what is to be said of it."""
    strong = f"**{entry['verdict']}**" if entry["verdict"] == "the slide errs" else entry["verdict"]
    said = entry.get("right") or entry.get("remark")
    return f"{strong}. {said}" if said else strong


def places(entry: Mapping[str, Any]) -> str:
    """The experiments and the tests, which link to their files."""
    experiments = [f"[experiments.{name}](../experiments/{name}.py)" for name in entry.get("experiments", ())]
    tests = [f"[{node.split('::')[-1]}](../{PurePosixPath(node.split('::')[0])})" for node in entry.get("tests", ())]
    return "<br>".join([*experiments, *tests]) or "–"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; a cell's bars don't end it."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    run(main, Config)
