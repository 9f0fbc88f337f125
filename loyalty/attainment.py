"""Whether members reach what a campaign is for, held-out members as much as treated ones.

The campaign's goal is watched from admission on, for its own length, apart from any wait of the
journey: who was held out has no journey. The same counting serves both (`journeys/goals.py`), a
refund takes an attainment away again, and an upload that comes late still counts for the day on
which it happened.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty.journeys.plan import Plan
from loyalty.journeys.sight import Sight
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.records import Enrolment, Version
from loyalty.timing import TICK, shift

LOOKED_BACK = timedelta(days=60)
"""How long after a goal's time a refund or a late upload is still looked at: past the longest
return window that shops are known to give."""


def goal_until(plan: Plan, since: datetime, zone: ZoneInfo) -> datetime | None:
    """The end, exclusive, of the time in which a goal counts; none where the campaign has none.

    Acts count after `since`: a month's goal begins with the month and ends with it.
    """
    if plan.goal is None or plan.goal_within is None:
        return None
    return shift(since + TICK, plan.goal_within, zone)


def watch(tx: Transaction, version: Version, enrolment: Enrolment, member: Member) -> None:
    """Begin to watch a member's goal. Acts of before, where they count, are judged at once."""
    if version.plan.goal is None or enrolment.goal_until is None:
        return
    tx.enrolments.watch_goal(enrolment, version.plan.goal.on)
    if enrolment.position.since < tx.now - TICK:
        _judge(tx, member, enrolment)


def judge(tx: Transaction, member: Member, event_type: str) -> None:
    """Look again at every goal of a member that an act of this type can reach or undo."""
    for enrolment in tx.enrolments.goals_watched(member.id, event_type):
        assert enrolment.goal_until is not None
        _judge(tx, member, enrolment)
        if tx.now >= enrolment.goal_until + LOOKED_BACK:
            tx.enrolments.forget_goal(enrolment.id)


def _judge(tx: Transaction, member: Member, enrolment: Enrolment) -> None:
    plan = tx.campaigns.version(enrolment.campaign_id, enrolment.version).plan
    assert plan.goal is not None
    assert enrolment.goal_since is not None
    assert enrolment.goal_until is not None
    sight = Sight(tx, member, plan, enrolment)
    tally = sight.tally(plan.goal, enrolment.goal_since, enrolment.goal_until)
    met_at = tally.last_at if tally.count >= plan.goal.count else None
    if met_at != enrolment.goal_met_at:
        tx.enrolments.goal_met(replace(enrolment, goal_met_at=met_at))
