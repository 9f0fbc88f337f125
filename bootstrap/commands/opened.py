"""What every command that works on the database begins and ends with."""

import getpass
import json
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Literal, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bootstrap.settings import STATE_FILE, Settings, read_settings
from bootstrap.wiring import Parts
from storage.readiness import tables_state

_GAP = 2


@contextmanager
def opened() -> Iterator[Parts]:
    """The parts on the configured database; says so when that cannot be used."""
    settings = _beside_up(read_settings())
    if settings.database_url is None and not settings.embedded_database.exists():
        # Opening it would make an empty one here, and every look at that finds all well.
        _say(
            f"There is no data of Milepost in {settings.data_dir.absolute()}. Call this in the "
            "folder where `milepost up` runs, or name its data folder in MILEPOST_DATA_DIR."
        )
    parts = Parts(settings)
    try:
        ok, detail = tables_state(parts.database)
        if not ok:
            _say(f"{detail[0].upper()}{detail[1:]}.")
        yield parts
    finally:
        parts.close()


def _say(trouble: str) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True).print(trouble, style="red", markup=False)
    raise typer.Exit(1)


def _beside_up(settings: Settings) -> Settings:
    """The settings, with the Temporal that `milepost up` chose on the same data folder."""
    state = settings.data_dir / STATE_FILE
    if "temporal_address" in settings.model_fields_set and not _left_open(settings):
        return settings
    try:
        found = json.loads(state.read_text())
    except (OSError, ValueError):
        return settings
    return settings.model_copy(update={"temporal_address": found["temporal"]})


def _left_open(settings: Settings) -> bool:
    return settings.temporal_address.endswith(":0")


def actor() -> str:
    """Who acts, for the audit trail: whoever is logged in on this machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return f"cli:{name}"[:64]


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
