"""docs/forms.md is what the command makes of the committed measurements."""

import json
from pathlib import Path

from experiments.bench.forms_page import BEST, forms_page

ROOT = Path(__file__).parents[3]


def line(form, ms, chosen=""):
    return {"layer": "net", "pass": "forward", "flops": 2 * 10**9, "form": form, "slice_bytes": 0, "ms": ms} | {
        "chosen": chosen
    }


def test_the_committed_page():
    result = json.loads((ROOT / "docs/results/forms.json").read_text("utf-8"))
    assert forms_page(result) == (ROOT / "docs/forms.md").read_text("utf-8")


def test_the_fastest_and_every_marked_form_are_shown():
    rows = [line("oneDNN", 12.5, "training"), *(line(f"other {n}", 20.0 + n) for n in range(BEST))]
    environment = dict.fromkeys(("command", "date", "machine", "python", "jax"), "2026-01-02T03")
    text = forms_page({"rows": [*rows, line("rows", 62.5, "others")], "environment": environment})
    assert "## net, forward" in text
    assert "| oneDNN ← | – | 12.5 | 160 |" in text
    assert "| rows (←) | – | 62.5 | 32 |" in text
    assert f"other {BEST - 2}" in text
    assert f"other {BEST - 1}" not in text
