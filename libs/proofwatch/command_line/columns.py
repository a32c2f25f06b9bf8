"""Rows as aligned columns, for a terminal or a pipe."""

from collections.abc import Sequence

from proofwatch.plain import one_line


def as_columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return heads and rows, aligned; what others wrote stays on its line."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in [heads, *cells]]
    return "".join("  ".join(row).rstrip() + "\n" for row in padded)
