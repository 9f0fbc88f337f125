"""A claimed message on its last steps: asked about right before it leaves, and noted as it ended.

A batch may stand for minutes before a slow channel. Whoever has unsubscribed, been erased or moved
to another address meanwhile, and whose campaign was stopped or paused, gets nothing more of it.
The claim has counted the message for budget and cap already, so these are not weighed again.
Source: rules 19, 20 and 30.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    func,
    select,
    update,
)

from loyalty.messages import Outgoing, Settlement
from loyalty.programme import Programme
from storage.contact import ContactBook
from storage.message_line import NOT_PAUSED, pending_row
from storage.tables import campaigns, messages
from storage.verdicts import judge_all


def _or_as_it_is(name: str, column: Column[Any]) -> ColumnElement[Any]:
    return func.coalesce(bindparam(name, type_=column.type), column)


# Built once, for they are asked for every letter.
_OURS: Select[Any] = (
    select(
        messages.c.key,
        messages.c.member_id,
        messages.c.channel,
        messages.c.purpose,
        messages.c.expires_at,
        campaigns.c.state.label("campaign_state"),
    )
    .outerjoin(campaigns, campaigns.c.id == messages.c.campaign_id)
    .where(
        messages.c.key == bindparam("of"),
        messages.c.status == "sending",
        messages.c.attempts == bindparam("attempt"),
        NOT_PAUSED,
    )
)
_SETTLE = (
    update(messages)
    .where(
        messages.c.key == bindparam("of"),
        messages.c.attempts == bindparam("attempt"),
        # A slow attempt may have been taken for interrupted: its own word is better.
        messages.c.status.in_(("sending", "unknown", "deferred")),
    )
    .values(
        status=bindparam("ends"),
        last_error=bindparam("error"),
        due_at=_or_as_it_is("until", messages.c.due_at),
        sent_at=_or_as_it_is("sent", messages.c.sent_at),
        subject=_or_as_it_is("title", messages.c.subject),
        body=_or_as_it_is("said", messages.c.body),
    )
)


def may_leave(
    connection: Connection, programme: Programme, outgoing: Outgoing, now: datetime
) -> bool:
    """Whether the attempt is still ours, and the gate says send, to the address we hold."""
    ours = {"of": outgoing.key, "attempt": outgoing.attempt}
    row = connection.execute(_OURS, ours).one_or_none()
    if row is None:
        return False
    pending = pending_row(row)
    book = ContactBook(connection, programme, now)
    book.read_people([pending.member_id])
    verdict = judge_all(book, [pending], programme.contact, now)[pending.key]
    return verdict.verdict == "send" and book.address(pending) == outgoing.address


def settle(connection: Connection, settlement: Settlement, now: datetime) -> bool:
    """Note how an attempt ended; false if a later attempt or a person has taken over."""
    ends = {
        "of": settlement.key,
        "attempt": settlement.attempt,
        "ends": settlement.status,
        "error": settlement.error,
        "until": (settlement.due_at or now) if settlement.status == "deferred" else None,
        "sent": now if settlement.status == "sent" else None,
        "title": settlement.subject,
        "said": settlement.body,
    }
    return connection.execute(_SETTLE, ends).rowcount == 1
