"""What the programme's regular care has to look at, page by page."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, String, exists, func, literal, select, update

from storage.postings import account_id, member_of
from storage.queries.pages import View, rows
from storage.tables import campaigns, claims, enrolments, holds, outbox

ONCE_PER = timedelta(hours=1)
"""A run that was started again and is stuck again waits this long: something is wrong with it."""


def overdue_claims(connection: Connection, before: datetime, limit: int = 200) -> Sequence[str]:
    """Reservations past their time that their own orders have not given back."""
    query = select(claims.c.id).where(claims.c.status == "reserved", claims.c.expires_at <= before)
    return connection.execute(query.order_by(claims.c.id).limit(limit)).scalars().all()


def overdue_holders(
    connection: Connection, before: datetime, after: str, limit: int
) -> Sequence[str]:
    """Members, by id, with a hold that is past its time and open in the books."""
    account = holds.c.account_id
    query = select(account).where(
        holds.c.status == "open",
        holds.c.expires_at <= before,
        account > account_id("member", after),
    )
    found = connection.execute(query.distinct().order_by(account).limit(limit))
    return [member_of(each) for each in found.scalars()]


def stuck_runs(connection: Connection, now: datetime, before: datetime, limit: int) -> list[str]:
    """Runs whose reason to wake is past, with nothing in line for them, not tried of late."""
    wakeful = enrolments.c.state.in_(("admitted", "waiting"))
    # Whoever resumed or stopped the campaign did not reach it.
    left_held = (enrolments.c.state == "held") & (campaigns.c.state != "paused")
    query = (
        select(enrolments.c.id)
        .join(campaigns, campaigns.c.id == enrolments.c.campaign_id)
        .where(
            wakeful | left_held,
            func.coalesce(enrolments.c.wake_at, enrolments.c.admitted_at) <= before,
            ~_in_hand(enrolments.c.id, now),
        )
        .order_by(enrolments.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def stuck_campaigns(connection: Connection, now: datetime, before: datetime) -> list[str]:
    """The same for campaigns' own workflows, also those with a pause or a stop to carry out."""
    name = literal("c/", String) + campaigns.c.id
    query = select(campaigns.c.id).where(
        campaigns.c.state.in_(("launched", "paused", "stopped")),
        campaigns.c.wake_at <= before,
        ~_in_hand(name, now),
    )
    return list(connection.execute(query.order_by(campaigns.c.id).limit(200)).scalars())


def _in_hand(workflow: ColumnElement[str], now: datetime) -> ColumnElement[bool]:
    """Something waits in line for it, or upkeep has started it again within the hour."""
    waiting = outbox.c.sent_at.is_(None) & outbox.c.dead_at.is_(None)
    tried = outbox.c.kind.like("start_%") & (outbox.c.created_at > now - ONCE_PER)
    return exists().where(outbox.c.workflow_id == workflow, waiting | tried)


def dead_rows(connection: Connection, limit: int = 50) -> list[View]:
    """Outbox rows that were given up on, newest first."""
    shown = (
        outbox.c.id,
        outbox.c.kind,
        outbox.c.workflow_id,
        outbox.c.attempts,
        outbox.c.dead_at,
        outbox.c.last_error,
    )
    query = select(*shown).where(outbox.c.dead_at.is_not(None), outbox.c.sent_at.is_(None))
    return rows(connection, query.order_by(outbox.c.id.desc()).limit(limit))


def revive(connection: Connection, now: datetime) -> int:
    """Put every row that was given up on back in line."""
    done = connection.execute(
        update(outbox)
        .where(outbox.c.dead_at.is_not(None), outbox.c.sent_at.is_(None))
        .values(dead_at=None, attempts=0, available_at=now)
    )
    return done.rowcount
