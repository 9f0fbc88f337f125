"""What came of it, asked of the API when all is played: plain counts, nothing estimated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bootstrap.demo.campaigns import CUP, TASKS, WAKE_UP, WELCOME
from bootstrap.demo.play import Tally
from bootstrap.demo.till import Api

CAMPAIGNS = (WELCOME, TASKS, WAKE_UP, CUP)
GOAL_DAYS = timedelta(days=30)
ARMS = ("treated", "holdout")


@dataclass(frozen=True, slots=True)
class Arm:
    """Members who were met, or left alone on purpose, and what they bought."""

    entries: int
    bought: int
    receipts: int
    spent_minor: int


@dataclass(frozen=True, slots=True)
class Goal:
    """One campaign's goal, counted for those it met and those it left alone."""

    campaign: str
    what: str
    treated: Arm
    holdout: Arm
    too_recent: int  # whose thirty days go beyond the last day played


GOALS = (
    (WELCOME, "first purchases", 0),
    (TASKS, "purchases of $20 or more", 2000),
    (WAKE_UP, "purchases (woken)", 0),
)


async def read_reports(marketer: Api) -> list[Mapping[str, Any]]:
    """Every campaign with its figures, in the order of the play."""
    return [await marketer.get(f"/v1/campaigns/{each}") for each in CAMPAIGNS]


async def read_goals(marketer: Api, tally: Tally, ended: datetime) -> list[Goal]:
    """For each campaign with a goal: who did it within thirty days of entering."""
    goals = []
    for campaign, what, least in GOALS:
        runs = await marketer.pages("/v1/runs", "runs", campaign_id=campaign)
        whole = [run for run in runs if _entered(run) + GOAL_DAYS <= ended]
        treated, holdout = (
            _arm([run for run in whole if run["arm"] == arm], tally, least) for arm in ARMS
        )
        goals.append(Goal(campaign, what, treated, holdout, len(runs) - len(whole)))
    return goals


def _arm(runs: Sequence[Mapping[str, Any]], tally: Tally, least: int) -> Arm:
    bought = [_bought(run, tally, least) for run in runs]
    return Arm(
        entries=len(runs),
        bought=sum(bool(amounts) for amounts in bought),
        receipts=sum(len(amounts) for amounts in bought),
        spent_minor=sum(sum(amounts) for amounts in bought),
    )


def _bought(run: Mapping[str, Any], tally: Tally, least: int) -> list[int]:
    """What the member bought within thirty days of entering."""
    since = _entered(run)
    return [
        amount
        for at, amount in tally.bought.get(run["member_id"], ())
        if since <= at < since + GOAL_DAYS and amount >= least
    ]


def _entered(run: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(run["admitted_at"])
