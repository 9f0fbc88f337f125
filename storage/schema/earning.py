"""The versions of the earning rules, and what members used of their caps."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from storage.schema.core import Instant, Json, key, metadata

earning_rules = Table(
    "earning_rules",
    metadata,
    # 1 is the programme's own block; versions never change.
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", Json, nullable=False),
    Column("active_from", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index(None, "active_from"),
)

earning_counters = Table(
    "earning_counters",
    metadata,
    key("member_id", 64, primary_key=True),
    Column("rule_id", String(128), primary_key=True),  # campaign:<name>, sku:<sku>, * = everything
    Column("period_key", String(16), primary_key=True),  # 2026-10-07, 2026-W41, 2026-10, ever
    Column("granted", BigInteger, nullable=False),
    Column("wished", BigInteger, nullable=False),
)
