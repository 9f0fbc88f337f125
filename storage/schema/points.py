"""The points ledger: what moved, what is left of it, and the log that seals it.

An entry names both of its sides, so every row balances by itself. Only a member's own accounts have
rows in `accounts`; what the programme's accounts stand at is the sum of the entries against them,
and no row is hot.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from storage.schema.core import Instant, key, metadata

# Rows that every posting updates leave room on their page for the next version of themselves.
_ROOM: dict[str, Any] = {"postgresql_with": {"fillfactor": "60"}}

accounts = Table(
    "accounts",
    metadata,
    key("id", 128, primary_key=True),  # <kind>:<member>
    Column("kind", String(16), nullable=False),  # member debt
    Column("floor", BigInteger),  # null = may go below zero: debt
    Column("balance", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("head", LargeBinary, nullable=False),  # of the account's chain: the member's receipt
    CheckConstraint("floor IS NULL OR balance - held >= floor", name="floor"),
    CheckConstraint("held >= 0", name="held"),
    **_ROOM,
)

transactions = Table(
    "transactions",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # its place in the log, from 1
    key("key", nullable=False, unique=True),
    Column("body_hash", LargeBinary, nullable=False),
    # earn grant burn hold confirm release reverse expire transfer merge adjust forfeit
    Column("kind", String(32), nullable=False),
    key("member_id", 64, nullable=False),
    key("other_id", 64),  # a transfer: who received
    Column("points", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("reverses", BigInteger),
    key("hold_id"),
    key("campaign_id", 64),
    # Sealed as they are written, so they are kept as text: canonical JSON.
    Column("meta", Text, nullable=False),  # reason, working: ids and figures only, never a name
    Column("moves", Text, nullable=False),  # [[member, expires, available, source, amount, held]]
    # What the caller was told besides, for a repeat of the key.
    Column("balance_after", BigInteger, nullable=False),
    Column("available_after", BigInteger, nullable=False),
    Column("shortfall", BigInteger, nullable=False),
    Column("debt_change", BigInteger, nullable=False),
    Column("lapsed", BigInteger, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index(None, "reverses", postgresql_where=text("reverses IS NOT NULL")),
    Index(None, "campaign_id", postgresql_where=text("campaign_id IS NOT NULL")),
)

entries = Table(
    "entries",
    metadata,
    key("account_id", 128, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("transaction_id", BigInteger, nullable=False),
    Column("contra", String(16), nullable=False),  # issuance redemption breakage transfer none
    Column("amount", BigInteger, nullable=False),  # from contra to the account
    Column("held_delta", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("chain", LargeBinary, nullable=False),
)

lots = Table(
    "lots",
    metadata,
    key("account_id", 128, primary_key=True),
    Column("expires_at", Instant, primary_key=True),  # far future = undated
    Column("available_at", Instant, primary_key=True),  # long ago = at once
    Column("source", String(64), primary_key=True),  # purchase, or the campaign that funds it
    Column("remaining", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    CheckConstraint("remaining >= held AND held >= 0", name="amounts"),
    Index(None, "expires_at"),
    **_ROOM,
)

holds = Table(
    "holds",
    metadata,
    key("id", primary_key=True),
    key("account_id", 128, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),  # open confirmed released expired
    Column("expires_at", Instant, nullable=False),
    Column("settled_by", String(255)),  # the key of the transaction that closed it
    Column("allocation", Text, nullable=False),  # [[expires, available, source, amount]]
    Index(None, "status", "expires_at"),
    Index(None, "account_id", "status"),
)

log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # one row: 1
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
)
