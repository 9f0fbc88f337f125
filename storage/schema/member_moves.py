"""Mergers, gifts and erasures, each once by its caller's id, and corrections by two people."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from storage.schema.core import Instant, Json, key, metadata

member_moves = Table(
    "member_moves",
    metadata,
    Column("kind", String(8), primary_key=True),  # merge gift erase
    key("id", 128, primary_key=True),
    key("member_id", 64, nullable=False),
    key("other_id", 64),
    Column("points", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("answer", Json, nullable=False),
    Index(None, "member_id", "kind", "at"),
    Index(None, "other_id", "kind", "at"),
)

adjustments = Table(
    "adjustments",
    metadata,
    key("id", 128, primary_key=True),
    key("member_id", 64, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", String(64), nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("status", String(16), nullable=False),  # proposed approved declined
    Column("approved_by", String(64)),
    Column("approved_at", Instant),
    Column("declined_by", String(64)),
    Column("declined_at", Instant),
    Column("decline_reason", Text),
    Index(None, "member_id"),
    Index(None, "status", "proposed_at", "id"),
)
