"""Points used at the till: holds for bills, and what came back of them."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, String, Table, UniqueConstraint

from storage.schema.core import Instant, Json, key, metadata

till_holds = Table(
    "till_holds",
    metadata,
    key("id", primary_key=True),  # the ledger's key of the hold
    key("source", 64, nullable=False),
    key("member_id", 64, nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("worth_minor", BigInteger, nullable=False),
    Column("bill_minor", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),  # open confirmed released expired
    Column("placed_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("confirmed_points", BigInteger, nullable=False),
    Column("confirmed_minor", BigInteger, nullable=False),
    key("purchase_source", 64),
    key("purchase_id", 128),
    Column("came_back_minor", BigInteger, nullable=False),
    Column("returned_points", BigInteger, nullable=False),
    Column("settled_at", Instant),
    Column("settled_hash", String(80)),
    CheckConstraint("returned_points <= confirmed_points", name="returned"),
    UniqueConstraint("purchase_source", "purchase_id"),
    Index(None, "member_id"),
)

till_returns = Table(
    "till_returns",
    metadata,
    key("key", primary_key=True),
    key("hold_id", nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("answer", Json, nullable=False),
)
