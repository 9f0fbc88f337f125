"""What needs a hand, and what was done about it: refused events, jobs of repairs, verifications."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from storage.schema.core import Instant, Json, Serial, key, metadata

# Events that were understood and refused: nothing of them is in the inbox.
refused_events = Table(
    "refused_events",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("event_id", String(128), primary_key=True),
    Column("kind", String(16), nullable=False),  # purchase refund event
    key("member_id", 64),
    Column("body", Json, nullable=False),
    Column("code", String(32), nullable=False),  # of the problem that was answered last
    Column("detail", Text, nullable=False),
    Column("errors", Json),  # each field that was wrong, as it was answered
    Column("facts", Json),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("times", Integer, nullable=False),
    Index(None, "last_at"),
    Index(None, "member_id"),
)

# What an operator looked at and wants to see no more.
set_aside = Table(
    "set_aside",
    metadata,
    Column("list", String(24), primary_key=True),
    key("target", primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("reason", Text, nullable=False),
)

verifications = Table(
    "verifications",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("kind", String(8), nullable=False),  # sums log
    Column("at", Instant, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("transactions", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("findings", Json, nullable=False),  # [{check, what}] of what does not hold
    Index(None, "kind", "id"),
)

repair_jobs = Table(
    "repair_jobs",
    metadata,
    key("id", 128, primary_key=True),
    Column("list", String(24), nullable=False),
    Column("act", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("pace", Integer, nullable=False),  # items a minute
    Column("total", Integer, nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("state", String(8), nullable=False),  # running stopped done
    Column("done", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),  # when the next item is due
    Column("ended_at", Instant),
    Column("stopped_by", String(64)),
    Column("stop_reason", Text),
    Index(None, "state", "next_at"),
    Index(None, "at"),
)

repair_items = Table(
    "repair_items",
    metadata,
    key("job_id", 128, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    key("target", nullable=False),
    Column("state", String(8), nullable=False),  # waiting done failed
    Column("outcome", Text),
    Column("at", Instant),
    UniqueConstraint("job_id", "target"),
    Index(None, "job_id", "state", "number"),
)
