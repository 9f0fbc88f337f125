"""People who sign in, the browsers they are signed in with, and links not used yet."""

from sqlalchemy import Boolean, Column, ForeignKey, String, Table, Text

from storage.schema.core import Instant, key, metadata

people = Table(
    "people",
    metadata,
    key("id", 32, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", String(200), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", Text),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_seen", Instant),
)

sessions = Table(
    "sessions",
    metadata,
    key("id", 32, primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("person_id", String(32), ForeignKey("people.id"), nullable=False, index=True),
    Column("how", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

# Without a person: the link with which the first admin is made.
sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person_id", String(32), ForeignKey("people.id")),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
)
