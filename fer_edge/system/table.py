"""Text tables: cells in columns that stand below each other."""

from __future__ import annotations

from typing import Collection, List, Sequence

GAP = "  "


def table_lines(rows: Sequence[Sequence[str]], right: Collection[int] = (), widths: Sequence[int] = ()) -> List[str]:
    """Return the rows as lines of text, without blanks at their ends.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells, as many in each row; a head is a row like the others.
    right : collection of int
        Columns that are aligned to the right, counted from 0.
    widths : sequence of int
        Least width of each column in letters; by default that of its widest cell.
    """
    columns = [max(map(len, column)) for column in zip(*rows)]
    for number, least in enumerate(widths):
        columns[number] = max(columns[number], least)
    return [
        GAP.join(
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, columns))
        ).rstrip()
        for row in rows
    ]
