"""People and what they agreed to be told."""

import hashlib
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, text

from storage.schema.core import Instant, Json, key, metadata

DRAWS = 2**31
"""How many draws there are."""


def draw_of(member_id: str) -> int:
    """A number from 0 to below `DRAWS` that says nothing about the member, and stays the same."""
    return int.from_bytes(hashlib.sha256(member_id.encode()).digest()[:4], "big") // 2


def _draw(context: Any) -> int:
    return draw_of(context.get_current_parameters()["id"])


members = Table(
    "members",
    metadata,
    key("id", 64, primary_key=True),
    Column("status", String(16), nullable=False, server_default="active"),  # merged erased
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
    key("inviter_id", 64),
    Column("stop_listed", Boolean, nullable=False, server_default="0"),
    # Projections kept by intake, so that audiences and conditions never scan the inbox. None is in
    # an index: PostgreSQL then changes the row in its page, and a receipt touches no index.
    Column("first_purchase_at", Instant),
    Column("last_purchase_at", Instant),
    Column("purchases", Integer, nullable=False, server_default="0"),
    Column("spend_minor", BigInteger, nullable=False, server_default="0"),
    key("card_no", 64),
    Column("phone_digits", String(40)),
    key("merged_into", 64),
    Column("body_hash", String(64), nullable=False),
    Column("answer", Json, nullable=False),
    # Some members stand for all where a count of everybody would take too long.
    Column("draw", Integer, nullable=False, default=_draw),
    Index(None, "draw"),
    # A clerk finds a member by the card, the phone number or the address.
    # A card is one member's: of two who are given it at once, one is refused.
    Index(None, "card_no", unique=True),
    Index(None, "phone_digits"),
    Index(None, "email"),
    Index(None, "inviter_id"),
    # Who is erased is forgotten under all their ids; few were merged.
    Index(
        None,
        "merged_into",
        sqlite_where=text("merged_into IS NOT NULL"),
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
    # How many join of late says how many a campaign for new members will meet.
    Index(None, "registered_at"),
    postgresql_with={"fillfactor": "80"},
)

consents = Table(
    "consents",
    metadata,
    key("member_id", 64, primary_key=True),
    Column("channel", String(16), primary_key=True),
    Column("purpose", String(16), primary_key=True),
    Column("granted", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Column("source", String(16), nullable=False, server_default="request"),
    # Those who said no are few, and estimates ask for them.
    Index(
        "ix_consents_refused",
        "purpose",
        "channel",
        "member_id",
        sqlite_where=text("granted IS 0"),
        postgresql_where=text("granted IS false"),
    ),
)

# A link a member, made with the first e-mail that needs one. Whoever knows it may refuse for them,
# and nothing else: it stands here as it is, to be put into the next e-mail.
unsubscribe_links = Table(
    "unsubscribe_links",
    metadata,
    key("member_id", 64, primary_key=True),
    Column("token", String(32), nullable=False, unique=True),
)
