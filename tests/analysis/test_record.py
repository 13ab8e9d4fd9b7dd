import json

import pytest

from jaxcnn.analysis.record import Row, Summary

ROWS = (
    Row("conv", "Conv", (2, 6, 6, 4), 40, 2592, 1152, (3, 3)),
    Row("pool|1", "reduce_window_max", (2, 3, 3, 4), 0, 0, 288, (4, 4)),
    Row("pair", "Pair", ((2, 3), (2, 4)), 7_000_000, 12_345, 56, None),
    Row("dense", "Linear", params=10, error="TypeError: no"),
)


@pytest.fixture
def summary():
    return Summary("Net", ROWS, 7_000_055, 7_000_050, 28_000_220, "dense (Linear) raised TypeError: no", ("a note",))


def test_totals_add_up_the_rows(summary):
    assert summary.total_macs == 2592 + 12_345
    assert summary.total_activation_bytes == 1152 + 288 + 56
    assert summary.non_trainable_params == 5


def test_prints_as_keras_does(summary):
    rule = "─" * 93
    assert str(summary).splitlines() == [
        "Model: Net",
        rule,
        "Layer (type)                Output Shape        Param #    MACs  Activations  Receptive Field",
        rule,
        "conv (Conv)                 (2, 6, 6, 4)             40  2.59 K     1.12 KiB              3×3",
        "pool|1 (reduce_window_max)  (2, 3, 3, 4)              0       0        288 B              4×4",
        "pair (Pair)                 ((2, 3), (2, 4))  7,000,000  12.3 K         56 B                –",
        "dense (Linear)              failed                   10       0          0 B                –",
        rule,
        "Total params: 7,000,055 (26.7 MiB)",
        "Trainable params: 7,000,050",
        "Non-trainable params: 5",
        "Total MACs: 14,937",
        "Total activations: 1.46 KiB",
        "Error: dense (Linear) raised TypeError: no",
        "Note: a note",
    ]


def test_markdown_has_a_line_a_layer_and_the_totals(summary):
    lines = summary.to_markdown().splitlines()
    assert lines[2] == "| conv (Conv) | (2, 6, 6, 4) | 40 | 2.59 K | 1.12 KiB | 3×3 |"
    assert lines[3].startswith("| pool\\|1 (reduce\\_window\\_max) | ")
    assert lines[5] == "| dense (Linear) | failed | 10 | 0 | 0 B | – |"
    assert "- Total MACs: 14,937" in lines
    assert lines[-3:] == ["Error: dense (Linear) raised TypeError: no", "", "Note: a note"]


def test_dict_is_exact_and_fits_json(summary):
    record = summary.to_dict()
    assert json.loads(json.dumps(record)) == record
    assert record["rows"][0] == {
        "name": "conv",
        "type": "Conv",
        "output_shape": [2, 6, 6, 4],
        "params": 40,
        "macs": 2592,
        "activation_bytes": 1152,
        "receptive_field": [3, 3],
        "error": None,
    }
    assert (record["total_macs"], record["total_params"], record["error"]) == (14_937, 7_000_055, summary.error)
