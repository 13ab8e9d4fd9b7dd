"""docs/reading.md: whether reading keeps up with training, as `experiments.bench.reading` measured it."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.bench.reading_limits import EPOCHS, FLOORS, epoch_lines, first_epoch, floor_lines, limits
from experiments.bench.tables import markdown, number

Rows = Sequence[Mapping[str, Any]]
IN_MEMORY = "training.fit, all in memory"

HEAD = """# Reading and training

How fast `data.stream` reads small grey images (28×28), and whether training waits for it. Images in memory and in the
cache are copied; array_record files and folders of PNGs are decoded. Streams of folders and prepared sets have a cache
unless they are told otherwise: small images are decoded into it once, before the first batch, and a set that
`experiments.prepare` has prepared has its own already. "PNGs" and "array_record" stand for streams with `cache=None`,
which decode in every epoch, on the cores that train as well. All files lie in the system's cache of files.
"""

ALONE = """## Reading alone

Images a second: one batch after the other by `next`, and 32 together by `Stream.take`, as `training.fit_stream` reads.
In brackets the seconds that the first 32 batches took.
"""

TRAINING = """## While a model trains

Images a second of a training step, batch {batch}: by `training.fit` on images in memory, and by `training.fit_stream`
from each source, without processes; in brackets, times `training.fit`. Decoding takes a part of the cores from the
training, whoever waits for whom. The last column names the sources that, read alone, give images as fast as
`training.fit` trains on them.
"""

NEVER = """- So reading is never slower than the training step where nothing is decoded meanwhile: from memory, and from
  folders and prepared sets whose images the cache keeps and `data.stream` decodes before the first batch."""


def reading_page(result: Mapping[str, Any]) -> str:
    """The page, of what `reading` has written."""
    rows, where = result["rows"], result["environment"]
    alone = [row for row in rows if row["section"] == "reading"]
    trained = [row for row in rows if row["section"] == "training"]
    versions = ", ".join(f"{name} {where[name]}" for name in ("python", "jax", "numpy"))
    floors, epochs = ([row for row in rows if row["section"] == section] for section in ("floor", "epoch"))
    parts = [
        HEAD,
        ALONE,
        markdown(alone_lines(alone)) + "\n",
        TRAINING.format(batch=result["config"]["batch_size"]),
        markdown(training_lines(trained, alone)) + "\n",
        verdict(trained, alone) + "\n",
        EPOCHS.format(images=f"{epochs[0]['images']:,}"),
        markdown(epoch_lines(epochs)) + "\n",
        first_epoch(epochs) + "\n",
        FLOORS,
        markdown(floor_lines(floors)) + "\n",
        limits(floors, {row["model"]: row["images_per_second"] for row in trained if row["source"] == IN_MEMORY})
        + "\n",
        f"`{where['command']}` on {where['date'][:10]}: {where['machine']}; {versions}.\n",
    ]
    return "\n".join(parts)


def alone_lines(rows: Rows) -> list[dict[str, str]]:
    """A line a source, a column a way to read."""
    lines: dict[str, dict[str, str]] = {}
    columns = dict.fromkeys(_way(row) for row in rows)
    for row in rows:
        line = lines.setdefault(row["source"], {"source": row["source"]} | dict.fromkeys(columns, ""))
        line[_way(row)] = f"{number(row['images_per_second'])} ({row['first_seconds']:.2f} s)"
    return list(lines.values())


def _way(row: Mapping[str, Any]) -> str:
    how = "by next" if row["together"] == 1 else f"{row['together']} together"
    return f"{how}, workers={row['workers']}" if row["workers"] else how


def training_lines(rows: Rows, alone: Rows) -> list[dict[str, str]]:
    """A line a model, a column a source."""
    lines = []
    for model in dict.fromkeys(row["model"] for row in rows):
        first, *others = (row for row in rows if row["model"] == model)
        rate = first["images_per_second"]
        line = {"model": model, first["source"]: number(rate)}
        for row in others:
            line[row["source"]] = f"{number(row['images_per_second'])} ({row['images_per_second'] / rate:.2f})"
        lines.append(line | {"reads as fast": ", ".join(fast_enough(alone, rate)) or "none"})
    return lines


def fast_enough(alone: Rows, rate: float) -> list[str]:
    """The sources that give so many images a second to `fit_stream`."""
    return [row["source"] for row in _as_trained(alone) if row["images_per_second"] >= rate]


def _as_trained(alone: Rows) -> list[Mapping[str, Any]]:
    """As `fit_stream` reads: several batches together, without processes."""
    return [row for row in alone if row["workers"] == 0 and row["together"] > 1]


def verdict(rows: Rows, alone: Rows) -> str:
    """Where reading is slower than training, in a sentence a source."""
    models = {row["model"]: row["images_per_second"] for row in rows if row["source"] == IN_MEMORY}
    found = []
    for row in _as_trained(alone):
        slower = [model for model, rate in models.items() if row["images_per_second"] < rate]
        told = f"slower than the training step of {', '.join(slower)}" if slower else "faster than every model trains"
        found.append(f"- Reading from {row['source']} is {told}.")
    if {"memory", "cache of PNGs"} <= set(fast_enough(alone, max(models.values()))):
        found.append(NEVER)
    return "\n".join(found)
