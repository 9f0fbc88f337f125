"""The gate's word on messages, and the rows that remember it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from loyalty.messages import Verdict, contact_gate
from loyalty.programme import Contact
from storage.contact import ContactBook, Pending
from storage.tables import contact_verdicts


def judge_all(
    book: ContactBook, pending: Iterable[Pending], contact: Contact, now: datetime
) -> dict[str, Verdict]:
    """Judge messages in order; each one let go counts for those after it."""
    verdicts = {}
    for one in pending:
        verdict = verdicts[one.key] = contact_gate(book.facts(one), contact, now)
        if verdict.verdict == "send":
            book.let_go(one)
    return verdicts


def note_verdicts(connection: Connection, verdicts: Mapping[str, Verdict], now: datetime) -> None:
    rows = [
        {
            "message_key": key,
            "verdict": verdict.verdict,
            "reason": verdict.reason,
            "at": now,
            "until": verdict.until,
        }
        for key, verdict in verdicts.items()
    ]
    if rows:
        connection.execute(insert(contact_verdicts), rows)


def last_verdicts(connection: Connection, keys: Sequence[str]) -> dict[str, Verdict]:
    """The newest verdict on each of these messages."""
    if not keys:
        return {}
    last = (
        select(func.max(contact_verdicts.c.id))
        .where(contact_verdicts.c.message_key.in_(keys))
        .group_by(contact_verdicts.c.message_key)
    )
    rows = connection.execute(select(contact_verdicts).where(contact_verdicts.c.id.in_(last)))
    return {row.message_key: Verdict(row.verdict, row.reason, row.until) for row in rows}
