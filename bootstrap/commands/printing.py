"""How commands show what they found: rows that can be copied, moments on one clock."""

from collections.abc import Container, Sequence
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_GAP = 2


def moment(at: datetime, zone: ZoneInfo) -> str:
    """An instant as every command shows it: on the programme's clock."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def print_rows(
    columns: Sequence[str], rows: Sequence[Sequence[str]], figures: Container[int] = ()
) -> None:
    """Rows under their columns, with whole words: ids and codes are made to be copied.

    Only the last column is broken, between words. In a terminal too narrow even for that each row
    is a block; a file or a pipe gets one line a row. Columns in `figures` stand to the right.
    """
    out = console()
    widths = [max(map(cell_len, cells)) for cells in zip(columns, *rows, strict=True)]
    whole = sum(widths) + _GAP * (len(columns) - 1)
    words = [word for row in (columns, *rows) for word in row[-1].split()]
    least = whole - widths[-1] + max(map(cell_len, words))
    if out.is_terminal and least > out.width:
        _print_blocks(columns, rows)
        return
    made = Table(
        box=None, pad_edge=False, width=min(whole, out.width) if out.is_terminal else whole
    )
    for number, column in enumerate(columns):
        side: Literal["left", "right"] = "right" if number in figures else "left"
        made.add_column(column, no_wrap=column != columns[-1], justify=side)
    for row in rows:
        made.add_row(*map(Text, row))
    out.print(made, crop=False)


def _print_blocks(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Each row's first cell, and under it what the others say by their names."""
    out = console()
    for first, *others in rows:
        out.print(Text(first, style="bold"))
        for name, cell in zip(columns[1:], others, strict=True):
            if cell:
                out.print(Text.assemble("  ", (name, "dim"), " ", cell))


def console() -> Console:
    """Standard output, made when used, so that it can be redirected."""
    return Console(highlight=False, soft_wrap=True)
