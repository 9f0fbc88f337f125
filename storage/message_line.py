"""The lines of messages, one a channel: claimed by one sender each, and judged as they are.

A row in `sending` belongs to the attempt that claimed it. Found there long after, the attempt was
interrupted: an in-app message or a webhook is simply sent again (the row, or the receiver, knows
its key), an e-mail becomes `unknown` and waits for a person. Source: rule 30.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from loyalty.errors import Unknown, WrongState
from loyalty.messages import Outgoing, Verdict
from loyalty.programme import Channel, Programme
from storage.contact import GOING_OUT, ContactBook, Pending, lock_budgets
from storage.tables import campaigns, members, messages
from storage.unsubscribe_links import tokens_of
from storage.verdicts import judge_all, last_verdicts, note_verdicts

LEASE = timedelta(minutes=15)
"""Longer than any claimed batch takes to send: delivery's concurrency and time-outs bound it."""
INTERRUPTED = "interrupted: the sender went away between sending and noting it"
# Spelled out, not bound: databases use the partial index only for what they can read.
_WAITING = messages.c.status.in_([literal_column("'queued'"), literal_column("'deferred'")])
_PAUSED = select(campaigns.c.id).where(campaigns.c.state == "paused")
NOT_PAUSED = or_(
    messages.c.purpose != "marketing",
    func.coalesce(messages.c.campaign_id, "").not_in(_PAUSED),
)
"""Marketing of a paused campaign waits for its resume."""


def goes_out(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Messages whose time has come."""
    return _WAITING & (messages.c.due_at <= now) & NOT_PAUSED


def _interrupted(before: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return (messages.c.status == "sending") & (messages.c.claimed_at <= before)


# Built once, for it is asked all day.
_DUE = select(
    exists().where(messages.c.channel == bindparam("channel"), goes_out(bindparam("now")))
    | exists().where(_interrupted(bindparam("lost")))
)


class SqlMessageLine:
    """The lines inside one transaction that the caller commits; `now` is its instant."""

    def __init__(self, connection: Connection, programme: Programme, now: datetime) -> None:
        self._connection = connection
        self._programme = programme
        self._now = now

    def due(self, channel: Channel) -> bool:
        """Whether there is a message whose time has come, or a send that was interrupted."""
        asked = {"channel": channel, "now": self._now, "lost": self._now - LEASE}
        return bool(self._connection.execute(_DUE, asked).scalar_one())

    def claim(self, channel: Channel, limit: int) -> list[Outgoing]:
        """Take due messages for one sender each, and ask the gate again in the same transaction.

        What the gate now defers or drops is written down and not returned. A verdict row is added
        only where the verdict changed.
        """
        self.recover()
        rows = self._lock_due(channel, limit)
        if not rows:
            return []
        pending = {row.key: pending_row(row) for row in rows}
        lock_budgets(self._connection, {channel} & set(self._programme.contact.daily_budget))
        book = ContactBook(self._connection, self._programme, self._now)
        book.read(list(pending.values()), GOING_OUT)
        before = last_verdicts(self._connection, list(pending))
        verdicts = judge_all(book, pending.values(), self._programme.contact, self._now)
        changed = {key: v for key, v in verdicts.items() if v != before.get(key)}
        note_verdicts(self._connection, changed, self._now)
        self._apply(verdicts)
        sends = [row for row in rows if verdicts[row.key].verdict == "send"]
        links = tokens_of(self._connection, {row.member_id for row in sends if _refusable(row)})
        return [
            _outgoing(
                row,
                book.address(pending[row.key]),
                links[row.member_id] if _refusable(row) else None,
            )
            for row in sends
        ]

    def _lock_due(self, channel: Channel, limit: int) -> Sequence[Row[Any]]:
        """Due rows with their members, locked; whoever is locked elsewhere comes next time.

        Locking the member too lets no two senders count the same member's cap at once.
        """
        rows = (
            select(messages, campaigns.c.state.label("campaign_state"))
            .join(members, members.c.id == messages.c.member_id)
            .outerjoin(campaigns, campaigns.c.id == messages.c.campaign_id)
            .where(messages.c.channel == channel, goes_out(self._now))
            .order_by(messages.c.due_at, messages.c.key)
            .limit(limit)
            .with_for_update(of=[messages, members], skip_locked=True)
        )
        return self._connection.execute(rows).all()

    def _apply(self, verdicts: Mapping[str, Verdict]) -> None:
        sends = [k for k, v in verdicts.items() if v.verdict == "send"]
        drops = [{"of": k, "rule": v.reason} for k, v in verdicts.items() if v.verdict == "drop"]
        defers = [
            {"of": k, "until": v.until, "rule": v.reason}
            for k, v in verdicts.items()
            if v.verdict == "defer"
        ]
        if sends:
            self._connection.execute(
                update(messages)
                .where(messages.c.key.in_(sends), messages.c.status.in_(("queued", "deferred")))
                .values(status="sending", claimed_at=self._now, attempts=messages.c.attempts + 1)
            )
        if drops:
            self._connection.execute(
                update(messages)
                .where(messages.c.key == bindparam("of"))
                .values(status="dropped", held_back_by=bindparam("rule")),
                drops,
            )
        if defers:
            self._connection.execute(
                update(messages)
                .where(messages.c.key == bindparam("of"))
                .values(
                    status="deferred", due_at=bindparam("until"), held_back_by=bindparam("rule")
                ),
                defers,
            )

    def recover(self) -> None:
        """Put interrupted sends back in line, except e-mail: those become `unknown`."""
        mail = messages.c.channel == "email"
        self._connection.execute(
            update(messages)
            .where(_interrupted(self._now - LEASE))
            .values(
                status=case((mail, "unknown"), else_="deferred"),
                due_at=self._now,
                last_error=INTERRUPTED,
            )
        )

    def resend(self, key: str) -> None:
        """An operator's word that a failed or unknown message shall go out (again).

        The gate judges it again; an e-mail keeps its Message-ID, so mail programs that know it
        show one. Raises Unknown, or WrongState for any other status.
        """
        status = self._connection.execute(
            select(messages.c.status).where(messages.c.key == key).with_for_update()
        ).scalar_one_or_none()
        if status is None:
            raise Unknown("message", key)
        if status not in ("failed", "unknown"):
            raise WrongState(
                f"Message {key!r} is {status}: only a failed or unknown one can be sent again.",
                key=key,
                status=status,
            )
        self._connection.execute(
            update(messages)
            .where(messages.c.key == key)
            .values(
                status="queued",
                due_at=self._now,
                expires_at=self._now + self._programme.contact.give_up_after,
            )
        )


def pending_row(row: Row[Any]) -> Pending:
    stopped = row.campaign_state == "stopped"
    return Pending(row.key, row.member_id, row.channel, row.purpose, row.expires_at, stopped)


def _refusable(row: Row[Any]) -> bool:
    """Whether the member is offered to refuse it: marketing, where nothing else lets them."""
    return bool(row.channel == "email" and row.purpose == "marketing")


def _outgoing(row: Row[Any], address: str, unsubscribe_token: str | None) -> Outgoing:
    return Outgoing(
        key=row.key,
        attempt=row.attempts + 1,
        member_id=row.member_id,
        campaign_id=row.campaign_id,
        version=row.version,
        message=row.message,
        channel=row.channel,
        purpose=row.purpose,
        locale=row.locale,
        variables=row.variables,
        address=address,
        expires_at=row.expires_at,
        unsubscribe_token=unsubscribe_token,
    )
