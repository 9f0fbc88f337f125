"""Campaigns, the journeys in them, and what each decided."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from storage.schema.core import Instant, Json, Serial, key, metadata

campaigns = Table(
    "campaigns",
    metadata,
    key("id", 64, primary_key=True),
    Column("name", Text, nullable=False),
    Column("template", String(64), nullable=False),
    Column("state", String(16), nullable=False),  # draft launched paused stopped finished
    Column("version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("launched_at", Instant),
    Column("ended_at", Instant),
    # Admission: where the pass over the audience stands, and what wakes the campaign next.
    Column("position", Json, nullable=False),
    Column("turn", Integer, nullable=False, server_default="0"),
    Column("wake_at", Instant),
    Column("last_outcome", Json),  # what the latest turn left, for a turn asked for again
    Column("budget_points", BigInteger),  # null = no limit set
    Column("granted_points", BigInteger, nullable=False, server_default="0"),
    # What running journeys may still grant: taken at admission, given back when they end.
    Column("reserved_points", BigInteger, nullable=False, server_default="0"),
    CheckConstraint(
        "budget_points IS NULL OR granted_points + reserved_points <= budget_points", name="budget"
    ),
)

campaign_versions = Table(
    "campaign_versions",
    metadata,
    key("campaign_id", 64, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("template", String(64), nullable=False),
    Column("body", Json, nullable=False),  # values, audience, schedule, budget, holdout
    Column("plan", Json, nullable=False),
    Column("plan_hash", String(64), nullable=False),
    Column("messages", Json, nullable=False),  # {message: {locale: {subject, text}}}
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(64), nullable=False),
)

# What versions were made of, once for each content, so that a change of a campaign stays with it.
# Text, since the order of a template's parameters is the order in which they are asked for.
kept_templates = Table(
    "kept_templates",
    metadata,
    key("hash", 64, primary_key=True),
    Column("template", Text, nullable=False),
)

# Launches that wait for a second person, or were declined; the audit trail keeps how all ended.
launch_requests = Table(
    "launch_requests",
    metadata,
    key("campaign_id", 64, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),  # waiting declined
    Column("requested_by", String(64), nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("decided_by", String(64)),
    Column("decided_at", Instant),
    Column("reason", Text),
)

# What campaigns gave, by the programme's days: written only with the campaign's own counters, so
# that its rows wait for nobody who does not wait already.
campaign_days = Table(
    "campaign_days",
    metadata,
    key("campaign_id", 64, primary_key=True),
    Column("day", String(10), primary_key=True),  # 2026-11-22
    Column("granted_points", BigInteger, nullable=False),
    Column("taken_back_points", BigInteger, nullable=False),
)

enrolments = Table(
    "enrolments",
    metadata,
    key("id", primary_key=True),  # j/<campaign>/<member>/<entry>: also the workflow id
    key("campaign_id", 64, nullable=False),
    Column("version", Integer, nullable=False),
    Column("template", String(64), nullable=False),
    key("member_id", 64, nullable=False),
    Column("entry_key", String(128), nullable=False),
    Column("arm", String(16), nullable=False),  # treated, holdout
    Column("state", String(16), nullable=False),  # admitted waiting held ended
    Column("outcome", String(64)),
    Column("admitted_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("wake_at", Instant),
    Column("turn", Integer, nullable=False, server_default="0"),
    Column("nudged_turn", Integer, nullable=False, server_default="-1"),
    Column("position", Json, nullable=False),
    Column("trigger_seq", BigInteger),  # the inbox event that opened it
    Column("granted_points", BigInteger, nullable=False, server_default="0"),
    Column("reserved_points", BigInteger, nullable=False, server_default="0"),
    Column("remembered", Json, nullable=False),
    Column("last_outcome", Json),  # what the latest turn left, for a turn asked for again
    # What campaigns are watched by, kept beside the journey in the same transaction.
    Column("again", Boolean, nullable=False, server_default="0"),
    Column("step_id", String(48)),  # where it stands; null = past the last step
    Column("reached", String(400), nullable=False, server_default=""),  # see journeys/reached.py
    Column("goal_since", Instant),
    Column("goal_until", Instant),  # exclusive; null = the campaign has no goal
    Column("goal_met_at", Instant),
    UniqueConstraint("campaign_id", "member_id", "entry_key"),
    # The figures of a campaign of 100,000 members are one walk along this index.
    Index(
        "ix_enrolments_figures",
        "campaign_id",
        "version",
        "arm",
        "again",
        "state",
        "outcome",
        "step_id",
        "reached",
        "goal_until",
        "goal_met_at",
    ),
    Index(None, "member_id"),
    Index(None, "campaign_id", "state"),
    Index(None, "state", "wake_at"),
)

waits = Table(
    "waits",
    metadata,
    key("enrolment_id", primary_key=True),
    Column("event_type", String(72), primary_key=True),  # goal:<type> = the campaign's own goal
    key("member_id", 64, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),  # of occurred_at, exclusive
    Column("closes_at", Instant, nullable=False),  # until + lateness, of recorded_at
    Index(None, "member_id", "event_type"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    key("key", nullable=False, unique=True),
    key("campaign_id", 64, nullable=False),
    Column("version", Integer, nullable=False),
    key("member_id", 64, nullable=False),
    key("enrolment_id"),
    Column("step_id", String(128), nullable=False),  # entry, or a step's id
    Column("verdict", String(24), nullable=False),
    Column("reason", String(64), nullable=False),  # stable code; explain.py says it in words
    Column("inputs", Json, nullable=False),
    Column("event_seq", BigInteger),
    Column("turn", Integer),
    Column("at", Instant, nullable=False),
    Column("until", Instant),
    Index(None, "member_id", "campaign_id"),
    Index(None, "enrolment_id"),
    Index(None, "campaign_id", "verdict", "reason"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("kind", String(24), nullable=False),
    key("workflow_id", nullable=False),
    Column("payload", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("available_at", Instant, nullable=False),
    Column("priority", Integer, nullable=False, server_default="3"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent_at", Instant),
    Column("dead_at", Instant),
    Column("last_error", Text),
    Index("ix_outbox_due", "sent_at", "dead_at", "available_at", "priority", "id"),
)

operator_commands = Table(
    "operator_commands",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    key("enrolment_id", nullable=False),
    Column("command", String(16), nullable=False),  # retry skip cancel
    Column("reason", Text, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("done_at", Instant),
    Index(None, "enrolment_id", "done_at"),
)
