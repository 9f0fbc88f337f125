"""Why points moved: one ledger transaction as a slip that a clerk can read out."""

from typing import Annotated

import typer
from rich.text import Text as RichText

from bootstrap.commands.asking import Locale
from bootstrap.commands.opened import opened
from bootstrap.commands.printing import console, print_rows
from loyalty.errors import Unknown
from loyalty.slips.paper import Grid, Paper, Rule, Text
from loyalty.slips.slip import slip
from loyalty.slips.words import WORDS


def why(
    transaction: Annotated[str, typer.Argument(help="Its key, as answers and statements show it.")],
    locale: Locale = "en",
) -> None:
    """Say why points moved: every rule and figure, every limit, the lots used and their expiry.

    Examples:
      milepost why purchase:till-12:2026-10-03/000481
      milepost why confirm:till:till-12:2026-10-03/p1 --locale zh
    """
    with opened() as parts:
        found = parts.reads.slip(transaction)
        if found is None:
            hint = "A receipt's is `purchase:<source>:<id>`; the console finds it by its number."
            raise Unknown("transaction", transaction, hint)
        programme = parts.programme
    paper = Paper(WORDS[locale], programme.currency, programme.tz)
    out = console()
    for row in slip(paper, found):
        if isinstance(row, Grid):
            print_rows(row.columns, row.rows, row.figures)
        else:
            out.print(_printed(row))


def _printed(row: Text | Rule) -> RichText:
    """A line of the slip as a terminal shows it."""
    if isinstance(row, Rule):
        more = f"  ({row.more})" if row.more else ""
        return RichText(f"  {row.rule:<24} {row.said}{more}")
    indent = "  " if row.kind in ("item", "key") else ""
    style = {"key": "dim", "item": "", "sum": "bold"}.get(row.kind, "bold")
    return RichText(indent + row.text, style=style)
