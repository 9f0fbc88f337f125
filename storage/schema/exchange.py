"""Exchange offers, and who claimed what."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from storage.schema.core import Instant, Json, key, metadata

offers = Table(
    "offers",
    metadata,
    key("id", 64, primary_key=True),  # the campaign's id
    Column("title", Json, nullable=False),
    Column("sku", String(64), nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("stock", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("per_member", Integer, nullable=False),
    Column("hold_seconds", Integer, nullable=False),
    Column("who", Text),  # a condition; none = everybody
    Column("opens_at", Instant, nullable=False),
    Column("closes_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),  # announced open closed
    CheckConstraint("remaining >= 0 AND remaining <= stock", name="stock"),
)

claims = Table(
    "claims",
    metadata,
    key("id", primary_key=True),
    key("offer_id", 64, nullable=False),
    key("member_id", 64, nullable=False),
    Column("request_id", String(128), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),  # reserved confirmed released expired
    Column("reserved_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("settled_at", Instant),
    key("hold_id", nullable=False),
    UniqueConstraint("offer_id", "request_id"),
    Index(None, "member_id"),
    Index(None, "status", "expires_at"),
    Index(None, "offer_id", "status", "quantity", "points"),
)

claim_counts = Table(
    "claim_counts",
    metadata,
    key("offer_id", 64, primary_key=True),
    key("member_id", 64, primary_key=True),
    Column("taken", Integer, nullable=False),
)

# Claims that took nothing: the last of each member, offer and cause.
refused_claims = Table(
    "refused_claims",
    metadata,
    key("member_id", 64, primary_key=True),
    key("offer_id", 64, primary_key=True),
    Column("reason", String(24), primary_key=True),
    Column("request_id", String(128), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("facts", Json, nullable=False),
)
