"""What a campaign did so far, told as one: how far members came, whether it worked, what it cost.

Made of counts alone, no member in it. The console's page, the API, the live feed and the Excel
sheet all show these figures and no others.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.budget_pace import budget_pace
from loyalty.funnel import Funnel, Runs, funnel
from loyalty.journeys.plan import Plan
from loyalty.lift import Arm, Lift, lift, split_is_broken

DAYS_SHOWN = 92
"""A quarter: what one chart can carry."""

Figures = dict[str, Any]


def watched(found: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> Figures:
    """The figures of `found` (storage: campaign_figures) at `now`, by the days of `zone`."""
    campaign, runs = found["campaign"], found["runs"]
    plans = {row["version"]: Plan.model_validate(row["plan"]) for row in found["versions"]}
    funnels = [funnel(version, plan, runs) for version, plan in plans.items()]
    treated = [group for group in runs if group.arm != "holdout"]
    states = _count(treated, "state")
    return {
        "id": campaign["id"],
        "name": campaign["name"],
        "template": campaign["template"],
        "state": campaign["state"],
        "version": campaign["version"],
        "launched_at": campaign["launched_at"],
        "ended_at": campaign["ended_at"],
        "at": now,
        "entered": sum(group.count for group in treated),
        "held_out": sum(group.count for group in runs) - sum(group.count for group in treated),
        "live": sum(count for state, count in states.items() if state != "ended"),
        "states": states,
        "funnels": [_told(each) for each in funnels],
        "lift": _lift(found["versions"], plans.get(campaign["version"]), runs),
        "points": _points(campaign, found["days"], now, zone),
        "days": _days(campaign, found, now, zone),
        "messages": _fates(found["messages"]),
        "held_back": _held_back(found["messages"]),
        "refused": _reasons(found["withheld"], "not_admitted"),
        "skipped": _reasons(found["withheld"], "skipped"),
        "exchange": _exchange(found),
    }


def _count(runs: Sequence[Runs], name: str) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for group in runs:
        counted[getattr(group, name)] += group.count
    return dict(sorted(counted.items()))


def _told(each: Funnel) -> Figures:
    return {
        "version": each.version,
        "entered": each.entered,
        "held_out": each.held_out,
        "steps": [
            {
                "step": step.step,
                "kind": step.kind,
                "reached": step.reached,
                "here": step.here,
                "places": dict(step.places),
            }
            for step in each.steps
        ],
        "outcomes": dict(each.outcomes),
    }


def _lift(
    versions: Sequence[Mapping[str, Any]], plan: Plan | None, runs: Sequence[Runs]
) -> Figures | None:
    """Members by their first run, so that nobody counts twice; none where there is no goal."""
    if plan is None or plan.goal is None:
        return None
    first = [group for group in runs if not group.again]
    treated, holdout = _arm(first, holdout=False), _arm(first, holdout=True)
    share = _share_held_out(versions, first)
    found = lift(treated, holdout, held_out_bp=share)
    return {
        "goal": {
            "on": plan.goal.on,
            "where": plan.goal.where,
            "count": plan.goal.count,
            "within": str(plan.goal_within) if plan.goal_within else None,
        },
        "treated": _rate(treated),
        "holdout": _rate(holdout),
        "in_time": sum(group.in_time for group in first),
        **_intervals(found),
        "held_out_bp": share,
        "split_broken": split_is_broken(treated.members, holdout.members, share),
    }


def _arm(runs: Sequence[Runs], *, holdout: bool) -> Arm:
    mine = [group for group in runs if (group.arm == "holdout") == holdout]
    return Arm(sum(group.count for group in mine), sum(group.met for group in mine))


def _share_held_out(versions: Sequence[Mapping[str, Any]], first: Sequence[Runs]) -> int:
    """What share should be held out, in basis points: each version by whom it met."""
    shares = {row["version"]: row["holdout_bp"] or 0 for row in versions}
    met = sum(group.count for group in first)
    if not met:
        return int(shares[max(shares)]) if shares else 0
    return round(sum(shares.get(group.version, 0) * group.count for group in first) / met)


def _rate(arm: Arm) -> Figures:
    return {
        "members": arm.members,
        "met": arm.met,
        "rate": arm.rate if arm.members else None,
    }


def _intervals(found: Lift) -> Figures:
    return {
        "difference": found.difference,
        "fixed": found.fixed and {"low": found.fixed.low, "high": found.fixed.high},
        "always": found.always and {"low": found.always.low, "high": found.always.high},
        "verdict": found.verdict,
    }


def _points(
    campaign: Mapping[str, Any],
    days: Sequence[Mapping[str, Any]],
    now: datetime,
    zone: ZoneInfo,
) -> Figures:
    today = now.astimezone(zone).date()
    launched_at = campaign["launched_at"]
    pace = budget_pace(
        budget=campaign["budget_points"],
        granted=campaign["granted_points"],
        reserved=campaign["reserved_points"],
        granted_by_day={date.fromisoformat(row["day"]): row["granted_points"] for row in days},
        launched_on=launched_at.astimezone(zone).date() if launched_at else today,
        today=today,
    )
    return {
        "budget": campaign["budget_points"],
        "granted": campaign["granted_points"],
        "reserved": campaign["reserved_points"],
        "taken_back": sum(row["taken_back_points"] for row in days),
        "left": pace.left,
        "per_day": round(pace.per_day),
        "used_up_on": None if campaign["ended_at"] else pace.used_up_on,
    }


def _days(
    campaign: Mapping[str, Any], found: Mapping[str, Any], now: datetime, zone: ZoneInfo
) -> list[Figures]:
    """Every day since the launch, also those on which nothing happened; the last quarter of it."""
    if campaign["launched_at"] is None:
        return []
    end = (campaign["ended_at"] or now).astimezone(zone).date()
    first = campaign["launched_at"].astimezone(zone).date()
    known = [row["day"] for rows in (found["days"], found["messages"]) for row in rows]
    # A run that was under way when the campaign ended may still be given something.
    end = max([end, *(date.fromisoformat(day) for day in known if day)])
    first = max(first, end - timedelta(days=DAYS_SHOWN - 1))
    given = {row["day"]: row for row in found["days"]}
    said: dict[str, list[Mapping[str, Any]]] = {}
    for row in found["messages"]:
        said.setdefault(row["day"], []).append(row)
    shown = []
    for number in range((end - first).days + 1):
        day = first + timedelta(days=number)
        points = given.get(day.isoformat(), {})
        shown.append(
            {
                "day": day,
                "granted_points": points.get("granted_points", 0),
                "taken_back_points": points.get("taken_back_points", 0),
                "messages": _fates(said.get(day.isoformat(), [])),
            }
        )
    return shown


def _fates(messages: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Messages by channel and by what became of them."""
    found: dict[str, Counter[str]] = {}
    for row in messages:
        found.setdefault(row["channel"], Counter())[row["status"]] += row["count"]
    return {channel: dict(sorted(found[channel].items())) for channel in sorted(found)}


def _held_back(messages: Sequence[Mapping[str, Any]]) -> list[Figures]:
    """Messages that a contact rule put off or dropped, by that rule and what became of them."""
    counted: Counter[tuple[str, str]] = Counter()
    for row in messages:
        if row["held_back_by"]:
            counted[row["held_back_by"], row["status"]] += row["count"]
    return [
        {"rule": rule, "status": status, "count": count}
        for (rule, status), count in counted.most_common()
    ]


def _reasons(withheld: Sequence[Mapping[str, Any]], verdict: str) -> list[Figures]:
    found = [row for row in withheld if row["verdict"] == verdict]
    found.sort(key=lambda row: (-row["count"], row["reason"]))
    return [{"reason": row["reason"], "count": row["count"]} for row in found]


def _exchange(found: Mapping[str, Any]) -> Figures | None:
    offer = found["offer"]
    if offer is None:
        return None
    names = ("title", "sku", "state", "points", "stock", "remaining", "opens_at", "closes_at")
    return {**{name: offer[name] for name in names}, "claims": found["claims"]}
