"""People and programs that may act, and what they did."""

from sqlalchemy import Column, Index, String, Table, Text

from storage.schema.core import Instant, Json, Serial, key, metadata

api_keys = Table(
    "api_keys",
    metadata,
    key("id", 32, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(48), nullable=False),
    key("target", nullable=False),
    Column("reason", Text),
    Column("detail", Json, nullable=False),
    Index(None, "target"),
    Index(None, "actor", "id"),
    Index(None, "action", "id"),
    Index(None, "at"),
)
