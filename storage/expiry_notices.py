"""Notices of expiry, and the members whom the regular care has to look at for them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
)

from loyalty.expiry_policy import Notice
from loyalty.ledger import UNDATED
from storage.postings import account_id, member_of
from storage.rows import Shape, Upsert
from storage.tables import expiry_notices, lots, members

_notice = Shape(Notice, expiry_notices)
_GIVEN = select(*_notice.columns).where(
    expiry_notices.c.member_id == bindparam("member"),
    expiry_notices.c.expires_at == bindparam("at"),
)
_OF_UNDATED = (
    select(*_notice.columns)
    .where(
        expiry_notices.c.member_id == bindparam("member"),
        expiry_notices.c.expires_at >= bindparam("since"),
        expiry_notices.c.undated > 0,
    )
    .order_by(expiry_notices.c.expires_at)
)
_save = Upsert(expiry_notices)


def _account_of(member_id: Column[str]) -> ColumnElement[str]:
    return literal("member:", String) + member_id


class SqlNotices:
    """The Notices port on one transaction's connection; the member is locked before."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def given(self, member_id: str, expires_at: datetime) -> Notice | None:
        """What the member was told of this expiry; none = nothing yet."""
        asked = {"member": member_id, "at": expires_at}
        row = self._connection.execute(_GIVEN, asked).one_or_none()
        return Notice(*row) if row else None

    def of_undated(self, member_id: str, since: datetime) -> list[Notice]:
        """Those of points without a date, for instants from `since` on, by instant."""
        rows = self._connection.execute(_OF_UNDATED, {"member": member_id, "since": since})
        return [Notice(*row) for row in rows]

    def save(self, member_id: str, notice: Notice) -> None:
        """Put a notice on record, over an earlier one of the same expiry."""
        _save(self._connection, {"member_id": member_id, **_notice.values(notice)})


def lapsing_members(
    connection: Connection, now: datetime, until: datetime, after: str, limit: int
) -> list[str]:
    """Members, by id, with free points that lapsed, or lapse by `until` and are more than told."""
    told = and_(
        _account_of(expiry_notices.c.member_id) == lots.c.account_id,
        expiry_notices.c.expires_at == lots.c.expires_at,
    )
    free = func.sum(lots.c.remaining - lots.c.held)
    found = connection.execute(
        select(lots.c.account_id)
        .outerjoin_from(lots, expiry_notices, told)
        .where(
            lots.c.expires_at <= until,
            lots.c.remaining > lots.c.held,
            lots.c.account_id > account_id("member", after),
            lots.c.account_id.like("member:%"),
        )
        .group_by(lots.c.account_id, lots.c.expires_at, expiry_notices.c.points)
        .having(or_(lots.c.expires_at <= now, free > func.coalesce(expiry_notices.c.points, 0)))
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
