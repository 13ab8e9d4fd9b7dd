"""Tables of a report: plain records in, HTML out."""

import numbers
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jaxcnn.visualization.markup import escape
from jaxcnn.visualization.numerals import decimals, numeral

_ABSENT = "–"
_STARTS_WITH_NUMBER = re.compile(r"\s*[+\-−±<>≤≥≈~]?\s*\.?\d")


@dataclass(frozen=True)
class Table:
    """A table of a report.

    Whole numbers get thousands separators. Fractions of one column get the same number of decimals: four significant
    digits for the largest, two for the smallest, six decimals at most; give a text for any other form. None shows as a
    dash. Columns of numbers, and of texts that begin with one ("0.991 ± 0.002"), are aligned to the right.

    Attributes:
      rows: records (key -> cell), or sequences of cells.
      caption: what the table shows and what a reader must know to read it.
      columns: for records the keys to show, in order, or key -> heading, None for every key; for sequences the
        headings.
    """

    rows: Sequence[Mapping[str, object]] | Sequence[Sequence[object]]
    caption: str
    columns: Mapping[str, str] | Sequence[str] | None = None


def render_table(table: Table) -> str:
    """The table as HTML, in a box of its own that scrolls where the page is too narrow.

    Raises:
      ValueError: no column, a key that no record has, or a row of another length than the headings.
      TypeError: a row that is neither a record nor a sequence, or records and sequences mixed.
    """
    headings, cells = _headings_and_cells(table)
    columns = [_texts([row[i] for row in cells]) for i in range(len(headings))]
    styles = [' class="number"' if _is_numeric(column) else "" for column in columns]
    head = "".join(
        f'<th scope="col"{style}>{escape(heading)}</th>' for heading, style in zip(headings, styles, strict=True)
    )
    body = "\n".join(_row([column[i] for column in columns], styles) for i in range(len(cells)))
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(table.caption)}">\n<table>\n'
        f"<caption><span>{escape(table.caption)}</span></caption>\n"
        f"<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _row(texts: Sequence[str], styles: Sequence[str]) -> str:
    first, *rest = (f"{style}>{escape(text)}" for text, style in zip(texts, styles, strict=True))
    return f'<tr><th scope="row"{first}</th>' + "".join(f"<td{cell}</td>" for cell in rest) + "</tr>"


def _headings_and_cells(table: Table) -> tuple[list[str], list[list[object]]]:
    records = [row for row in table.rows if isinstance(row, Mapping)]
    sequences = [row for row in table.rows if isinstance(row, Sequence) and not isinstance(row, str | bytes)]
    if len(table.rows) not in (len(records), len(sequences)):
        raise TypeError("rows must be all mappings or all sequences of cells: got a mixture, or a row that is neither.")
    keyed = bool(records) or isinstance(table.columns, Mapping)
    headings, cells = _from_records(records, table.columns) if keyed else _from_sequences(sequences, table.columns)
    if not headings:
        raise ValueError("columns is empty: name at least one column.")
    return headings, cells


def _from_records(
    records: Sequence[Mapping[str, object]], columns: Mapping[str, str] | Sequence[str] | None
) -> tuple[list[str], list[list[object]]]:
    known = dict.fromkeys(key for record in records for key in record)
    headed = columns if isinstance(columns, Mapping) else {key: key for key in (known if columns is None else columns)}
    unknown = [key for key in headed if records and key not in known]
    if unknown:
        raise ValueError(f"columns names {unknown[0]!r}, which no record has: the records have {', '.join(known)}.")
    return list(headed.values()), [[record.get(key) for key in headed] for record in records]


def _from_sequences(
    rows: Sequence[Sequence[object]], columns: Mapping[str, str] | Sequence[str] | None
) -> tuple[list[str], list[list[object]]]:
    headings = list(columns or ())
    for i, row in enumerate(rows):
        if len(row) != len(headings):
            raise ValueError(f"rows[{i}] has {len(row)} cells for {len(headings)} columns: give one cell a column.")
    return headings, [list(row) for row in rows]


def _texts(cells: Sequence[object]) -> list[str]:
    """A column's cells as they are shown."""
    places = decimals(float(cell) for cell in cells if isinstance(cell, numbers.Real) and not _is_truth(cell))
    return [_text(cell, places) for cell in cells]


def _text(cell: object, places: int) -> str:
    if cell is None:
        return _ABSENT
    if _is_truth(cell):
        return "yes" if cell else "no"
    return numeral(cell, places) if isinstance(cell, numbers.Real) else str(cell)


def _is_truth(cell: object) -> bool:
    return isinstance(cell, bool | np.bool_)


def _is_numeric(texts: Sequence[str]) -> bool:
    filled = [text for text in texts if text not in (_ABSENT, "", "nan", "inf", "-inf")]
    return bool(filled) and all(_STARTS_WITH_NUMBER.match(text) for text in filled)
