"""The line of messages: claimed by one sender, asked about once more, settled.

A row in `sending` belongs to the attempt that claimed it. Found there long after, the attempt was
interrupted: an in-app message or a webhook is simply sent again (the row, or the receiver, knows
its key), an e-mail becomes `unknown` and waits for a person. Source: rule 30.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, case, func, select, update

from loyalty.errors import Unknown, WrongState
from loyalty.messages import Outgoing, Settlement, Status, Verdict
from loyalty.programme import Programme
from storage.contact import GOING_OUT, ContactBook, Pending, lock_budgets
from storage.tables import campaigns, members, messages
from storage.verdicts import judge_all, last_verdicts, note_verdicts

LEASE = timedelta(minutes=15)
"""Longer than any claimed batch takes to send: delivery's concurrency and time-outs bound it."""
INTERRUPTED = "interrupted: the sender went away between sending and noting it"


class SqlMessageLine:
    """The line inside one transaction that the caller commits; `now` is its instant."""

    def __init__(self, connection: Connection, programme: Programme, now: datetime) -> None:
        self._connection = connection
        self._programme = programme
        self._now = now

    def due(self, limit: int) -> list[str]:
        """Keys of messages whose time has come, and of sends that were interrupted."""
        waiting = (
            select(messages.c.key)
            .where(messages.c.status.in_(("queued", "deferred")), messages.c.due_at <= self._now)
            .order_by(messages.c.due_at)
            .limit(limit)
        )
        keys = list(self._connection.execute(waiting).scalars())
        lost = select(messages.c.key).where(self._interrupted()).limit(limit - len(keys))
        return keys + list(self._connection.execute(lost).scalars())

    def claim(self, limit: int) -> list[Outgoing]:
        """Take due messages for one sender each, and ask the gate again in the same transaction.

        What the gate now defers or drops is written down and not returned. A verdict row is added
        only where the verdict changed.
        """
        self.recover()
        rows = self._lock_due(limit)
        if not rows:
            return []
        pending = {row.key: _pending_row(row) for row in rows}
        budgeted = {p.channel for p in pending.values()} & set(self._programme.contact.daily_budget)
        lock_budgets(self._connection, budgeted)
        book = ContactBook(self._connection, self._programme, self._now)
        book.read(list(pending.values()), GOING_OUT)
        before = last_verdicts(self._connection, list(pending))
        verdicts = judge_all(book, pending.values(), self._programme.contact, self._now)
        changed = {key: v for key, v in verdicts.items() if v != before.get(key)}
        note_verdicts(self._connection, changed, self._now)
        self._apply(verdicts)
        return [
            _outgoing(row, book.address(pending[row.key]))
            for row in rows
            if verdicts[row.key].verdict == "send"
        ]

    def _lock_due(self, limit: int) -> list[Row[Any]]:
        """Due rows with their members, locked; whoever is locked elsewhere comes next time.

        Locking the member too lets no two senders count the same member's cap at once. One
        statement per status, so that each walks its index in order however long the line is.
        """
        rows: list[Row[Any]] = []
        for status in ("deferred", "queued"):
            if len(rows) < limit:
                rows += self._connection.execute(self._due_rows(status, limit - len(rows))).all()
        return rows

    def _due_rows(self, status: Status, limit: int) -> Select[Any]:
        campaign = campaigns.c.id == messages.c.campaign_id
        held = (campaigns.c.state == "paused") & (messages.c.purpose == "marketing")
        return (
            select(messages, campaigns.c.state.label("campaign_state"))
            .join(members, members.c.id == messages.c.member_id)
            .outerjoin(campaigns, campaign)
            .where(messages.c.status == status, messages.c.due_at <= self._now)
            .where(func.coalesce(held, False).is_(False))
            .order_by(messages.c.due_at, messages.c.key)
            .limit(limit)
            .with_for_update(of=[messages, members], skip_locked=True)
        )

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

    def settle(self, settlement: Settlement) -> bool:
        """Note how an attempt ended; false if a later attempt or a person has taken over."""
        values: dict[str, Any] = {"status": settlement.status, "last_error": settlement.error}
        if settlement.status == "sent":
            values |= {
                "sent_at": self._now,
                "subject": settlement.subject,
                "body": settlement.body,
            }
        if settlement.status == "deferred":
            values["due_at"] = settlement.due_at or self._now
        done = self._connection.execute(
            update(messages)
            .where(
                messages.c.key == settlement.key,
                messages.c.attempts == settlement.attempt,
                # A slow attempt may have been taken for interrupted: its own word is better.
                messages.c.status.in_(("sending", "unknown", "deferred")),
            )
            .values(**values)
        )
        return done.rowcount == 1

    def recover(self) -> int:
        """Put interrupted sends back in line, except e-mail: those become `unknown`."""
        mail = messages.c.channel == "email"
        done = self._connection.execute(
            update(messages)
            .where(self._interrupted())
            .values(
                status=case((mail, "unknown"), else_="deferred"),
                due_at=self._now,
                last_error=INTERRUPTED,
            )
        )
        return done.rowcount

    def _interrupted(self) -> Any:
        return (messages.c.status == "sending") & (messages.c.claimed_at <= self._now - LEASE)

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


def _pending_row(row: Row[Any]) -> Pending:
    stopped = row.campaign_state == "stopped"
    return Pending(row.key, row.member_id, row.channel, row.purpose, row.expires_at, stopped)


def _outgoing(row: Row[Any], address: str) -> Outgoing:
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
    )
