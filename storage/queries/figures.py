"""What a campaign is watched by, read in a handful of walks along indexes made for them.

No look goes to the members, the ledger or the events: a campaign of 100,000 members answers while
somebody waits. Everything is counted from one snapshot.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from loyalty.funnel import Runs
from storage.queries.campaigns import claims_counted
from storage.queries.pages import View, first, rows
from storage.tables import (
    campaign_days,
    campaign_versions,
    campaigns,
    decisions,
    enrolments,
    messages,
    offers,
)

_WITHHELD = ("not_admitted", "skipped")


def campaign_figures(connection: Connection, campaign_id: str, now: datetime) -> View | None:
    """A campaign's row, its versions, and everything that is counted about it: `runs` (Runs),
    `days`, `messages`, `withheld`, `offer`, `claims`."""
    found = first(connection, select(campaigns).where(campaigns.c.id == campaign_id))
    if found is None:
        return None
    return {
        "campaign": found,
        "versions": rows(connection, _versions(campaign_id)),
        "runs": [Runs(*row) for row in connection.execute(runs_counted(campaign_id, now))],
        "days": rows(connection, _days(campaign_id)),
        "messages": rows(connection, messages_counted(campaign_id)),
        "withheld": rows(connection, withheld_counted(campaign_id)),
        "offer": first(connection, select(offers).where(offers.c.id == campaign_id)),
        "claims": claims_counted(connection, campaign_id),
    }


def runs_counted(campaign_id: str, now: datetime) -> Select[Any]:
    """Runs that are alike, counted: one walk along ix_enrolments_figures."""
    e = enrolments.c
    # Grouped in the order of the index, so that nothing is sorted.
    alike = (e.version, e.arm, e.again, e.state, e.outcome, e.step_id, e.reached)
    met, in_time = func.count(e.goal_met_at), func.sum(case((e.goal_until > now, 1), else_=0))
    counted = select(*alike, func.count(), met, in_time).where(e.campaign_id == campaign_id)
    return counted.group_by(*alike)


def messages_counted(campaign_id: str) -> Select[Any]:
    """Messages by day, channel, status and the rule that held them back, counted."""
    m = messages.c
    alike = (m.day, m.channel, m.status, m.held_back_by)
    counted = select(*alike, func.count().label("count")).where(m.campaign_id == campaign_id)
    return counted.group_by(*alike)


def withheld_counted(campaign_id: str) -> Select[Any]:
    """Who was not let in and which steps were passed over, by reason."""
    d = decisions.c
    counted = select(d.verdict, d.reason, func.count().label("count")).where(
        d.campaign_id == campaign_id, d.verdict.in_(_WITHHELD)
    )
    return counted.group_by(d.verdict, d.reason)


def _versions(campaign_id: str) -> Select[Any]:
    v = campaign_versions.c
    wanted = (v.version, v.plan, v.body["holdout_bp"].as_integer().label("holdout_bp"))
    return select(*wanted, v.created_at).where(v.campaign_id == campaign_id).order_by(v.version)


def _days(campaign_id: str) -> Select[Any]:
    d = campaign_days.c
    wanted = (d.day, d.granted_points, d.taken_back_points)
    return select(*wanted).where(d.campaign_id == campaign_id).order_by(d.day)
