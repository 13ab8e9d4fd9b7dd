"""The benchmark's tables in Markdown: for docs/benchmark.md and for the README."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.bench.bars import bars_section
from experiments.bench.profile_tables import profile_tables
from experiments.bench.rows import OURS
from experiments.bench.tables import TITLES, geometric_mean, markdown, section_lines, step_ratios

START, END = "<!-- benchmark: start -->", "<!-- benchmark: end -->"
README_BATCH = 64

NOTES = {
    "step": (
        "ms a training step, medians of turns; smaller is better. “times the fastest other” above 1 means that ours is "
        "the fastest; in brackets stands the fastest other. Each contender runs in a process of its own on all cores, "
        "and they take turns (A B, B A, …), each of whole calls of its program. The peak is that of a float32 "
        "matrix product of 2048×2048, the best turn of any contender in the same run."
    ),
    "start": (
        "The highest resident memory of a fresh process that trains the case, in brackets that of its imports alone, "
        "and its seconds: import + the first step, compilation included, no cache."
    ),
    "first_step": (
        "Fresh processes, sets of MNIST's size, batch 64: the first compiles all programs (cold), the others find "
        "those that XLA can store in the cache (warm, the median of three). `python -m "
        "experiments.bench.startup` measures these alone."
    ),
    "forward": "ms a forward pass of one batch; ours is compiled as `training.predict` compiles it.",
    "conv_transpose": "ms a call, float32; with gradients the call computes the result too.",
    "depthwise": "ms a call, float32; with gradients the call computes the result too.",
    "loop": "ms for the two convolutions of the issue, and ms a training step of ours.",
    "scaling": (
        "convnet with max pooling by batch (28×28) and by image size (batch 16), and one 3×3 convolution with both "
        "gradients by channels (28×28, batch 16). A cost of 1 in the last column is the family's cheapest operation; "
        "where the column stays near 1, cost grows as the arithmetic does."
    ),
    "seeds": (
        "ms a step and seed: so many calls of `fit`, one after the other, and one call of `fit_seeds`, without "
        "compilation and start-up. Below 1 in the last column, several seeds cost less than as many single runs."
    ),
    "accelerate": "ms a step of the same program without and with it.",
    "end_to_end": (
        "Wall clock of whole processes: import, data, compilation, training, evaluation; the median of runs that take "
        "turns. A contender that needs more than twice as long as the fastest runs once. Ours compiles its programs "
        "anew in every run."
    ),
}


PROFILE = (
    "Milliseconds by kind of work, from the profiler's trace of the program that `training.fit` runs; they add up to "
    "the traced step. Where two instructions run at once, each has half of that moment. `python -m "
    "experiments.bench.profile` measures it anew."
)


def page(result: Mapping[str, Any], profile: Mapping[str, Any] | None = None) -> str:
    """docs/benchmark.md, of the benchmark's result and, where there is one, that of `bench.profile`."""
    rows = result["rows"]
    parts = ["# The benchmark", "", summary(rows), "", provenance(result), "", *bars_section(rows)]
    for section, title in TITLES.items():
        if lines := section_lines(rows, section):
            parts += [f"## {title}", "", NOTES[section], "", markdown(lines), ""]
    if profile is not None:
        parts += ["## Where the time of our training step goes", "", PROFILE, "", profile_tables(profile), ""]
    return "\n".join([*parts, contenders(rows), "", *failures(rows)]).rstrip() + "\n"


def readme_block(result: Mapping[str, Any]) -> str:
    """The training steps at the usual batch, and what they rest on."""
    rows = [row for row in result["rows"] if row["section"] == "step" and row["batch"] == README_BATCH]
    lines = [{k: v for k, v in line.items() if k != "batch"} for line in section_lines(rows, "step")]
    head = f"ms a training step (forward, backward, RMSprop) of the lectures' models, batch {README_BATCH}, float32:"
    return "\n".join([head, "", markdown(lines), "", summary(result["rows"]), "", provenance(result)]) + "\n"


def with_benchmark(text: str, result: Mapping[str, Any]) -> str:
    """`text` with the README's block between its markers.

    Raises:
      ValueError: where it lacks the markers.
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"the page must hold the markers {START} and {END}; put them where the benchmark belongs")
    return f"{before}{START}\n{readme_block(result)}{END}{after}"


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """The ratios of all training steps in a sentence."""
    ratios = step_ratios(rows)
    if not ratios:
        return "No training step was compared with another contender's."
    names = dict.fromkeys(row["contender"] for row in rows if row["section"] == "step" and row["contender"] != OURS)
    return (
        f"Over all {len(ratios)} training cases ours runs at {geometric_mean(ratios):.2f} times the speed of the "
        f"fastest of {', '.join(names)} (geometric mean), at worst at {min(ratios):.2f}, at best at {max(ratios):.2f}; "
        f"it is the fastest in {sum(ratio >= 1 for ratio in ratios)}."
    )


def provenance(result: Mapping[str, Any]) -> str:
    """Where and when it was measured, with which versions and command."""
    where = result["environment"]
    versions: dict[str, str] = {}
    for row in result["rows"]:
        versions |= {name: number for name, number in row["versions"].items() if number}
    named = ", ".join(f"{name} {number}" for name, number in versions.items())
    peak = max(result["matmul_flops"].values()) / 1e9
    pieces = ", the last of several runs that each added a part," if "--keep" in where["command"] else ""
    return (
        f"`{where['command']}`{pieces} on {where['date'][:10]}: {where['machine']}; python {where['python']}, {named}. "
        f"Matrix product: {peak:.0f} GFLOP/s."
    )


def contenders(rows: Sequence[Mapping[str, Any]]) -> str:
    """What each contender is, and which of its forms was kept."""
    kept: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.get("form"):
            kept.setdefault(row["contender"], {})[row["form"]] = None
    forms = [f"- {name}, fastest forms: {'; '.join(f)}." for name, f in kept.items()]
    return "\n".join(["## Contenders", "", CONTENDERS, "", *forms])


CONTENDERS = (
    "All do the same work: the same layers, RMSprop (learning rate 0.001, decay 0.9, epsilon 1e-7), cross-entropy, "
    "float32, all cores, synthetic images that lie in memory. jaxcnn runs the program of `training.fit`, which also "
    "scales uint8 images, picks the rows of a shuffled order and sums the metrics. Flax is `nnx.Conv`, `nnx.max_pool` "
    "and the step of Flax's MNIST tutorial. PyTorch is eager in the faster of both memory formats. Keras calls `fit`, "
    "with and without XLA, with one or several steps a call. The others get their images scaled beforehand, in order."
)


def failures(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who couldn't do what."""
    return [
        f"- {row['contender']}, {row['label']}, batch {row['batch']}: {row['error']}" for row in rows if row["error"]
    ]
