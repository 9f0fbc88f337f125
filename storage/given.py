"""When members were last given points without a date: read from the log, which keeps every posting.

By inactivity such points live on for a minimum life from then.
"""

from datetime import datetime

from sqlalchemy import BindParameter, Connection, String, bindparam, func, literal, select

from loyalty.ledger import UNDATED, stamp
from storage.merged_rows import MERGED_INTO
from storage.tables import entries, transactions

GIVING = ("earn", "grant", "adjust", "gift", "transfer")
"""Kinds of postings that give points. A merger and what is undone only move those given before."""

_member: BindParameter[str] = bindparam("member", type_=String)
_ids = select(_member.label("id")).union_all(MERGED_INTO).subquery()
# The last of each account, from its end: a few rows, however long the account is.
_last = (
    select(transactions.c.at)
    .join(entries, entries.c.transaction_id == transactions.c.id)
    .where(
        entries.c.account_id == literal("member:", String) + _ids.c.id,
        entries.c.amount > 0,
        transactions.c.kind.in_(GIVING),
        transactions.c.moves.contains(stamp(UNDATED)),
    )
    .order_by(entries.c.seq.desc())
    .limit(1)
    .correlate(_ids)
    .scalar_subquery()
)
_GIVEN = select(func.max(_last)).select_from(_ids)


def given_at(connection: Connection, member_id: str) -> datetime | None:
    """When the member, or who was merged into them, was last given such points; none = never."""
    found: datetime | None = connection.execute(_GIVEN, {"member": member_id}).scalar_one()
    return found
