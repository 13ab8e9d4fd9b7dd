import pytest

from jaxcnn.analysis.table import human_bytes, human_count, markdown_table, text_table


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1.00 K"), (12_345, "12.3 K"), (999_600, "1.00 M"), (10**12, "1.00 T")],
)
def test_counts_read_to_three_digits(count, text):
    assert human_count(count) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1,023 B"), (1024, "1.00 KiB"), (86_528, "84.5 KiB"), (2**30, "1.00 GiB")]
)
def test_bytes_read_in_binary_units(count, text):
    assert human_bytes(count) == text


def test_text_columns_are_aligned():
    lines = text_table(["Name", "Count"], [["a", "1"], ["bcdef", "1,000"]], left=1).splitlines()
    assert lines == ["─" * 12, "Name   Count", "─" * 12, "a          1", "bcdef  1,000", "─" * 12]


def test_markdown_keeps_borders_out_of_cells():
    lines = markdown_table(["Name", "Count"], [["a|b_c", "1"]], left=1).splitlines()
    assert lines == ["| Name | Count |", "| --- | ---: |", "| a\\|b\\_c | 1 |"]
