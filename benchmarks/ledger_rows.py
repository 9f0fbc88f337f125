"""Everything here that knows the ledger's tables: members with points, and the rows of the floor.

When `storage/schema/points.py` changes, this is the one file of the benchmarks to change with it.
A run fails on its proof when what is written here is no sound ledger any more.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, text

from loyalty.ledger import UNDATED
from storage.schema.core import Instant, Json

FUNDED = 10_000
"""Points that each member has to begin with."""
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
FLOOR_BATCH = 100


def member_id(number: int) -> str:
    return f"b{number}"


_NUMBERS = (
    "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {members}) "
    "SELECT i, 'b' || CAST(i AS VARCHAR) AS member FROM n) AS numbers"
)
_MEMBERS = (
    "INSERT INTO members (id, status, registered_at, locale, tier, tags, stop_listed, purchases, "
    "spend_minor, body_hash, answer) SELECT member, 'active', :at, 'en', 'ordinary', :none, "
    "{no}, 0, 0, '', :empty FROM {numbers}"
)
_FUNDING = (
    "INSERT INTO transactions (key, body_hash, kind, at, effective_at, meta, answer) "
    "SELECT 'funded:' || member, '', 'grant', :at, :at, :empty, :empty FROM {numbers}",
    "INSERT INTO accounts (id, kind, floor, balance, held, seq) "
    "SELECT 'member:' || member, 'member', 0, :points, 0, 1 FROM {numbers}",
    "INSERT INTO accounts (id, kind, floor, balance, held, seq) "
    "SELECT 'issuance:' || member, 'issuance', NULL, -:points, 0, 1 FROM {numbers}",
    "INSERT INTO entries (account_id, seq, transaction_id, amount, held_delta, balance) "
    "SELECT 'member:' || substr(key, 8), 1, id, :points, 0, :points FROM transactions",
    "INSERT INTO entries (account_id, seq, transaction_id, amount, held_delta, balance) "
    "SELECT 'issuance:' || substr(key, 8), 1, id, -:points, 0, -:points FROM transactions",
    "INSERT INTO lots (account_id, expires_at, source, earned, remaining, held) "
    "SELECT 'member:' || member, :undated, 'before', :points, :points, 0 FROM {numbers}",
    "INSERT INTO lot_moves (transaction_id, account_id, expires_at, source, amount, held_delta) "
    "SELECT id, 'member:' || substr(key, 8), :undated, 'before', :points, 0 FROM transactions",
)


def add_members(connection: Connection, members: int) -> None:
    """Members `b1` .. as registered ones, without what registration sets off."""
    _run(connection, (_MEMBERS,), members)


def fund(connection: Connection, members: int) -> None:
    """Give every one of them points, on a ledger that is empty."""
    _run(connection, _FUNDING, members)


def _run(connection: Connection, statements: tuple[str, ...], members: int) -> None:
    no = "false" if connection.dialect.name == "postgresql" else "0"
    for statement in statements:
        filled = statement.format(numbers=_NUMBERS.format(members=members), no=no)
        filled = filled.replace("-:points", str(-FUNDED)).replace(":points", str(FUNDED))
        connection.execute(_bound(filled))


def _bound(statement: str) -> TextClause:
    values: dict[str, tuple[Any, Any]] = {
        "at": (BEGAN, Instant),
        "undated": (UNDATED, Instant),
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
  SELECT nextval('transactions_id_seq') AS id, 'b' || (1 + (:start + g * 997) % {members}) AS member
  FROM generate_series(1, {batch}) AS g
), given AS (
  UPDATE accounts SET balance = balance + 10, seq = seq + 1 FROM picked
  WHERE accounts.id = 'member:' || member
  RETURNING accounts.id AS account, seq, picked.id AS transaction, 10 AS amount, balance
), issued AS (
  UPDATE accounts SET balance = balance - 10, seq = seq + 1 FROM picked
  WHERE accounts.id = 'issuance:' || member
  RETURNING accounts.id AS account, seq, picked.id AS transaction, -10 AS amount, balance
), legs AS (
  INSERT INTO entries (account_id, seq, transaction_id, amount, held_delta, balance)
  SELECT account, seq, transaction, amount, 0, balance FROM given
  UNION ALL SELECT account, seq, transaction, amount, 0, balance FROM issued
), filled AS (
  UPDATE lots SET earned = earned + 10, remaining = remaining + 10 FROM picked
  WHERE account_id = 'member:' || member AND source = 'before'
  RETURNING account_id, expires_at, source, picked.id AS transaction
), moved AS (
  INSERT INTO lot_moves (transaction_id, account_id, expires_at, source, amount, held_delta)
  SELECT transaction, account_id, expires_at, source, 10, 0 FROM filled
)
INSERT INTO transactions (id, key, body_hash, kind, at, effective_at, meta, answer)
SELECT id, 'bench-earn-' || lpad(id::text, 24, '0'), repeat('0f', 32), 'earn', now(), now(), '{{}}',
  '{{"kind": "earn", "lots": [["2027-01-01T00-00-00+00-00", "purchase", 10]], "points": 10,
  "hold_id": null, "member_id": "b12345", "shortfall": 0, "debt_change": 0,
  "balance_after": 10010, "available_after": 10010}}'
FROM picked;
"""
