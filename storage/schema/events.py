"""What happened, as it was reported, and what it gave beside points."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, UniqueConstraint, text

from storage.schema.core import Instant, Json, Serial, key, metadata

LATE = {
    "sqlite": "julianday(recorded_at) - julianday(occurred_at) > 1",
    "postgresql": "(recorded_at - occurred_at) > interval '24 hours'",
}
"""Recorded more than a day after it happened."""

inbox = Table(
    "inbox",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("source", String(64), nullable=False),
    Column("event_id", String(128), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("type", String(64), nullable=False),  # purchase, refund, member.registered, check_in ...
    key("member_id", 64, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("store", String(64)),
    Column("channel", String(32)),
    Column("amount_minor", BigInteger),  # purchases: net total
    Column("refunded_minor", BigInteger, nullable=False, server_default="0"),
    Column("refunds_seq", BigInteger),  # refunds: the purchase they undo
    Column("body", Json, nullable=False),
    Column("answer", Json, nullable=False),
    UniqueConstraint("source", "event_id"),
    Index(None, "member_id", "type", "occurred_at"),
    Index(None, "refunds_seq"),
    # Uploads that came more than a day late are few; `queries/repairs.py` asks with these words.
    Index(
        "ix_inbox_late",
        "recorded_at",
        sqlite_where=text(LATE["sqlite"]),
        postgresql_where=text(LATE["postgresql"]),
    ),
)

cards = Table(
    "cards",
    metadata,
    key("key", primary_key=True),  # the effect that gave it
    key("member_id", 64, nullable=False),
    key("campaign_id", 64),
    Column("multiplier_bp", Integer, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Index(None, "member_id", "ends_at"),
)

coupons = Table(
    "coupons",
    metadata,
    key("key", primary_key=True),
    key("member_id", 64, nullable=False),
    key("campaign_id", 64),
    Column("kind", String(64), nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index(None, "member_id", "ends_at"),
)
