"""Looking into single runs and acting on them; explaining members; proving the ledger."""

import asyncio
import time
from datetime import datetime
from typing import Annotated, Literal

import typer
from sqlalchemy import Connection

from api.reads import RunSearch
from api.runs import look
from api.timeline import merge, next_of
from bootstrap.commands.asking import Locale, Reason
from bootstrap.commands.opened import actor, opened
from bootstrap.commands.printing import console, moment, print_rows
from bootstrap.wiring import Parts
from loyalty import operate
from loyalty.errors import Unknown
from loyalty.explain import sentence
from loyalty.ports import Transaction
from loyalty.records import EnrolmentState
from loyalty.why_not import why_not
from storage.audit import SqlAudit
from storage.proof import Proof
from storage.proof import prove as prove_ledger
from storage.queries.operations import outbox_lag
from storage.queries.upkeep import dead_rows
from storage.queries.upkeep import revive as revive_rows
from storage.verifications import note_proof

RunId = Annotated[str, typer.Argument(help="j/<campaign>/<member>/<entry>")]


def explain(
    member: Annotated[str, typer.Argument(help="The member's id.")],
    campaign: Annotated[str, typer.Argument(help="The campaign's id.")],
    locale: Locale = "en",
) -> None:
    """Say why a campaign did what it did for a member, and why the member did not get it.

    One sentence per decision, also for members who were not admitted; then how things stand.

    Examples:
      milepost explain m-1001 welcome-2026
      milepost explain m-1001 welcome-2026 --locale zh
    """
    with opened() as parts:
        zone, out = parts.programme.tz, console()
        record = parts.reads.record_of(member, campaign)
        answer = parts.store.read(lambda tx: why_not(tx, member, campaign, record))
        decisions = record.decisions if record else ()
        for each in decisions:
            out.print(f"{moment(each.at, zone)}  {sentence(each, locale, zone)}", markup=False)
        for said in (answer.why, answer.now):
            if said is not None and said not in decisions:
                out.print(sentence(said, locale, zone), markup=False)


def runs(
    member: Annotated[str | None, typer.Option(help="Of this member.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Of this campaign.")] = None,
    state: Annotated[EnrolmentState | None, typer.Option(help="How far they are.")] = None,
    stuck: Annotated[
        bool, typer.Option("--stuck", help="Only those that nothing will wake.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
) -> None:
    """Search runs: who is in which campaign, and how far.

    Examples:
      milepost runs --member m-1001
      milepost runs --campaign welcome-2026 --state waiting
      milepost runs --stuck
    """
    search = RunSearch(member, campaign, state, stuck, limit=limit)
    with opened() as parts:
        found = parts.reads.search_runs(search)
        zone = parts.programme.tz
        if not found:
            parts.store.read(lambda tx: _known(tx, member, campaign))
    if not found:
        some = any((member, campaign, state, stuck))
        console().print("No run is like that." if some else "No member has entered a campaign yet.")
        return
    rows = []
    for each in found:
        wakes = moment(each["wake_at"], zone) if each["wake_at"] else ""
        granted = f"{each['granted_points']:,}"
        rows.append((each["id"], each["state"], each["outcome"] or "", wakes, granted))
    print_rows(("run", "state", "outcome", "wakes", "granted"), rows, (4,))


def _known(tx: Transaction, member: str | None, campaign: str | None) -> None:
    """A name that nobody has is said: it is no answer that nothing is wrong."""
    if member and tx.members.get(member) is None:
        raise Unknown("member", member)
    if campaign and tx.campaigns.get(campaign) is None:
        raise Unknown("campaign", campaign)


def run(run_id: RunId, locale: Locale = "en") -> None:
    """Show one run: what happened, why, and what wakes it next.

    Example:
      milepost run j/welcome-2026/m-1001/once
    """
    with opened() as parts:
        view = parts.reads.run(run_id)
        if view is None:
            raise Unknown("run", run_id)
        temporal, history = asyncio.run(look(parts.connect, run_id, locale))
        zone, out = parts.programme.tz, console()
        out.print(f"[bold]{run_id}[/]  {view['state']}  {view['outcome'] or ''}")
        for each in merge(view, history, locale, zone):
            out.print(f"{moment(each.at, zone)}  {each.text}", markup=False)
        coming = next_of(view, locale, zone)
        if coming is not None:
            out.print(coming.text, style="bold", markup=False)
        out.print(temporal.detail, style="dim", markup=False)


def retry(run_id: RunId, reason: Reason) -> None:
    """Tell a run to look again, now.

    Example:
      milepost retry j/welcome-2026/m-1001/once --reason "mail server is back"
    """
    _command(run_id, "retry", reason)


def skip(run_id: RunId, reason: Reason) -> None:
    """End a run's present wait early.

    Example:
      milepost skip j/welcome-2026/m-1001/once --reason "member called"
    """
    _command(run_id, "skip", reason)


def cancel(run_id: RunId, reason: Reason) -> None:
    """End a run. What was given stays given.

    Example:
      milepost cancel j/welcome-2026/m-1001/once --reason "entered by mistake"
    """
    _command(run_id, "cancel", reason)


def _command(run_id: str, act: Literal["retry", "skip", "cancel"], reason: str) -> None:
    with opened() as parts:
        parts.store.run(lambda tx: operate.command(tx, run_id, act, reason, actor()))
    console().print(
        f"{run_id}: {act} noted. The run takes it up within a second while relay and worker are "
        "running; while its campaign is paused, a skip waits for the resume."
    )


def outbox(
    revive: Annotated[
        bool, typer.Option("--revive", help="Put what was given up on back in line.")
    ] = False,
) -> None:
    """Show how far the relay is behind, and what it gave up on.

    Examples:
      milepost outbox
      milepost outbox --revive
    """
    with opened() as parts:
        now, out = parts.clock.now(), console()
        if revive:
            count = parts.database.run(lambda found: _revive(found, now))
            out.print(f"{count} rows are back in line.")
        with parts.database.read() as connection:
            lag, dead = outbox_lag(connection, now), dead_rows(connection)
    out.print(f"due: {lag['due']}, oldest: {lag['seconds']:.0f} s, given up on: {lag['dead']}")
    for row in dead:
        out.print(
            f"{row['id']} {row['kind']} {row['workflow_id']}: {row['last_error']}", markup=False
        )


def _revive(connection: Connection, now: datetime) -> int:
    SqlAudit(connection, now).add(actor(), "outbox.revive", "outbox")
    return revive_rows(connection, now)


def prove() -> None:
    """Sum the whole points ledger again. Ends with 1 if anything does not add up.

    Example:
      milepost prove
    """
    with opened() as parts:
        begun = time.monotonic()
        proof = _proof(parts)
        now, took = parts.clock.now(), time.monotonic() - begun
        parts.database.run(lambda found: note_proof(found, proof, now, took))
    out = console()
    figures = (
        "transactions",
        "members",
        "issued",
        "redeemed",
        "lapsed",
        "outstanding",
        "held",
        "owed",
    )
    for name in figures:
        out.print(f"{name:>14}  {getattr(proof, name):>15,}")
    for check in proof.checks:
        mark = f"[red]no: {check.broken}[/]" if check.broken else "[green]yes[/]"
        out.print(f"{mark}  {check.what}")
    if not proof.ok:
        raise typer.Exit(1)


def _proof(parts: Parts) -> Proof:
    with parts.database.read() as connection:
        return prove_ledger(connection)
