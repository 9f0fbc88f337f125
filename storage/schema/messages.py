"""What members are told, and what the contact gate said to it."""

from sqlalchemy import Column, Index, Integer, String, Table, Text, text

from storage.schema.core import Instant, Json, Serial, key, metadata

WAITING = "status IN ('queued', 'deferred')"

messages = Table(
    "messages",
    metadata,
    key("key", primary_key=True),  # <effect key>:<channel>
    key("member_id", 64, nullable=False),
    key("campaign_id", 64),
    Column("version", Integer),
    key("enrolment_id"),
    Column("message", String(64), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("locale", String(8), nullable=False),
    Column("variables", Json, nullable=False),
    Column(
        "status", String(16), nullable=False
    ),  # queued deferred sending sent dropped failed unknown
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claimed_at", Instant),
    Column("sent_at", Instant),
    Column("read_at", Instant),
    Column("subject", Text),
    Column("body", Text),
    Column("last_error", Text),
    Column("day", String(10)),  # of created_at, in the programme's zone
    Column("held_back_by", String(32)),  # the rule that last put it off or dropped it
    Index(None, "status", "due_at"),
    Index(None, "member_id", "channel", "sent_at"),
    Index(None, "enrolment_id"),
    # A channel's day, where it has a budget, and how its sending goes.
    Index(None, "channel", "claimed_at", "status"),
    # A channel's line, in its order.
    Index(
        "ix_messages_waiting",
        "channel",
        "due_at",
        "key",
        sqlite_where=text(WAITING),
        postgresql_where=text(WAITING),
    ),
    # What was said by a campaign, by day, is one walk along this index.
    Index("ix_messages_figures", "campaign_id", "day", "channel", "status", "held_back_by"),
)

contact_verdicts = Table(
    "contact_verdicts",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    key("message_key", nullable=False),
    Column("verdict", String(8), nullable=False),  # send defer drop
    Column("reason", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("until", Instant),
    Index(None, "message_key"),
)
