"""docs/forms.md: every form of the lecture models' convolutions, as `experiments.benchmark --tune` measured them."""

import itertools
from collections.abc import Mapping
from typing import Any

from experiments.bench.tables import markdown, number

MARKS = {"training": " ←", "both": " ←", "others": " (←)", "": ""}
BEST = 6

HEAD = """# The forms of a convolution on a CPU, measured

What the table in `jaxcnn/lowering/select.py` rests on: for each convolution of the lecture models the forms that could
compute it, and what each takes. ← marks what the programs of `jaxcnn.training` run, (←) what all others run where that
differs: they don't call oneDNN, so that XLA can serialize them. Of each table the fastest lines are shown, and every
marked one. Each time is of one call outside any loop, its temporaries faulted in anew; in the loop of a training step
lax's gradient to the kernel takes ten times as long (see the loop in [benchmark.md](benchmark.md)), ours no longer.

| form | what it is | file in `jaxcnn/lowering` |
|---|---|---|
| lax | XLA's own convolution; backwards, the gradient that autodiff writes | |
| oneDNN | a call of the oneDNN that jaxlib ships | `onednn.py` |
| blocks by oneDNN | the same, a block of a row's cells in place of a cell, where features are few | `blocks.py` |
| patches by oneDNN | all patches of a slice of the batch, and one matrix product; of blocks likewise | `patches.py` |
| exchanged by oneDNN | one convolution a slice of the batch, whose input channels are the images | `exchanged.py` |
| whole, sliced | XLA's convolution of the whole batch, or of a slice at a time | `select.py`, `slices.py` |
| rows | a sum of convolutions along the last dimension, one a row of the window | `rows.py` |
| spread | every input cell times the whole kernel, the overlapping windows summed | `spread.py` |
| subpixel | for strides and holes: one convolution a remainder of the stride | `subpixel.py` |
| strips | backwards: one matrix product a row of the window | `kernel_gradient.py` |
"""


def forms_page(result: Mapping[str, Any]) -> str:
    """The page, of what `--tune` has written."""
    parts = [HEAD]
    for (layer, name), rows in itertools.groupby(result["rows"], lambda row: (row["layer"], row["pass"])):
        lines = [cells(row) for at, row in enumerate(rows) if at < BEST or row["chosen"]]
        parts.append(f"## {layer}, {name}\n\n{markdown(lines)}\n")
    where = result["environment"]
    versions = ", ".join(f"{name} {where[name]}" for name in ("python", "jax"))
    parts.append(f"`{where['command']}` on {where['date'][:10]}: {where['machine']}; {versions}.\n")
    return "\n".join(parts)


def cells(line: Mapping[str, Any]) -> dict[str, str]:
    """A line of a table."""
    size = line["slice_bytes"]
    return {
        "form": line["form"] + MARKS[line["chosen"]],
        "slices": f"{size / 2**20:g} MiB" if size else "–",
        "ms": number(line["ms"]),
        "GFLOP/s": number(line["flops"] / line["ms"] / 1e6),
    }
