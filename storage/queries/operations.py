"""How the machinery is doing: acts on record, ledger transactions, what waits to go out."""

import json
from datetime import datetime

from sqlalchemy import Connection, func, select

from loyalty.ledger import OWN
from storage.postings import account_id
from storage.queries.pages import View, first, rows, without
from storage.tables import audit, entries, messages, outbox, transactions


def audit_of(
    connection: Connection, target: str, *, before: int | None = None, limit: int = 50
) -> list[View]:
    """Who did what to this thing and why, newest first."""
    query = select(audit).where(audit.c.target == target)
    if before is not None:
        query = query.where(audit.c.id < before)
    return rows(connection, query.order_by(audit.c.id.desc()).limit(limit))


_MOVE = ("member_id", "expires_at", "available_at", "source", "amount", "held_delta")


def transaction(connection: Connection, key: str) -> View | None:
    """A ledger transaction with its entries: every movement and the working it came from."""
    shown = without(transactions, "body_hash")
    found = first(connection, select(*shown).where(transactions.c.key == key))
    if found is None:
        return None
    # Entries are found by their accounts: a transaction moves one member's, or two members'.
    owners = [id for id in (found["member_id"], found["other_id"]) if id]
    ids = [account_id(kind, owner) for owner in owners for kind in OWN]
    movements = select(*without(entries, "transaction_id")).where(
        entries.c.account_id.in_(ids), entries.c.transaction_id == found["id"]
    )
    ordered = rows(connection, movements.order_by(entries.c.account_id, entries.c.seq))
    return found | {
        "leaf": found["leaf"].hex(),
        "meta": json.loads(found["meta"]),
        "moves": [dict(zip(_MOVE, move, strict=True)) for move in json.loads(found["moves"])],
        "entries": [entry | {"chain": entry["chain"].hex()} for entry in ordered],
    }


def outbox_lag(connection: Connection, now: datetime) -> View:
    """How far the relay is behind: what is due and unsent, since when; and what it gave up on."""
    due = (outbox.c.sent_at.is_(None), outbox.c.dead_at.is_(None), outbox.c.available_at <= now)
    waiting, oldest = connection.execute(
        select(func.count(), func.min(outbox.c.available_at)).where(*due)
    ).one()
    dead = connection.execute(
        select(func.count()).where(outbox.c.dead_at.is_not(None), outbox.c.sent_at.is_(None))
    ).scalar_one()
    seconds = (now - oldest).total_seconds() if oldest else 0.0
    return {"due": waiting, "oldest_at": oldest, "seconds": seconds, "dead": dead}


def message_lag(connection: Connection, now: datetime) -> View:
    """How far sending is behind: messages due and unsent, since when; and those of unknown fate."""
    due = (messages.c.status.in_(("queued", "deferred")), messages.c.due_at <= now)
    waiting, oldest = connection.execute(
        select(func.count(), func.min(messages.c.due_at)).where(*due)
    ).one()
    unknown = connection.execute(
        select(func.count()).where(messages.c.status == "unknown")
    ).scalar_one()
    seconds = (now - oldest).total_seconds() if oldest else 0.0
    return {"due": waiting, "seconds": seconds, "unknown": unknown}
