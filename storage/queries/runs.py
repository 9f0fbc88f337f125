"""Runs: one member's way through one campaign, found and taken apart for operators."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from loyalty.records import Decision
from storage.decisions import SHAPE
from storage.queries.messages import messages_of_run
from storage.queries.pages import View, first, rows, without
from storage.tables import decisions, enrolments, operator_commands, outbox, waits

_LISTED = without(
    enrolments, "entry_key", "nudged_turn", "position", "remembered", "trigger_seq", "turn"
)


def search_runs(
    connection: Connection,
    member_id: str | None = None,
    campaign_id: str | None = None,
    state: str | None = None,
    after: str | None = None,
    limit: int = 50,
    *,
    stuck_since: datetime | None = None,
) -> list[View]:
    """Runs by id; what is none does not narrow. `after` is the id of the last one seen."""
    narrow: list[ColumnElement[bool]] = []
    if member_id is not None:
        narrow.append(enrolments.c.member_id == member_id)
    if campaign_id is not None:
        narrow.append(enrolments.c.campaign_id == campaign_id)
    if state is not None:
        narrow.append(enrolments.c.state == state)
    if stuck_since is not None:
        narrow.append(is_stuck(stuck_since))
    if after:
        narrow.append(enrolments.c.id > after)
    found = select(*_LISTED).where(*narrow).order_by(enrolments.c.id).limit(limit)
    return rows(connection, found)


def stuck(connection: Connection, now: datetime) -> list[View]:
    """Runs that nothing will ever wake: not ended, not held, nothing due later, nothing in line."""
    found = select(*_LISTED).where(is_stuck(now)).order_by(enrolments.c.id)
    return rows(connection, found)


def listed_runs(connection: Connection, ids: Sequence[str]) -> list[View]:
    """Of these runs those that have not ended, as rows of a repair list."""
    e = enrolments.c
    shown = (
        e.id.label("target"),
        func.coalesce(e.wake_at, e.admitted_at).label("at"),
        e.member_id,
        e.campaign_id,
        e.template.label("kind"),
        e.state.label("detail"),
    )
    found = select(*shown).where(e.id.in_(ids), e.state != "ended")
    return rows(connection, found.order_by(e.id)) if ids else []


def is_stuck(since: datetime) -> ColumnElement[bool]:
    """Its last reason to wake was at `since` or before, and the relay has nothing for it."""
    e, o = enrolments.c, outbox.c
    # Read once, not once for each run: both sides may be long after a day without Temporal.
    in_line = select(o.workflow_id).where(o.sent_at.is_(None), o.dead_at.is_(None))
    return and_(
        e.state.in_(("admitted", "waiting")),
        or_(e.wake_at <= since, and_(e.wake_at.is_(None), e.admitted_at <= since)),
        e.id.not_in(in_line),
    )


def run(connection: Connection, enrolment_id: str) -> View | None:
    """One run with all that belongs to it: decisions, messages, open waits, operators' commands."""
    found = first(connection, select(enrolments).where(enrolments.c.id == enrolment_id))
    if found is None:
        return None
    open_waits = select(*without(waits, "enrolment_id", "member_id")).where(
        waits.c.enrolment_id == enrolment_id, ~waits.c.event_type.startswith("goal:")
    )
    commands = select(*without(operator_commands, "enrolment_id")).where(
        operator_commands.c.enrolment_id == enrolment_id
    )
    return found | {
        "decisions": _decisions(connection, decisions.c.enrolment_id == enrolment_id),
        "messages": messages_of_run(connection, enrolment_id),
        "waits": rows(connection, open_waits.order_by(waits.c.event_type)),
        "commands": rows(connection, commands.order_by(operator_commands.c.id)),
    }


def decisions_of(connection: Connection, member_id: str, campaign_id: str) -> list[Decision]:
    """Why a campaign did what it did for a member, oldest first; also when it let them not in."""
    return _decisions(
        connection,
        and_(decisions.c.member_id == member_id, decisions.c.campaign_id == campaign_id),
    )


def _decisions(connection: Connection, which: ColumnElement[bool]) -> list[Decision]:
    found = connection.execute(select(*SHAPE.columns).where(which).order_by(decisions.c.id))
    return [Decision(*row) for row in found]
