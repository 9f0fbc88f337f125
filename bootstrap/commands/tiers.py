"""Where one member stands on the ladder."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from bootstrap.commands.opened import opened
from bootstrap.commands.printing import console, print_rows
from loyalty.errors import Unknown
from loyalty.ports import Transaction
from loyalty.tiers.by_hand import standing_of
from loyalty.tiers.standing import Held, Standing


def tier(member: Annotated[str, typer.Argument(help="The member's id.")]) -> None:
    """Show a member's tier, what is missing to rise and to stay, and how it came to be.

    Example:
      milepost tier m-1001
    """
    with opened() as parts:
        standing, history = parts.store.read(lambda tx: _look(tx, member))
        zone, metric = parts.programme.tz, parts.programme.tiers.metric
    out = console()
    out.print(f"[bold]{member}[/]  {standing.tier}  since {_day(standing.since, zone)}")
    out.print(f"{metric} since {_day(standing.counted_from, zone)}: {standing.metric:,}")
    if standing.next_tier is not None:
        out.print(f"to reach {standing.next_tier}: {standing.to_rise:,} more")
    if standing.to_stay is not None and standing.stay_by is not None:
        risk = "  at risk" if standing.at_risk else ""
        by = _day(standing.stay_by, zone)
        out.print(f"to keep {standing.ladder_tier}: {standing.to_stay:,} more before {by}{risk}")
    if standing.paid_level is not None and standing.paid_until is not None:
        out.print(f"paid level {standing.paid_level} until {_day(standing.paid_until, zone)}")
    if history:
        rows = []
        for row in history:
            until = _day(row.until_at, zone) if row.until_at else ""
            counted = "" if row.metric is None else f"{row.metric:,}"
            rows.append((_day(row.from_at, zone), until, row.tier, row.reason, counted))
        print_rows(("from", "until", "tier", "reason", "metric"), rows, (4,))


def _look(tx: Transaction, member_id: str) -> tuple[Standing, list[Held]]:
    member = tx.members.get(member_id)
    if member is None:
        raise Unknown("member", member_id)
    return standing_of(tx, member), [*reversed(tx.tiers.history(member_id))]


def _day(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d}"
