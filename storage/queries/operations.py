"""How the machinery is doing: acts on record, ledger transactions, what waits to go out."""

import json
from datetime import datetime
from typing import Protocol

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    func,
    literal,
    or_,
    select,
    union_all,
)

from loyalty.ledger import OWN
from storage.message_line import goes_out
from storage.postings import account_id
from storage.queries.pages import View, first, rows, without
from storage.tables import api_keys, audit, entries, messages, outbox, people, transactions


class ActsSought(Protocol):
    """Which acts to show; what is none does not narrow."""

    @property
    def actor(self) -> str | None: ...
    @property
    def action(self) -> str | None: ...
    @property
    def target(self) -> str | None: ...
    @property
    def since(self) -> datetime | None: ...
    @property
    def until(self) -> datetime | None: ...
    @property
    def before(self) -> int | None: ...
    @property
    def limit(self) -> int: ...


def acts(connection: Connection, sought: ActsSought) -> list[View]:
    """Who did what and why, newest first, each with the actor's name where it is known.

    `action` may be the first part of one: `run` finds `run.retry` and `run.skip`.
    """
    a = audit.c
    named = (
        select(*audit.columns, func.coalesce(people.c.name, api_keys.c.name).label("actor_name"))
        .outerjoin(people, people.c.id == a.actor)
        .outerjoin(api_keys, api_keys.c.id == a.actor)
    )
    narrow: list[ColumnElement[bool]] = []
    if sought.actor is not None:
        # One actor by one is a walk along the index, newest first; a subquery would have to sort.
        called = connection.execute(_called(sought.actor)).scalars().all()
        narrow.append(or_(*(a.actor == each for each in dict.fromkeys(called))))
    if sought.action is not None:
        part = sought.action.removesuffix(".")
        # A range, which walks the index on both databases: "." comes just before "/".
        narrow.append((a.action == part) | a.action.between(f"{part}.", f"{part}/"))
    if sought.target is not None:
        narrow.append(a.target == sought.target)
    if sought.since is not None:
        narrow.append(a.at >= sought.since)
    if sought.until is not None:
        narrow.append(a.at < sought.until)
    if sought.before is not None:
        narrow.append(a.id < sought.before)
    return rows(connection, named.where(*narrow).order_by(a.id.desc()).limit(sought.limit))


def _called(actor: str) -> CompoundSelect[str]:
    """Ids that a name or an id means: people and keys are known by either."""
    return union_all(
        select(literal(actor)),
        select(people.c.id).where(people.c.name == actor),
        select(people.c.id).where(people.c.email == actor),
        select(api_keys.c.id).where(api_keys.c.name == actor),
    )


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
    waiting, oldest = connection.execute(
        select(func.count(), func.min(messages.c.due_at)).where(goes_out(now))
    ).one()
    unknown = connection.execute(
        select(func.count()).where(messages.c.status == "unknown")
    ).scalar_one()
    seconds = (now - oldest).total_seconds() if oldest else 0.0
    return {"due": waiting, "seconds": seconds, "unknown": unknown}
