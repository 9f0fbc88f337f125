"""Messages put in line in the transaction of the effect that says them.

A message is queued once by its key and judged by the gate at once, so that the member's timeline
says on the spot what will become of it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from loyalty.errors import Unknown
from loyalty.messages import ContactStanding, NewMessage, Queued, Status, useful_until
from loyalty.programme import Programme
from storage.contact import GOING_OUT, ContactBook, Pending
from storage.tables import messages
from storage.verdicts import judge_all, last_verdicts, note_verdicts

# Built once: putting a statement together costs as much as running it.
_STORED = select(messages.c.key, messages.c.status).where(
    messages.c.key.in_(bindparam("keys", expanding=True))
)
_LINE_UP = insert(messages)
_WITHDRAW = (
    update(messages)
    .where(
        messages.c.key.in_(bindparam("keys", expanding=True)),
        messages.c.status.in_(("queued", "deferred")),
    )
    .values(expires_at=bindparam("now"))
)
_STATUS: Mapping[str, Status] = {"send": "queued", "defer": "deferred", "drop": "dropped"}


class SqlMessages:
    """Messages inside one transaction that the caller commits; `now` is its instant."""

    def __init__(self, connection: Connection, programme: Programme, now: datetime) -> None:
        self._connection = connection
        self._programme = programme
        self._now = now

    def queue_many(self, new: Sequence[NewMessage]) -> list[Queued]:
        """Put messages in line, each key once: a page takes the same few statements as one."""
        if not new:
            return []
        answers = self._stored([m.key for m in new])
        fresh = {m.key: m for m in new if m.key not in answers}
        pending = [self._pending(m) for m in fresh.values()]
        book = ContactBook(self._connection, self._programme, self._now)
        book.read(pending, (*GOING_OUT, "queued"))
        verdicts = judge_all(book, pending, self._programme.contact, self._now)
        answers |= {key: Queued(_STATUS[v.verdict], v) for key, v in verdicts.items()}
        if pending:
            rows = [self._row(fresh[p.key], p, answers[p.key]) for p in pending]
            self._connection.execute(_LINE_UP, rows)
            note_verdicts(self._connection, verdicts, self._now)
        return [answers[m.key] for m in new]

    def withdraw(self, keys: Sequence[str]) -> None:
        """End the time of what is still in line; the gate then drops it as `expired`."""
        self._connection.execute(_WITHDRAW, {"keys": keys, "now": self._now})

    def standing(self, member_id: str) -> ContactStanding:
        """What the gate would judge a message to the member by, those in line included."""
        book = ContactBook(self._connection, self._programme, self._now)
        return book.standing(member_id, (*GOING_OUT, "queued"))

    def _stored(self, keys: Sequence[str]) -> dict[str, Queued]:
        rows = self._connection.execute(_STORED, {"keys": keys}).all()
        verdicts = last_verdicts(self._connection, [row.key for row in rows])
        return {row.key: Queued(row.status, verdicts[row.key]) for row in rows}

    def _pending(self, new: NewMessage) -> Pending:
        expires_at = useful_until(new, self._programme.contact, self._now)
        return Pending(new.key, new.member_id, new.channel, new.purpose, expires_at)

    def _row(self, new: NewMessage, pending: Pending, queued: Queued) -> dict[str, Any]:
        return {
            "key": new.key,
            "member_id": new.member_id,
            "campaign_id": new.campaign_id,
            "version": new.version,
            "enrolment_id": new.enrolment_id,
            "message": new.message,
            "channel": new.channel,
            "purpose": new.purpose,
            "locale": new.locale,
            "variables": dict(new.variables),
            "status": queued.status,
            "created_at": self._now,
            "due_at": queued.verdict.until or self._now,
            "expires_at": pending.expires_at,
            "day": self._now.astimezone(self._programme.tz).date().isoformat(),
            "held_back_by": None if queued.verdict.verdict == "send" else queued.verdict.reason,
        }

    # --- the in-app inbox -------------------------------------------------------------------

    def read(self, member_id: str, key: str) -> None:
        """Note that the member has read one of theirs; the first time counts. Raises Unknown."""
        done = self._connection.execute(
            update(messages)
            .where(
                messages.c.key == key,
                messages.c.member_id == member_id,
                messages.c.channel == "inbox",
                messages.c.status == "sent",
            )
            .values(read_at=func.coalesce(messages.c.read_at, self._now))
        )
        if done.rowcount == 0:
            raise Unknown("message", key)
