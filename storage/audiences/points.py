"""A member's points as SQL beside `members`, by the same rules as a balance (`storage/statements`).

Holds past their deadline are left to `counting.py`: their points are free, and no lot says so yet.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, func, literal, select

from loyalty.ledger import UNDATED
from storage.tables import accounts, lots, members


def spendable(now: datetime, dialect: str) -> ColumnElement[int]:
    """Live points, less what is held, less what is owed, never below nothing."""
    free = _free(lots.c.available_at <= now, lots.c.expires_at > now)
    debt = accounts.c.id == literal("debt:").concat(members.c.id)
    owed = select(accounts.c.balance).where(debt).correlate(members).scalar_subquery()
    most = func.greatest if dialect == "postgresql" else func.max
    left: ColumnElement[int] = most(free + func.coalesce(owed, 0), 0)
    return left


def expiring(now: datetime, within: timedelta) -> ColumnElement[int]:
    """Points that lapse from now on, before so long is over; what is held does not lapse."""
    return _free(
        lots.c.expires_at > now, lots.c.expires_at < UNDATED, lots.c.expires_at < now + within
    )


def _free(*where: ColumnElement[bool]) -> ScalarSelect[int]:
    account = lots.c.account_id == literal("member:").concat(members.c.id)
    free = func.coalesce(func.sum(lots.c.remaining - lots.c.held), 0)
    mine = select(free).where(account, lots.c.remaining > 0, *where)
    return mine.correlate(members).scalar_subquery()
