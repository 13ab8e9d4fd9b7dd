"""Tables as text and as Markdown, and numbers as people read them."""

from collections.abc import Sequence

Cells = Sequence[Sequence[str]]


def text_table(header: Sequence[str], rows: Cells, left: int) -> str:
    """A table with aligned columns, the first `left` of them flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [aligned(cells, widths, left) for cells in (header, *rows)]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def aligned(cells: Sequence[str], widths: Sequence[int], left: int) -> str:
    """One line of a text table."""
    padded = [
        cell.ljust(width) if n < left else cell.rjust(width)
        for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def markdown_table(header: Sequence[str], rows: Cells, left: int) -> str:
    """The same table in Markdown."""
    marks = ["---" if n < left else "---:" for n in range(len(header))]
    return "\n".join(f"| {' | '.join(map(escaped, cells))} |" for cells in (header, marks, *rows))


def escaped(cell: str) -> str:
    """A cell's text without what Markdown would take for a column's border or for emphasis."""
    return cell.replace("|", "\\|").replace("_", "\\_")


def human_count(count: int) -> str:
    """A count to three digits: 999, 12.3 K, 4.56 M."""
    return scaled(count, 1000, ("", "K", "M", "G", "T", "P", "E"))


def human_bytes(count: int) -> str:
    """Bytes to three digits, in binary units: 512 B, 1.50 KiB."""
    return scaled(count, 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"))


def scaled(count: int, base: int, units: Sequence[str]) -> str:
    """A number in the smallest unit that needs no more than the digits before the next one."""
    power = 0
    while power + 1 < len(units) and round(count / base**power) >= base:
        power += 1
    value = count / base**power
    decimals = 0 if power == 0 else next(n for n in (2, 1, 0) if n == 0 or round(value, n) < 10 ** (3 - n))
    return f"{value:,.{decimals}f} {units[power]}".rstrip()
