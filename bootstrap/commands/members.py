"""Members merged, erased and corrected by hand, by whoever is logged in on this machine."""

from typing import Annotated

import typer

from bootstrap.commands.asking import Reason, asked
from bootstrap.commands.opened import actor, opened
from bootstrap.commands.printing import console
from loyalty.adjustments import approve as approve_one
from loyalty.erasure import Erasure
from loyalty.erasure import erase as erase_one
from loyalty.merging import Merger
from loyalty.merging import merge as merge_two

app = typer.Typer(no_args_is_help=True, help="Merge, erase and correct members.")
ActId = Annotated[str, typer.Option("--id", help="Your own id: the same again changes nothing.")]


@app.command()
def merge(
    member: Annotated[str, typer.Argument(help="The member who goes.")],
    into: Annotated[str, typer.Argument(help="The member who lives on.")],
    reason: Reason,
    id: ActId,
) -> None:
    """Merge a member into another: points, debt, caps and figures go over.

    Example:
      milepost members merge m-1001 m-2002 --id merge-17 --reason "same person"
    """
    merger = asked(Merger, id=id, reason=reason)
    with opened() as parts:
        done = parts.store.run(lambda tx: merge_two(tx, member, into, merger, actor()))
    console().print(f"{done['points']} points and {done['debt']} owed went to {done['into']}")


@app.command()
def erase(
    member: Annotated[str, typer.Argument(help="The member's id.")], reason: Reason, id: ActId
) -> None:
    """Forget a member for good: the balance is forfeited, the person is cleared.

    Example:
      milepost members erase m-1001 --id erase-3 --reason "asked by the member"
    """
    erasure = asked(Erasure, id=id, reason=reason)
    with opened() as parts:
        done = parts.store.run(lambda tx: erase_one(tx, member, erasure, actor()))
    console().print(f"{member} is erased; {done['forfeited_points']} points were forfeited")


@app.command()
def approve(adjustment: Annotated[str, typer.Argument(help="The proposal's id.")]) -> None:
    """Approve a correction that somebody else proposed.

    Example:
      milepost members approve a-2026-10-1
    """
    with opened() as parts:
        done = parts.store.run(lambda tx: approve_one(tx, adjustment, actor()))
    console().print(f"{done['points']} points were posted for {done['member_id']}")
