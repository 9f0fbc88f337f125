"""Who joined of late and would have been let in by an audience: judged as they were on joining."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from loyalty.audiences.asked import Asked, asked_by, keyed_facts
from loyalty.conditions import MEMBER, Condition
from loyalty.ledger import Balance
from loyalty.members import Member, member_facts
from loyalty.programme import Programme
from storage.audiences.history import histories
from storage.member_page import COLUMNS, member_of_row
from storage.tables import members, tier_history

LOOKED_AT_MAX = 500
"""Newcomers who are asked one by one; of more, the count is an estimate."""


def newcomers(
    connection: Connection,
    programme: Programme,
    condition: str | None,
    since: datetime,
    until: datetime,
) -> int:
    """How many of those who joined in that time fitted, with no purchase and no point yet.

    What only changes by hand is taken as it is now: tags, language, consents.
    """
    joined = (
        members.c.status == "active",
        members.c.registered_at > since,
        members.c.registered_at <= until,
    )
    count = connection.execute(select(func.count()).where(*joined)).scalar_one()
    if condition is None or not count:
        return count
    before = select(tier_history.c.came_from).where(tier_history.c.member_id == members.c.id)
    first = before.order_by(tier_history.c.id).limit(1).scalar_subquery()
    some = (
        select(func.coalesce(first, members.c.tier), *COLUMNS)
        .where(*joined)
        .order_by(members.c.draw, members.c.id)
        .limit(LOOKED_AT_MAX)
    )
    fresh = [
        replace(
            member_of_row(row[1:]), tier=row[0], purchases=0, spend_minor=0,
            first_purchase_at=None, last_purchase_at=None,
        )
        for row in connection.execute(some)
    ]  # fmt: skip
    return round(count * _fitting(connection, programme, condition, fresh) / len(fresh))


def _fitting(
    connection: Connection, programme: Programme, condition: str, fresh: Sequence[Member]
) -> int:
    judge, asked = Condition(condition, MEMBER), asked_by([condition])
    said = Asked(asked.names & {"member.consents"}, asked.keys)
    known = histories(connection, [m.id for m in fresh], said, programme, fresh[0].registered_at)
    facts = (
        {
            **member_facts(member, Balance(), member.registered_at),
            **keyed_facts(asked, known[member.id], (), member.registered_at),
        }
        for member in fresh
    )
    return sum(map(judge.fits, facts))
