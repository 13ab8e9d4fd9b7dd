"""The profile of training steps as tables, for the terminal and for docs/benchmark.md."""

from collections.abc import Mapping
from typing import Any

from experiments.bench.tables import markdown, number, optional


def lines_of(row: Mapping[str, Any], peak: float) -> list[dict[str, str]]:
    """The row's table: a line a kind."""
    lines = []
    for found in row["kinds"]:
        rate = found["flops"] / found["ms"] * 1e3 if found["flops"] and found["ms"] else None
        lines.append(
            {
                "kind of work": found["kind"],
                "ms a step": f"{found['ms']:.2f}",
                "of the step": f"{found['ms'] / row['traced_ms']:.0%}",
                "GFLOP/s": "–" if rate is None else number(rate / 1e9),
                "of matmul's peak": optional(rate and rate / peak, ".0%"),
            }
        )
    return lines


def heading(row: Mapping[str, Any]) -> str:
    """What a table is of."""
    onednn = "convolutions by oneDNN" if row["onednn"] else "convolutions by XLA"
    told = f"{number(row['ms'])} ms a step, {number(row['traced_ms'])} while traced"
    return f"{row['label']}, batch {row['batch']}, {onednn}: {told}"


def profile_tables(result: Mapping[str, Any]) -> str:
    """All tables in Markdown, and what they rest on."""
    where, peak = result["environment"], result["matmul_flops"]
    parts = [f"### {heading(row)}\n\n{markdown(lines_of(row, peak))}\n" for row in result["rows"]]
    versions = ", ".join(f"{name} {where[name]}" for name in ("python", "jax", "jaxlib", "flax"))
    told = f"`{where['command']}` on {where['date'][:10]}: {where['machine']}; {versions}."
    return "\n".join([*parts, f"{told} Matrix product: {peak / 1e9:.0f} GFLOP/s."])
