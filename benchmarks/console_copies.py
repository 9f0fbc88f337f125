"""A small programme made large: every row about one of its members, copied in SQL for many others.

The database writes the copies itself, a row of the story at a time for all members who live that
life. A copy bears another member's id wherever the story's stood, and lies some days further back.
What adds up to other figures afterwards is put right at the end. The chains and leaves of the
ledger's log are the story's: pages show them, and nothing here verifies them.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Row,
    String,
    Table,
    cast,
    column,
    func,
    insert,
    literal,
    literal_column,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import JSON

from benchmarks.console_story import LIVES
from loyalty import sample
from loyalty.sealing.merkle import Frontier
from storage.database import Database
from storage.log_pages import keep_pages, leaves, log_tree
from storage.schema.members import DRAWS
from storage.tables import (
    Instant,
    campaign_days,
    campaigns,
    inbox,
    log_head,
    members,
    metadata,
    transactions,
)

DAYS_BACK = 60
LEAVES_AT_ONCE = 50_000
_COPIES = table("copies", column("life"), column("rank"), column("number"), column("id"))
# Rows name each other by these numbers, which a copy has to get anew.
_NUMBERED = {
    inbox: {("inbox", "seq"), ("inbox", "refunds_seq"), ("enrolments", "trigger_seq"),
            ("decisions", "event_seq"), ("expiry_notices", "event_seq")},
    transactions: {("transactions", "id"), ("transactions", "reverses"),
                   ("entries", "transaction_id")},
}  # fmt: skip
_MADE_BY_DATABASE = {"decisions", "contact_verdicts", "tier_history", "audit", "outbox"}
_STRIDE = 1_327_217_885
_PHONES = {"phone", "phone_digits"}


def copied_id(number: int) -> str:
    """The id of a copied member, from 1."""
    return f"bench-{number:07}"


@dataclass(slots=True)
class Copies:
    """The story's rows by life, and where the numbers of their copies begin."""

    database: Database
    members: int
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _rows: list[tuple[Table, int, Row[Any]]] = field(default_factory=list)
    _first: dict[tuple[Table, int], int] = field(default_factory=dict)

    def make(self, step: Callable[[int, int], None]) -> None:
        """Copy everything; `step` is told how many rows of the story are done, of how many."""
        self._read()
        # Indexes are built once at the end: that is what takes the time otherwise.
        indexes = [each for one in metadata.sorted_tables for each in one.indexes]
        with self.database.write() as connection:
            self._quicken(connection)
            for index in indexes:
                index.drop(connection)
        with self.database.write() as connection:
            self._name_members(connection)
        for place in range(0, len(self._rows), 40):
            with self.database.write() as connection:
                self._quicken(connection)
                for row in self._rows[place : place + 40]:
                    connection.execute(self._copy(*row))
            step(min(place + 40, len(self._rows)), len(self._rows))
        with self.database.write() as connection:
            self._quicken(connection)
            for index in indexes:
                index.create(connection)
            self._sums(connection)
            connection.execute(text("DROP TABLE copies"))

    @property
    def postings(self) -> int:
        with self.database.read() as connection:
            return connection.execute(select(func.count()).select_from(transactions)).scalar_one()

    def _read(self) -> None:
        lives = {sample.member_id(number): number - 1 for number in range(1, LIVES + 1)}
        found: dict[Table, list[Row[Any]]] = {}
        with self.database.read() as connection:
            for each in metadata.sorted_tables:
                order = list(each.primary_key.columns)
                found[each] = list(connection.execute(select(each).order_by(*order)).all())
        for each, mine in found.items():
            whose = [(row, {n for id, n in lives.items() if id in repr(row)}) for row in mine]
            self._rows.extend((each, min(who), row) for row, who in whose if who)
        following: dict[Table, int] = defaultdict(lambda: 1)
        for each in _NUMBERED:
            key = next(iter(each.primary_key.columns)).name
            following[each] = max((getattr(row, key) for row in found[each]), default=0) + 1
            for one, life, row in self._rows:
                if one is each:
                    self._first[each, getattr(row, key)] = following[each]
                    following[each] += self._count(life)

    def _count(self, life: int) -> int:
        return len(range(life, self.members, LIVES))

    def _quicken(self, connection: Connection) -> None:
        if self.database.dialect == "sqlite":
            connection.exec_driver_sql("PRAGMA cache_size=-400000")
        else:
            connection.execute(text("SET LOCAL synchronous_commit = off"))
            connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))

    def _name_members(self, connection: Connection) -> None:
        connection.execute(
            text("CREATE TABLE copies (life INTEGER, rank INTEGER, number INTEGER, id VARCHAR(64))")
        )
        rows = [
            {"life": n % LIVES, "rank": n // LIVES, "number": n + 1, "id": copied_id(n + 1)}
            for n in range(self.members)
        ]
        connection.execute(insert(_COPIES), rows)

    def _copy(self, into: Table, life: int, row: Row[Any]) -> Any:
        columns = [
            each
            for each in into.columns
            if not (into.name in _MADE_BY_DATABASE and each.primary_key)
        ]
        values = [self._value(into, each, life, getattr(row, each.name)) for each in columns]
        chosen = select(*values).select_from(_COPIES).where(_COPIES.c.life == life)
        return insert(into).from_select(columns, chosen.order_by(_COPIES.c.number))

    def _value(self, into: Table, of: Any, life: int, value: Any) -> ColumnElement[Any]:
        place = (into.name, of.name)
        if value is None:
            return literal_column("NULL")
        if of is members.c.draw:
            # As evenly spread as the hash of an id, which SQL does not compute alike everywhere.
            return cast(_COPIES.c.number * literal(_STRIDE, BigInteger) % DRAWS, Integer)
        for numbered, places in _NUMBERED.items():
            if place in places:
                return literal(self._first[numbered, value]) + _COPIES.c.rank
        if of.name in _PHONES:
            return literal("+86 138" if of.name == "phone" else "+86138").concat(
                cast(_COPIES.c.number + 10_000_000, String)
            )
        if isinstance(of.type, JSON):
            body = self._named(json.dumps(value, separators=(",", ":"), ensure_ascii=False), life)
            return cast(body, JSONB) if self.database.dialect == "postgresql" else body
        if isinstance(of.type, Instant):
            return self._further_back(value) if value <= self.now else literal(value, of.type)
        if isinstance(value, str):
            return self._named(value, life)
        return literal(value, of.type)

    def _named(self, value: str, life: int) -> ColumnElement[Any]:
        first, *others = value.split(sample.member_id(life + 1))
        named: ColumnElement[Any] = literal(first, String)
        for other in others:
            named = named.concat(_COPIES.c.id).concat(literal(other, String))
        return named

    def _further_back(self, at: datetime) -> ColumnElement[Any]:
        days = _COPIES.c.rank % DAYS_BACK
        if self.database.dialect == "postgresql":
            return literal(at, Instant) - days * literal_column("interval '1 day'")
        text_of_it = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        back = literal("-").concat(cast(days, String)).concat(" days")
        return func.datetime(text_of_it, back).concat(".000000")

    def _sums(self, connection: Connection) -> None:
        """What counts all members: the log's length, campaigns' points, the databases' numbers."""
        size = connection.execute(select(func.max(transactions.c.id))).scalar_one()
        frontier = Frontier()
        for start in range(0, size, LEAVES_AT_ONCE):
            frontier.extend(leaves(connection, start, min(start + LEAVES_AT_ONCE, size)))
        head = update(log_head).values(size=size, frontier=frontier.to_bytes())
        connection.execute(head)
        keep_pages(connection, log_tree(connection), size)
        times = self.members // LIVES
        for each, names in (
            (campaigns, ("granted_points", "reserved_points")),
            (campaign_days, ("granted_points", "taken_back_points")),
        ):
            connection.execute(update(each).values({n: each.c[n] * times for n in names}))
        if self.database.dialect == "postgresql":
            last = select(func.max(inbox.c.seq)).scalar_subquery()
            connection.execute(select(func.setval("inbox_seq_seq", last)))
