"""An index over the reports of many experiments: purpose, verdicts, time, and the way to each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from jaxcnn.visualization import Link, Note, Section, Table, report
from jaxcnn.visualization.report import Block


@dataclass(frozen=True)
class Outcome:
    """How one experiment went.

    Attributes:
      name: the experiment.
      purpose: the first line of its docstring.
      seconds: what it took, its start and end included.
      findings: the sentences that it wrote from its numbers.
      error: why it failed; empty where it didn't.
    """

    name: str
    purpose: str
    seconds: float
    findings: tuple[str, ...] = ()
    error: str = ""


def index_page(outcomes: Sequence[Outcome], *, quick: bool, left: int, environment: Mapping[str, str]) -> str:
    """The page, for a folder that holds NAME/report.html and NAME/output.txt of each; `left` are still to run."""
    failed = [outcome.name for outcome in outcomes if outcome.error]
    notes = [
        *([Note("A quick look, not a result: fewer images, epochs and seeds.", warning=True)] if quick else []),
        *(
            [Note(f"Still to run when this was written: {left} of {left + len(outcomes)}.", warning=True)]
            if left
            else []
        ),
        *([Note(f"Failed: {', '.join(failed)}.", warning=True)] if failed else []),
    ]
    rows = [{"experiment": o.name, "what it is about": o.purpose, "s": round(o.seconds)} for o in outcomes]
    contents = Section("Experiments", [Table(rows, "Seconds are of the whole process, with imports and compilation.")])
    sections = [contents, *(Section(outcome.name, _blocks(outcome)) for outcome in outcomes)]
    return report("The course, executed", sections, introduction=notes, environment=environment)


def _blocks(outcome: Outcome) -> list[Block]:
    if outcome.error:
        return [
            outcome.purpose,
            Note(outcome.error, warning=True),
            Link(f"{outcome.name}/output.txt", "What it printed"),
        ]
    return [outcome.purpose, *outcome.findings, Link(f"{outcome.name}/report.html", "The report")]


def findings(page: str) -> tuple[str, ...]:
    """The sentences between a report's title and its first section; notes of what it rests on aren't among them."""
    reader = _Introduction()
    reader.feed(page)
    return tuple("".join(paragraph) for paragraph in reader.paragraphs)


class _Introduction(HTMLParser):
    """Collects the paragraphs before the first section that stand in no note."""

    def __init__(self):
        super().__init__()
        self.paragraphs: list[list[str]] = []
        self._started, self._ended, self._inside, self._notes = False, False, False, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._started |= tag == "main"
        self._ended |= tag == "section"
        self._notes += tag == "div"
        if tag == "p" and self._started and not self._ended and not self._notes:
            self._inside = True
            self.paragraphs.append([])

    def handle_endtag(self, tag: str) -> None:
        self._notes -= tag == "div"
        self._inside &= tag != "p"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.paragraphs[-1].append(data)
