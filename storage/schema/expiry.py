"""Which members were told of which expiry: without this row nothing lapses (rule 8)."""

from sqlalchemy import BigInteger, Column, Table

from storage.schema.core import Instant, key, metadata

expiry_notices = Table(
    "expiry_notices",
    metadata,
    key("member_id", 64, primary_key=True),
    Column("expires_at", Instant, primary_key=True),
    Column("noticed_at", Instant, nullable=False),
    Column("event_seq", BigInteger),  # the event that campaigns could begin with
)
