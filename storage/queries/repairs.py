"""What needs a hand, list by list. Each is one indexed question; counts stop at a thousand.

Every row says the same of itself: `target` (what an act names), `at` (since when), member, campaign
and a detail. What somebody set aside is not shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    text,
    tuple_,
)

from loyalty.repairs import CLAIM_GRACE, DEFERRED_AFTER, LOOKED_BACK, ListName
from storage.queries.pages import View, rows
from storage.queries.runs import is_stuck
from storage.schema.events import LATE
from storage.tables import (
    campaigns,
    claims,
    enrolments,
    inbox,
    messages,
    outbox,
    refused_events,
    set_aside,
)

COUNTED_MAX = 1000
"""Whoever sees a thousand does not need to know how many more there are."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is asked with: the instant, the lateness allowed, the part of it that counts."""

    now: datetime
    lateness: timedelta
    stuck_since: datetime
    dialect: str
    campaign_id: str | None = None
    member_id: str | None = None


def _row(target: Any, at: Any, member: Any, campaign: Any, kind: Any, detail: Any) -> Select[Any]:
    return select(
        cast(target, String).label("target"),
        at.label("at"),
        member.label("member_id"),
        campaign.label("campaign_id"),
        kind.label("kind"),
        detail.label("detail"),
    )


_NONE = cast(null(), String)


def _stuck_runs(asked: Asked) -> Select[Any]:
    e = enrolments.c
    at = func.coalesce(e.wake_at, e.admitted_at)
    found = _row(e.id, at, e.member_id, e.campaign_id, e.template, e.state)
    return found.where(is_stuck(asked.stuck_since))


def _parked_rows(asked: Asked) -> Select[Any]:
    o = outbox.c
    found = _row(o.id, o.dead_at, _NONE, _NONE, o.kind, o.workflow_id + ": " + o.last_error)
    return found.where(o.sent_at.is_(None), o.dead_at.is_not(None))


def _refused_events(asked: Asked) -> Select[Any]:
    r = refused_events.c
    recorded = exists().where(inbox.c.source == r.source, inbox.c.event_id == r.event_id)
    target = r.source + "/" + r.event_id
    said = r.code + ": " + r.detail
    found = _row(target, r.last_at, r.member_id, _NONE, r.kind, said)
    found = found.add_columns(r.code, r.errors, r.facts)
    # The same id with other content stays refused although the first is recorded (rule 14).
    return found.where(or_(r.code == "key_reused", ~recorded))


def _late_events(asked: Asked) -> Select[Any]:
    i = inbox.c
    found = _row(i.seq, i.recorded_at, i.member_id, _NONE, i.type, cast(i.occurred_at, String))
    days = asked.lateness / timedelta(days=1)
    return found.where(
        text(LATE[asked.dialect]),
        _late_by(asked.dialect, days),
        i.recorded_at > asked.now - LOOKED_BACK,
        # What was before the first launch is history brought along: no journey could want it.
        i.occurred_at >= select(func.min(campaigns.c.launched_at)).scalar_subquery(),
    )


def _late_by(dialect: str, days: float) -> ColumnElement[bool]:
    i = inbox.c
    if dialect == "sqlite":
        return func.julianday(i.recorded_at) - func.julianday(i.occurred_at) > days
    return i.recorded_at - i.occurred_at > timedelta(days=days)


def _messages(status: str) -> Callable[[Asked], Select[Any]]:
    m = messages.c

    def asked_for(asked: Asked) -> Select[Any]:
        detail = func.coalesce(m.last_error, "")
        found = _row(m.key, m.due_at, m.member_id, m.campaign_id, m.channel, detail)
        return found.where(m.status == status, m.due_at > asked.now - LOOKED_BACK)

    return asked_for


def _deferred_messages(asked: Asked) -> Select[Any]:
    m = messages.c
    detail = func.coalesce(m.last_error, "")
    found = _row(m.key, m.created_at, m.member_id, m.campaign_id, m.channel, detail)
    waiting = m.status.in_(("queued", "deferred"))
    return found.where(waiting, m.created_at <= asked.now - DEFERRED_AFTER)


def _overdue_claims(asked: Asked) -> Select[Any]:
    c = claims.c
    found = _row(c.id, c.expires_at, c.member_id, c.offer_id, literal("claim"), c.status)
    return found.where(c.status == "reserved", c.expires_at <= asked.now - CLAIM_GRACE)


_LISTS: Mapping[ListName, Callable[[Asked], Select[Any]]] = {
    "stuck_runs": _stuck_runs,
    "parked_rows": _parked_rows,
    "refused_events": _refused_events,
    "late_events": _late_events,
    "unknown_messages": _messages("unknown"),
    "failed_messages": _messages("failed"),
    "deferred_messages": _deferred_messages,
    "overdue_claims": _overdue_claims,
}
IN_TABLES: tuple[ListName, ...] = tuple(_LISTS)
"""Lists that the database answers; Temporal and the last verification know of the others."""


def count(connection: Connection, name: ListName, asked: Asked) -> int:
    """How many there are, up to `COUNTED_MAX` and one more."""
    some = _shown(name, asked).limit(COUNTED_MAX + 1).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def page(
    connection: Connection,
    name: ListName,
    asked: Asked,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[View]:
    """Oldest first; `after` is the instant and target of the last one seen."""
    shown = _shown(name, asked).subquery()
    query = select(shown).order_by(shown.c.at, shown.c.target).limit(limit)
    if after is not None:
        at, target = after
        seen = tuple_(literal(at, shown.c.at.type), literal(target))
        query = query.where(tuple_(shown.c.at, shown.c.target) > seen)
    return rows(connection, query)


def targets(connection: Connection, name: ListName, asked: Asked, limit: int) -> list[str]:
    """What the list names now, oldest first."""
    shown = _shown(name, asked).subquery()
    query = select(shown.c.target).order_by(shown.c.at, shown.c.target).limit(limit)
    return [str(each) for each in connection.execute(query).scalars()]


def _shown(name: ListName, asked: Asked) -> Select[Any]:
    found = _LISTS[name](asked)
    chosen = found.selected_columns
    narrow: list[ColumnElement[bool]] = []
    if asked.campaign_id is not None:
        narrow.append(chosen["campaign_id"] == asked.campaign_id)
    if asked.member_id is not None:
        narrow.append(chosen["member_id"] == asked.member_id)
    aside = exists().where(
        and_(set_aside.c.list == name, set_aside.c.target == cast(chosen["target"], String))
    )
    return found.where(~aside, *narrow)
