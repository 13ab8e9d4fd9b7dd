import re

import jax.numpy as jnp
import numpy as np
import pytest

from jaxcnn.visualization import Table
from jaxcnn.visualization.table import render_table

RECORDS = [
    {"model": "convnet", "params": 104_202, "accuracy": 0.9928, "ci": "0.993 ± 0.001", "ok": True},
    {"model": "lenet5", "params": np.int32(61_706), "accuracy": np.float32(0.98), "ci": None, "ok": np.False_},
]


def cells(page):
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def numeric_columns(page):
    head = re.findall(r"<th scope=\"col\"([^>]*)>", page)
    return [i for i, style in enumerate(head) if "number" in style]


def test_records_show_every_key_with_headers_marked_and_numbers_aligned():
    page = render_table(Table(RECORDS, "All models"))
    assert cells(page) == [
        ["model", "params", "accuracy", "ci", "ok"],
        ["convnet", "104,202", "0.9928", "0.993 ± 0.001", "yes"],
        ["lenet5", "61,706", "0.9800", "–", "no"],
    ]
    assert numeric_columns(page) == [1, 2, 3]
    assert page.count('<th scope="row"') == 2
    assert page.count('<td class="number"') == 6
    assert "<caption><span>All models</span></caption>" in page


def test_columns_choose_order_and_headings():
    page = render_table(Table(RECORDS, "c", columns={"params": "parameters", "model": "model <b>"}))
    assert cells(page)[:2] == [["parameters", "model &lt;b&gt;"], ["104,202", "convnet"]]
    assert cells(render_table(Table(RECORDS, "c", columns=["ok", "model"])))[0] == ["ok", "model"]


def test_a_key_that_some_records_lack_is_a_dash():
    assert cells(render_table(Table([{"a": 1}, {"b": "x"}], "c"))) == [["a", "b"], ["1", "–"], ["–", "x"]]


def test_sequences_take_headings():
    page = render_table(
        Table([["conv", (26, 26, 32), jnp.float32(0.5)], ["pool", (13, 13, 32), None]], "c", ["a", "b", "c"])
    )
    assert cells(page) == [["a", "b", "c"], ["conv", "(26, 26, 32)", "0.5"], ["pool", "(13, 13, 32)", "–"]]
    assert numeric_columns(page) == [2]


@pytest.mark.parametrize("columns", [["a", "b"], {"a": "a", "b": "b"}])
def test_no_rows_leave_the_headings(columns):
    assert cells(render_table(Table([], "c", columns))) == [["a", "b"]]


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (Table([], "c"), ValueError, "columns is empty"),
        (Table(RECORDS, "c", ["model", "loss"]), ValueError, "'loss', which no record has: the records have model"),
        (Table([["a", "b"], ["c"]], "c", ["x", "y"]), ValueError, r"rows\[1\] has 1 cells for 2 columns"),
        (Table(["ab"], "c", ["x", "y"]), TypeError, "neither"),
    ],
)
def test_refused(table, error, message):
    with pytest.raises(error, match=message):
        render_table(table)
