"""Campaigns with their figures: who was looked at, who came in, what came of it, what it cost."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from storage.queries.pages import View, first, rows
from storage.tables import (
    campaign_versions,
    campaigns,
    claims,
    contact_verdicts,
    decisions,
    enrolments,
    launch_requests,
    messages,
)

_AWAITING = (
    select(launch_requests.c.campaign_id)
    .join(campaigns, campaigns.c.id == launch_requests.c.campaign_id)
    .where(launch_requests.c.state == "waiting", campaigns.c.state == "draft")
)
_DOOR = ("admitted", "held_out", "not_admitted")


def list_campaigns(
    connection: Connection,
    *,
    state: str | None = None,
    after: str = "",
    limit: int = 50,
    text: str = "",
    awaiting: bool = False,
) -> list[View]:
    """Campaigns by id; `after` is the id of the last one seen, `text` stands in id or name.

    `awaiting`: only drafts whose launch a second person has to approve.
    """
    query = select(campaigns).where(campaigns.c.id > after)
    if text:
        named = campaigns.c.name.icontains(text, autoescape=True)
        query = query.where(or_(named, campaigns.c.id.icontains(text, autoescape=True)))
    if state is not None:
        query = query.where(campaigns.c.state == state)
    if awaiting:
        query = query.where(campaigns.c.id.in_(_AWAITING))
    return rows(connection, query.order_by(campaigns.c.id).limit(limit))


def count_awaiting(connection: Connection) -> int:
    """How many launches wait for a second person."""
    return connection.execute(select(func.count()).select_from(_AWAITING.subquery())).scalar_one()


def campaign_report(connection: Connection, campaign_id: str) -> View | None:
    """A campaign's row, the values of its version, and its figures under `report`."""
    row = first(connection, select(campaigns).where(campaigns.c.id == campaign_id))
    if row is None:
        return None
    body = select(campaign_versions.c.body).where(
        campaign_versions.c.campaign_id == campaign_id,
        campaign_versions.c.version == row["version"],
    )
    version = connection.execute(body).scalar_one_or_none() or {}
    report = {
        **_door(connection, campaign_id),
        **_journeys(connection, campaign_id),
        "points": {
            "granted": row["granted_points"],
            "reserved": row["reserved_points"],
            "budget": row["budget_points"],
        },
        "messages": _messages(connection, campaign_id),
        "verdicts": _verdicts(connection, campaign_id),
        "claims": claims_counted(connection, campaign_id),
    }
    return row | {"values": version.get("values", {}), "report": report}


def _door(connection: Connection, campaign_id: str) -> View:
    """Members, each counted once however often they knocked; who got in later counts as in."""
    at_door = (decisions.c.campaign_id == campaign_id, decisions.c.verdict.in_(_DOOR))
    members = func.count(decisions.c.member_id.distinct())
    evaluated = connection.execute(select(members).where(*at_door)).scalar_one()
    counts = connection.execute(
        select(decisions.c.verdict, decisions.c.reason, members)
        .where(*at_door)
        .group_by(decisions.c.verdict, decisions.c.reason)
        .order_by(decisions.c.reason)
    ).all()
    return {
        "evaluated": evaluated,
        "admitted": sum(count for verdict, _, count in counts if verdict == "admitted"),
        "held_out": sum(count for verdict, _, count in counts if verdict == "held_out"),
        "not_admitted": {
            reason: count for verdict, reason, count in counts if verdict == "not_admitted"
        },
    }


def _journeys(connection: Connection, campaign_id: str) -> View:
    """Journeys of treated members; who was held out has none."""
    treated = (enrolments.c.campaign_id == campaign_id, enrolments.c.arm != "holdout")
    states = _count_by(connection, enrolments.c.state, *treated)
    ended = (*treated, enrolments.c.state == "ended")
    return {
        "enrolled": sum(states.values()),
        "live": sum(count for state, count in states.items() if state != "ended"),
        "states": states,
        "outcomes": _count_by(connection, enrolments.c.outcome, *ended),
    }


def _messages(connection: Connection, campaign_id: str) -> dict[str, dict[str, int]]:
    """How many messages by channel and by what became of them."""
    counted = connection.execute(
        select(messages.c.channel, messages.c.status, func.count())
        .where(messages.c.campaign_id == campaign_id)
        .group_by(messages.c.channel, messages.c.status)
        .order_by(messages.c.channel, messages.c.status)
    )
    return _nested(counted)


def _verdicts(connection: Connection, campaign_id: str) -> dict[str, dict[str, int]]:
    """How often the contact gate said what, and by which rule; a deferred message is asked anew."""
    counted = connection.execute(
        select(contact_verdicts.c.verdict, contact_verdicts.c.reason, func.count())
        .join(messages, messages.c.key == contact_verdicts.c.message_key)
        .where(messages.c.campaign_id == campaign_id)
        .group_by(contact_verdicts.c.verdict, contact_verdicts.c.reason)
        .order_by(contact_verdicts.c.verdict, contact_verdicts.c.reason)
    )
    return _nested(counted)


def claims_counted(connection: Connection, campaign_id: str) -> dict[str, View]:
    """Claims, units and points by status; an exchange offer bears its campaign's id."""
    counted = connection.execute(
        select(
            claims.c.status,
            func.count().label("claims"),
            func.sum(claims.c.quantity).label("units"),
            func.sum(claims.c.points).label("points"),
        )
        .where(claims.c.offer_id == campaign_id)
        .group_by(claims.c.status)
        .order_by(claims.c.status)
    )
    # PostgreSQL sums big integers into decimals.
    return {
        status: {"claims": count, "units": int(units), "points": int(points)}
        for status, count, units, points in counted
    }


def _count_by(
    connection: Connection, column: ColumnElement[Any], *where: ColumnElement[bool]
) -> dict[str, int]:
    counted = select(column, func.count()).where(*where).group_by(column).order_by(column)
    return {str(value): count for value, count in connection.execute(counted)}


def _nested(counted: Any) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for outer, inner, count in counted:
        found.setdefault(outer, {})[inner] = count
    return found
