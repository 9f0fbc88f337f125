"""The points ledger."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, String, Table

from storage.schema.core import Instant, Json, Serial, key, metadata

accounts = Table(
    "accounts",
    metadata,
    key("id", 128, primary_key=True),  # <kind>:<member>, so that no row is hot
    Column("kind", String(16), nullable=False),  # member issuance redemption breakage debt
    Column("floor", BigInteger),  # null = may go below zero: issuance, debt
    Column("balance", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    CheckConstraint("floor IS NULL OR balance - held >= floor", name="floor"),
    CheckConstraint("held >= 0", name="held"),
)

transactions = Table(
    "transactions",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    key("key", nullable=False, unique=True),
    Column("body_hash", String(64), nullable=False),
    Column(
        "kind", String(32), nullable=False
    ),  # earn grant burn hold confirm release reverse expire
    Column("at", Instant, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("reverses", BigInteger),
    key("hold_id"),
    key("campaign_id", 64),
    Column("meta", Json, nullable=False),  # breakdown, reason: ids and figures only, never a name
    Column("answer", Json, nullable=False),
    Index(None, "reverses"),
    Index(None, "campaign_id"),
)

entries = Table(
    "entries",
    metadata,
    key("account_id", 128, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("transaction_id", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("held_delta", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
)

lots = Table(
    "lots",
    metadata,
    key("account_id", 128, primary_key=True),
    Column("expires_at", Instant, primary_key=True),  # far future = undated
    Column("source", String(64), primary_key=True),  # purchase, or the campaign that funds it
    Column("earned", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    CheckConstraint("remaining >= held AND held >= 0", name="amounts"),
    Index(None, "expires_at"),
)

lot_moves = Table(
    "lot_moves",
    metadata,
    Column("transaction_id", BigInteger, primary_key=True),
    key("account_id", 128, primary_key=True),
    Column("expires_at", Instant, primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("held_delta", BigInteger, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    key("id", primary_key=True),
    key("account_id", 128, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),  # open confirmed released expired
    Column("expires_at", Instant, nullable=False),
    Column("transaction_id", BigInteger, nullable=False),
    Column("settled_by", BigInteger),  # the transaction that closed it
    Column("allocation", Json, nullable=False),  # [[expires_at, source, amount], ...]
    Index(None, "status", "expires_at"),
    Index(None, "account_id", "status"),
)
