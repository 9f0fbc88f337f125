"""Which members were told of which expiry: more than was told does not lapse (rule 8)."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, Table

from storage.schema.core import Instant, key, metadata

expiry_notices = Table(
    "expiry_notices",
    metadata,
    key("member_id", 64, primary_key=True),
    Column("expires_at", Instant, primary_key=True),
    Column("noticed_at", Instant, nullable=False),
    # Announced, less what lapsed of them: with this date, and without one.
    Column("points", BigInteger, nullable=False),
    Column("undated", BigInteger, nullable=False),
    Column("times", Integer, nullable=False),  # how often the member was told of this expiry
    Column("event_seq", BigInteger),  # the event that campaigns could begin with
    CheckConstraint("points >= 0 AND undated >= 0", name="points"),
)
