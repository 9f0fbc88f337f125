"""What must hold after every fault, read from the database alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from storage import proof
from storage.database import Database
from storage.queries.runs import stuck
from storage.tables import (
    accounts,
    campaigns,
    decisions,
    enrolments,
    entries,
    messages,
    outbox,
    transactions,
)


@dataclass(frozen=True, slots=True)
class Found:
    """The figures of a sound programme, for what a drill wants to say besides."""

    enrolments: int
    outcomes: Mapping[str | None, int]
    messages: int
    transactions: int


def sound(database: Database, points: Mapping[str, int], *, now: datetime) -> Found:
    """Nothing is lost and nothing happened twice; `points` is what each member must have.

    Every ledger key once and the sums proved; every effect of every journey once; no message twice;
    no journey without an end or a next wake-up; budgets are the sums of what was granted.
    """
    with database.read() as connection:
        proved = proof.prove(connection)
        assert proved.ok, proved.first_broken
        _points_are(connection, points)
        _keys_are_used_once(connection)
        _effects_happened_once(connection)
        _messages_are_single(connection)
        _budgets_are_sums(connection)
        assert stuck(connection, now) == []
        dead = outbox.c.dead_at.is_not(None)
        assert connection.execute(select(outbox).where(dead)).first() is None
        return _figures(connection, proved.transactions)


def _points_are(connection: Connection, points: Mapping[str, int]) -> None:
    held = select(accounts.c.id, accounts.c.balance).where(accounts.c.kind == "member")
    found = {id.partition(":")[2]: balance for id, balance in connection.execute(held)}
    wrong = {
        member: (found.get(member, 0), points.get(member, 0))
        for member in {*points, *found}
        if found.get(member, 0) != points.get(member, 0)
    }
    assert not wrong, f"member: (has, must have): {wrong}"


def _keys_are_used_once(connection: Connection) -> None:
    _single(connection.execute(select(transactions.c.key)).scalars(), "ledger key")
    entry = select(entries.c.transaction_id, entries.c.account_id)
    _single((tuple(row) for row in connection.execute(entry)), "entry of a transaction")


def _effects_happened_once(connection: Connection) -> None:
    """A grant and its decision are one: each key bears both, once, and for the same points."""
    grants = select(transactions.c.key).where(transactions.c.kind == "grant")
    granted = list(connection.execute(grants).scalars())
    told = select(decisions.c.key, decisions.c.inputs, decisions.c.verdict)
    rows = list(connection.execute(told))
    _single((row.key for row in rows), "decision")
    decided = [r.key for r in rows if r.verdict == "done" and "transaction" in (r.inputs or {})]
    assert sorted(granted) == sorted(decided)


def _messages_are_single(connection: Connection) -> None:
    """Also under different keys: these journeys say each thing once."""
    m = messages
    said = select(m.c.enrolment_id, m.c.member_id, m.c.message, m.c.channel)
    _single((tuple(row) for row in connection.execute(said)), "message")


def _budgets_are_sums(connection: Connection) -> None:
    granted = (
        select(transactions.c.campaign_id, func.sum(entries.c.amount))
        .join(entries, entries.c.transaction_id == transactions.c.id)
        .where(transactions.c.kind == "grant", entries.c.contra == "issuance")
        .group_by(transactions.c.campaign_id)
    )
    by_ledger = {id: int(total) for id, total in connection.execute(granted)}
    e = enrolments
    sums = select(e.c.campaign_id, func.sum(e.c.granted_points), func.sum(e.c.reserved_points))
    by_journeys = {
        id: (int(g), int(r)) for id, g, r in connection.execute(sums.group_by(e.c.campaign_id))
    }
    for row in connection.execute(select(campaigns)):
        assert row.granted_points == by_ledger.get(row.id, 0)
        figures = (row.granted_points, row.reserved_points)
        assert figures == by_journeys.get(row.id, (0, 0)), row.id


def _figures(connection: Connection, transactions: int) -> Found:
    outcomes = Counter(connection.execute(select(enrolments.c.outcome)).scalars())
    said = connection.execute(select(func.count()).select_from(messages)).scalar_one()
    return Found(outcomes.total(), dict(outcomes), said, transactions)


def _single(keys: Any, what: str) -> None:
    twice = {key: n for key, n in Counter(keys).items() if n > 1}
    assert not twice, f"{what} more than once: {twice}"
