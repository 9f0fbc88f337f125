"""Every table of the product, in the order of a member's life.

Points are whole numbers, money is whole minor units, rates are basis points (10,000 = once),
instants are aware UTC. Rows that other programs rely on carry their key before they are written.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant on both databases; a naive one is refused where it is written."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: instants are aware UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")
# SQLite counts rowids in INTEGER only; PostgreSQL needs 64 bits.
Serial = BigInteger().with_variant(Integer(), "sqlite")


def _key(name: str, length: int = 255, **options: Any) -> Column[str]:
    return Column(name, String(length), **options)


# --- members -----------------------------------------------------------------------------------

members = Table(
    "members",
    metadata,
    _key("id", 64, primary_key=True),
    Column("status", String(16), nullable=False, server_default="active"),
    Column("registered_at", Instant, nullable=False),
    Column("source", String(64)),
    Column("name", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("birthday", String(10)),
    Column("locale", String(8), nullable=False, server_default="en"),
    Column("time_zone", String(64)),
    Column("tier", String(32), nullable=False, server_default="ordinary"),
    Column("tags", Json, nullable=False),
    _key("inviter_id", 64),
    Column("stop_listed", Boolean, nullable=False, server_default="0"),
    # Projections kept by intake, so that audiences and conditions never scan the inbox.
    Column("first_purchase_at", Instant),
    Column("last_purchase_at", Instant),
    Column("purchases", Integer, nullable=False, server_default="0"),
    Column("spend_minor", BigInteger, nullable=False, server_default="0"),
    Column("body_hash", String(64), nullable=False),
    Column("answer", Json, nullable=False),
    Index(None, "inviter_id"),
    Index(None, "last_purchase_at"),
)

consents = Table(
    "consents",
    metadata,
    _key("member_id", 64, primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("purpose", String(16), primary_key=True),
    Column("granted", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
)

# --- events in ---------------------------------------------------------------------------------

inbox = Table(
    "inbox",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("source", String(64), nullable=False),
    Column("event_id", String(128), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("type", String(64), nullable=False),  # purchase, refund, member.registered, check_in ...
    _key("member_id", 64, nullable=False),
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
)

cards = Table(
    "cards",
    metadata,
    _key("key", primary_key=True),  # the effect that gave it
    _key("member_id", 64, nullable=False),
    _key("campaign_id", 64),
    Column("multiplier_bp", Integer, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Index(None, "member_id", "ends_at"),
)

coupons = Table(
    "coupons",
    metadata,
    _key("key", primary_key=True),
    _key("member_id", 64, nullable=False),
    _key("campaign_id", 64),
    Column("kind", String(64), nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index(None, "member_id", "ends_at"),
)

# --- ledger ------------------------------------------------------------------------------------

accounts = Table(
    "accounts",
    metadata,
    _key("id", 128, primary_key=True),  # <kind>:<member>, so that no row is hot
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
    _key("key", nullable=False, unique=True),
    Column("body_hash", String(64), nullable=False),
    Column(
        "kind", String(32), nullable=False
    ),  # earn grant burn hold confirm release reverse expire
    Column("at", Instant, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("reverses", BigInteger),
    _key("hold_id"),
    _key("campaign_id", 64),
    Column("meta", Json, nullable=False),  # breakdown, reason: ids and figures only, never a name
    Column("answer", Json, nullable=False),
    Index(None, "reverses"),
    Index(None, "campaign_id"),
)

entries = Table(
    "entries",
    metadata,
    _key("account_id", 128, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("transaction_id", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("held_delta", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
)

lots = Table(
    "lots",
    metadata,
    _key("account_id", 128, primary_key=True),
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
    _key("account_id", 128, primary_key=True),
    Column("expires_at", Instant, primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("held_delta", BigInteger, nullable=False),
)

holds = Table(
    "holds",
    metadata,
    _key("id", primary_key=True),
    _key("account_id", 128, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),  # open confirmed released expired
    Column("expires_at", Instant, nullable=False),
    Column("transaction_id", BigInteger, nullable=False),
    Column("settled_by", BigInteger),  # the transaction that closed it
    Column("allocation", Json, nullable=False),  # [[expires_at, source, amount], ...]
    Index(None, "status", "expires_at"),
    Index(None, "account_id", "status"),
)

# --- campaigns ---------------------------------------------------------------------------------

campaigns = Table(
    "campaigns",
    metadata,
    _key("id", 64, primary_key=True),
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
    _key("campaign_id", 64, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("template", String(64), nullable=False),
    Column("body", Json, nullable=False),  # values, audience, schedule, budget, holdout
    Column("plan", Json, nullable=False),
    Column("plan_hash", String(64), nullable=False),
    Column("messages", Json, nullable=False),  # {message: {locale: {subject, text}}}
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(64), nullable=False),
)

enrolments = Table(
    "enrolments",
    metadata,
    _key("id", primary_key=True),  # j/<campaign>/<member>/<entry>: also the workflow id
    _key("campaign_id", 64, nullable=False),
    Column("version", Integer, nullable=False),
    Column("template", String(64), nullable=False),
    _key("member_id", 64, nullable=False),
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
    UniqueConstraint("campaign_id", "member_id", "entry_key"),
    Index(None, "member_id"),
    Index(None, "campaign_id", "state"),
    Index(None, "state", "wake_at"),
)

waits = Table(
    "waits",
    metadata,
    _key("enrolment_id", primary_key=True),
    Column("event_type", String(64), primary_key=True),
    _key("member_id", 64, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),  # of occurred_at, exclusive
    Column("closes_at", Instant, nullable=False),  # until + lateness, of recorded_at
    Index(None, "member_id", "event_type"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    _key("key", nullable=False, unique=True),
    _key("campaign_id", 64, nullable=False),
    Column("version", Integer, nullable=False),
    _key("member_id", 64, nullable=False),
    _key("enrolment_id"),
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
    Index(None, "campaign_id", "verdict"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("kind", String(24), nullable=False),
    _key("workflow_id", nullable=False),
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
    _key("enrolment_id", nullable=False),
    Column("command", String(16), nullable=False),  # retry skip cancel
    Column("reason", Text, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("done_at", Instant),
    Index(None, "enrolment_id", "done_at"),
)

# --- messages ----------------------------------------------------------------------------------

messages = Table(
    "messages",
    metadata,
    _key("key", primary_key=True),  # <effect key>:<channel>
    _key("member_id", 64, nullable=False),
    _key("campaign_id", 64),
    Column("version", Integer),
    _key("enrolment_id"),
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
    Index(None, "status", "due_at"),
    Index(None, "member_id", "channel", "sent_at"),
    Index(None, "channel", "claimed_at"),  # a channel's day, where it has a budget
    Index(None, "campaign_id", "status"),
)

contact_verdicts = Table(
    "contact_verdicts",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    _key("message_key", nullable=False),
    Column("verdict", String(8), nullable=False),  # send defer drop
    Column("reason", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("until", Instant),
    Index(None, "message_key"),
)

# --- exchange ----------------------------------------------------------------------------------

offers = Table(
    "offers",
    metadata,
    _key("id", 64, primary_key=True),  # the campaign's id
    Column("title", Json, nullable=False),
    Column("sku", String(64), nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("stock", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("per_member", Integer, nullable=False),
    Column("hold_seconds", Integer, nullable=False),
    Column("opens_at", Instant, nullable=False),
    Column("closes_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),  # announced open closed
    CheckConstraint("remaining >= 0 AND remaining <= stock", name="stock"),
)

claims = Table(
    "claims",
    metadata,
    _key("id", primary_key=True),
    _key("offer_id", 64, nullable=False),
    _key("member_id", 64, nullable=False),
    Column("request_id", String(128), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),  # reserved confirmed released expired
    Column("reserved_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("settled_at", Instant),
    _key("hold_id", nullable=False),
    UniqueConstraint("offer_id", "request_id"),
    Index(None, "member_id"),
    Index(None, "status", "expires_at"),
)

claim_counts = Table(
    "claim_counts",
    metadata,
    _key("offer_id", 64, primary_key=True),
    _key("member_id", 64, primary_key=True),
    Column("taken", Integer, nullable=False),
)

# --- people and programs that may act ----------------------------------------------------------

api_keys = Table(
    "api_keys",
    metadata,
    _key("id", 32, primary_key=True),
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
    _key("target", nullable=False),
    Column("reason", Text),
    Column("detail", Json, nullable=False),
    Index(None, "target"),
)
