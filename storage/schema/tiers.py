"""Members' tiers: what they held and why, what counted for it, and whom to look at when."""

from sqlalchemy import BigInteger, Column, Index, String, Table

from storage.schema.core import Instant, Serial, key, metadata

tier_history = Table(
    "tier_history",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    key("member_id", 64, nullable=False),
    Column("track", String(8), nullable=False),  # ladder paid
    Column("tier", String(32), nullable=False),
    Column("from_at", Instant, nullable=False),
    Column("until_at", Instant),
    Column(
        "reason", String(16), nullable=False
    ),  # reached retained not_retained refunded set_by_hand paid
    Column("came_from", String(32), nullable=False),
    Column("metric", BigInteger),  # minor units or points; none where nothing was summed
    Column("counted_from", Instant),
    Index(None, "member_id", "id"),
)

# Written only where the metric is not spend: receipts say that themselves.
tier_metric = Table(
    "tier_metric",
    metadata,
    key("source_key", primary_key=True),  # <metric>:<the event's number>
    key("member_id", 64, nullable=False),
    Column("metric", String(16), nullable=False),
    Column("at", Instant, nullable=False),  # when the purchase happened, for its refunds too
    Column("amount", BigInteger, nullable=False),
    Index(None, "member_id", "metric", "at"),
)

tier_reviews = Table(
    "tier_reviews",
    metadata,
    key("member_id", 64, primary_key=True),
    Column("due_at", Instant, nullable=False),
    Column("refunded_at", Instant),  # a refund that no review has judged yet
    Index(None, "due_at", "member_id"),
)
