"""What a run leaves behind holds every number that there was, and says which were none."""

import json

import numpy as np

from experiments.harness.options import RunOptions
from experiments.harness.results import finite, write_result


def test_a_number_that_is_none_keeps_the_run_and_is_said(tmp_path):
    rows = [
        {
            "test_loss": float("nan"),
            "test_accuracy": 0.5,
            "history": {"val_loss": [1.0, np.float64("inf")]},
            "error": None,
        },
        {"test_loss": 2.5, "pads": (1, 2), "error": None},
    ]
    write_result(tmp_path, "any", RunOptions(), {}, rows, complete=True)
    first, second = json.loads((tmp_path / "result.json").read_text("utf-8"))["rows"]
    assert first == {
        "test_loss": None,
        "test_accuracy": 0.5,
        "history": {"val_loss": [1.0, None]},
        "error": "test_loss was nan; history.val_loss[1] was inf",
    }
    assert second == {"test_loss": 2.5, "pads": [1, 2], "error": None}


def test_an_error_that_was_there_stays_first():
    row = {"loss": float("-inf"), "error": "the loss became nan in epoch 2"}
    assert finite(row)["error"] == "the loss became nan in epoch 2; loss was -inf"
