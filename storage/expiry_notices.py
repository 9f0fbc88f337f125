"""Notices of expiry, and the members whom the regular care has to look at for them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    String,
    bindparam,
    exists,
    func,
    insert,
    literal,
    select,
)

from loyalty.ledger import UNDATED
from storage.postings import account_id, member_of
from storage.tables import expiry_notices, lots, members

_GIVEN = select(expiry_notices.c.noticed_at).where(
    expiry_notices.c.member_id == bindparam("member"),
    expiry_notices.c.expires_at == bindparam("at"),
)
_ADD = insert(expiry_notices)


def _account_of(member_id: Column[str]) -> ColumnElement[str]:
    return literal("member:", String) + member_id


class SqlNotices:
    """The Notices port on one transaction's connection; the member is locked before."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def given(self, member_id: str, expires_at: datetime) -> datetime | None:
        """When the member was told of this expiry; none = not yet."""
        asked = {"member": member_id, "at": expires_at}
        at: datetime | None = self._connection.execute(_GIVEN, asked).scalar()
        return at

    def add(self, member_id: str, expires_at: datetime, event_seq: int | None) -> None:
        """Put a notice on record, as of now."""
        row = {"member_id": member_id, "expires_at": expires_at, "event_seq": event_seq}
        self._connection.execute(_ADD, {**row, "noticed_at": self._now})


def lapsing_members(
    connection: Connection, now: datetime, until: datetime, after: str, limit: int
) -> list[str]:
    """Members with free points that lapsed, or lapse by `until` and were not noticed, by id."""
    told = exists().where(
        _account_of(expiry_notices.c.member_id) == lots.c.account_id,
        expiry_notices.c.expires_at == lots.c.expires_at,
    )
    found = connection.execute(
        select(lots.c.account_id)
        .where(
            lots.c.expires_at <= until,
            (lots.c.expires_at <= now) | ~told,
            lots.c.remaining > lots.c.held,
            lots.c.account_id > account_id("member", after),
            lots.c.account_id.like("member:%"),
        )
        .distinct()
        .order_by(lots.c.account_id)
        .limit(limit)
    )
    return [member_of(account) for account in found.scalars()]


def undated_members(
    connection: Connection, acted_before: datetime, after: str, limit: int
) -> Sequence[str]:
    """Active members with undated points whose last purchase lies before an instant, by id."""
    acted = func.coalesce(members.c.last_purchase_at, members.c.registered_at)
    query = (
        select(members.c.id)
        .join(lots, lots.c.account_id == _account_of(members.c.id))
        .where(
            members.c.id > after,
            members.c.status == "active",
            acted < acted_before,
            lots.c.expires_at == UNDATED,
            lots.c.remaining > lots.c.held,
        )
        .distinct()
        .order_by(members.c.id)
        .limit(limit)
    )
    return connection.execute(query).scalars().all()
