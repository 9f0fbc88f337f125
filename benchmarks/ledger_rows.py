"""Everything here that knows the ledger's tables: members with points, and the rows of the floor.

When `storage/schema/points.py` changes, this is the one file of the benchmarks to change with it.
A run fails on its proof when what is written here is no sound ledger any more.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, text

from loyalty.ports import Transaction, Wants
from storage.schema.core import Instant, Json
from storage.store import SqlStore

FUNDED = 10_000
"""Points that each member has to begin with."""
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
FLOOR_BATCH = 100
FUNDED_AT_ONCE = 1000


def member_id(number: int) -> str:
    return f"b{number}"


_NUMBERS = (
    "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {members}) "
    "SELECT i, 'b' || CAST(i AS VARCHAR) AS member FROM n) AS numbers"
)
_MEMBERS = (
    "INSERT INTO members (id, status, registered_at, locale, tier, tags, stop_listed, purchases, "
    "spend_minor, body_hash, answer, draw) SELECT member, 'active', :at, 'en', 'ordinary', :none, "
    "{no}, 0, 0, '', :empty, i FROM {numbers}"
)


def add_members(connection: Connection, members: int) -> None:
    """Members `b1` .. as registered ones, without what registration sets off."""
    _run(connection, (_MEMBERS,), members)


def fund(store: SqlStore, members: int) -> None:
    """Give every one of them points, through the ledger itself: chains and log are then sound."""
    for first in range(1, members + 1, FUNDED_AT_ONCE):
        ids = [member_id(n) for n in range(first, min(first + FUNDED_AT_ONCE, members + 1))]

        def give(tx: Transaction, ids: list[str] = ids) -> None:
            for member in ids:
                tx.ledger.earn(f"funded:{member}", member, FUNDED, kind="grant", source="before")

        store.run(give, wants=Wants(members=tuple(ids), keys=tuple(f"funded:{m}" for m in ids)))


def _run(connection: Connection, statements: tuple[str, ...], members: int) -> None:
    no = "false" if connection.dialect.name == "postgresql" else "0"
    for statement in statements:
        filled = statement.format(numbers=_NUMBERS.format(members=members), no=no)
        filled = filled.replace("-:points", str(-FUNDED)).replace(":points", str(FUNDED))
        connection.execute(_bound(filled))


def _bound(statement: str) -> TextClause:
    values: dict[str, tuple[Any, Any]] = {
        "at": (BEGAN, Instant),
        "empty": ({}, Json),
        "none": ([], Json),
    }
    return text(statement).bindparams(
        *(
            bindparam(name, value, type_=kind)
            for name, (value, kind) in values.items()
            if f":{name}" in statement
        )
    )


# No colon before a word in it: pgbench would take that for a variable.
# The rows of a hundred earnings in one statement: the same tables, columns, indexes and sizes, and
# nothing read, decided or checked. What remains is PostgreSQL's own work for these rows.
FLOOR = """\
\\set start random(0, {members} - 1)
WITH picked AS (
  SELECT nextval('floor') AS id, 'b' || (1 + (:start + g * 997) % {members}) AS member
  FROM generate_series(1, {batch}) AS g
), given AS (
  UPDATE accounts SET balance = balance + 10, seq = seq + 1 FROM picked
  WHERE accounts.id = 'member:' || member
  RETURNING accounts.id AS account, seq, picked.id AS transaction, 10 AS amount, balance
), legs AS (
  INSERT INTO entries
    (account_id, seq, transaction_id, contra, amount, held_delta, balance, chain)
  SELECT account, seq, transaction, 'issuance', amount, 0, balance, sha256('x') FROM given
), filled AS (
  UPDATE lots SET remaining = remaining + 10 FROM picked
  WHERE account_id = 'member:' || member AND source = 'before'
)
INSERT INTO transactions (id, key, body_hash, kind, member_id, points, at, effective_at, meta,
  moves, balance_after, available_after, shortfall, debt_change, lapsed, leaf)
SELECT id, 'bench-earn-' || lpad(id::text, 24, '0'), sha256('x'), 'earn', member, 10, now(), now(),
  '{{}}', '[["b12345", "2035-01-01T00-00-00+00-00", null, "purchase", 10, 0]]', 10010, 10010,
  0, 0, 0, sha256('x')
FROM picked;
"""
