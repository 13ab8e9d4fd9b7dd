"""What of docs/reading.md tells the first epoch, and how fast any reader could be."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.bench.floors import ALL, NEEDED
from experiments.bench.tables import number

Rows = Sequence[Mapping[str, Any]]

_WIDTH = 120  # columns of a page

EPOCHS = """## Opening and the first epoch

Seconds of {images} images of 28×28 pixels, as many as MNIST has: of `data.stream` itself, which looks at all files for
the name of their cache, and decodes them the first time; of the first epoch; and of the second one.
"""

FLOORS = """## What no reader is faster than

Each part of reading alone, without a stream: microseconds that an image takes one thread, and images a second of one
thread and of two, in the fastest of several turns. Python runs one thread at a time but for the system's, zlib's and
Pillow's own parts.
"""


def epoch_lines(rows: Rows) -> list[dict[str, str]]:
    """A line a source, its columns the seconds alone and while the model trains."""
    lines = []
    for source in dict.fromkeys(row["source"] for row in rows):
        alone, trained = (row for row in rows if row["source"] == source)
        line = {"set": source, "opened": _seconds(alone["opening_seconds"])}
        line["opened again"] = _seconds(alone["again_seconds"])
        for what, row in (("read alone", alone), (f"{trained['model']} trains", trained)):
            line[f"{what}: first epoch"] = _seconds(row["first_seconds"])
            line[f"{what}: second"] = _seconds(row["later_seconds"])
        lines.append(line)
    return lines


def first_epoch(rows: Rows) -> str:
    """What decoding costs who opens a stream, and the first epoch who trains, a sentence a source."""
    told = [
        f"{row['source']}: the first opening takes {_more(row['opening_seconds'], row['again_seconds'])} than a later"
        f" one; where {row['model']} trains, the first epoch takes"
        f" {_more(row['first_seconds'], row['later_seconds'])} than the second."
        for row in rows
        if row["model"] is not None
    ]
    return _listed(told)


def floor_lines(rows: Rows) -> list[dict[str, str]]:
    """A line a part, its columns by threads."""
    lines = []
    for part in dict.fromkeys(row["source"] for row in rows):
        one, two = (row["images_per_second"] for row in rows if row["source"] == part)
        lines.append({"part": part, "µs": f"{1e6 / one:.1f}", "one thread": number(one), "two threads": number(two)})
    return lines


def limits(floors: Rows, models: Mapping[str, float]) -> str:
    """What the parts add up to, and for which models that is not enough, whoever reads.

    Args:
      floors: rows of the parts.
      models: images a second that each is trained on.
    """
    rates = {row["source"]: row["images_per_second"] for row in floors if row["threads"] == 1}
    parts = [1e6 / rates[part] for part in NEEDED]
    least, cores = sum(parts), floors[0]["cores"]
    model, rate = max(models.items(), key=lambda item: item[1])
    together = min(rate, cores * 1e6 / (1e6 / rate + least))
    slower = [name for name, trained in models.items() if trained > 1e6 / least]
    sums, most = " + ".join(f"{part:.1f}" for part in parts), number(1e6 / least)
    told = (
        f"To open and read a file, to inflate it and to undo its filters takes {sums} = {least:.1f} µs of one core an"
        f" image, before any line of the reader's own: at most {most} images a second a core. Reading a folder takes"
        f" {1e6 / rates[ALL]:.1f} µs.",
        f"{_names(slower)} trained faster than one core could decode, whatever the code.",
        f"{model} is trained on {number(rate)} images a second. Even if a step used one core alone, {cores} cores that"
        f" decode at the speed of the parts would train it on {number(together)} at most: an epoch that decodes takes"
        f" at least {rate / together:.2f} times as long.",
    )
    return _listed(told)


def _listed(sentences: Sequence[str]) -> str:
    return "\n".join(textwrap.fill(f"- {line}", _WIDTH, subsequent_indent="  ") for line in sentences)


def _more(seconds: float, than: float) -> str:
    return f"{_seconds(seconds - than)} more" if seconds - than >= 0.005 else "no more"


def _names(models: Sequence[str]) -> str:
    return f"Only {', '.join(models)} {'are' if len(models) > 1 else 'is'}" if models else "No model is"


def _seconds(value: float) -> str:
    return f"{value:.2f} s"
