"""Three members told step by step, in the sentences every operator can ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bootstrap.demo.campaigns import TASKS, WAKE_UP, WELCOME
from bootstrap.demo.data import ZONE
from bootstrap.demo.play import Tally
from bootstrap.demo.till import Api

TRIED = 150
"""How many members are looked at for the one whose reward was taken back."""

Run = Mapping[str, Any]
Decision = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """One member's way through one campaign."""

    title: str
    member: str
    campaign: str
    run_id: str | None
    decisions: Sequence[Decision]
    also: Sequence[tuple[datetime, str]] = ()
    only_run: bool = False


async def three_stories(marketer: Api, tally: Tally) -> list[Story]:
    """Somebody who came back, somebody who was left alone, somebody who returned goods."""
    found = [
        await _woken(marketer),
        await _left_alone(marketer),
        await _refunded(marketer, tally),
    ]
    return [story for story in found if story is not None]


async def _woken(marketer: Api) -> Story | None:
    """The member whom the dormant wake-up took longest to win back, or a first order."""
    for campaign, outcome, title in (
        (WAKE_UP, "woken", "Came back: dormant, then woken"),
        (WELCOME, "ordered", "New, and bought"),
    ):
        runs = await marketer.pages("/v1/runs", "runs", campaign_id=campaign, state="ended")
        ended = [run for run in runs if run["outcome"] == outcome]
        if ended:
            return await _story(marketer, title, max(ended, key=_length))
    return None


async def _left_alone(marketer: Api) -> Story | None:
    for campaign in (WAKE_UP, TASKS):
        runs = await marketer.pages("/v1/runs", "runs", campaign_id=campaign)
        if held := [run for run in runs if run["arm"] == "holdout"]:
            return await _story(marketer, "Left alone on purpose: held out", held[0])
    return None


async def _refunded(marketer: Api, tally: Tally) -> Story | None:
    """Somebody whose returned goods undid a task, or at least cost points."""
    best: Story | None = None
    for member, said in list(tally.refunds.items())[:TRIED]:
        told = await _explained(marketer, TASKS, member)
        story = Story("Returned goods", member, TASKS, _run_of(told), told, said, True)
        if any(each["reason"] == "goal_undone" for each in told):
            return story
        best = best or story
    return best


async def _story(marketer: Api, title: str, run: Run) -> Story:
    told = await _explained(marketer, run["campaign_id"], run["member_id"])
    return Story(title, run["member_id"], run["campaign_id"], run["id"], told)


async def _explained(marketer: Api, campaign: str, member: str) -> Sequence[Decision]:
    path = f"/v1/campaigns/{campaign}/members/{member}/explanation"
    found: Sequence[Decision] = (await marketer.get(path))["decisions"]
    return found


def _length(run: Run) -> tuple[float, str]:
    began, ended = (datetime.fromisoformat(run[name]) for name in ("admitted_at", "ended_at"))
    return (ended - began).total_seconds(), str(run["id"])


def _run_of(decisions: Sequence[Decision]) -> str | None:
    undone = [each for each in decisions if each["reason"] == "goal_undone"]
    return next((each["run_id"] for each in [*undone, *decisions] if each.get("run_id")), None)


def show(story: Story) -> RenderableType:
    head = Text.assemble(
        (story.title, "bold"), "   ", (story.member, "cyan"), (f" in {story.campaign}", "dim")
    )
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style="dim", no_wrap=True)
    lines.add_column()
    told = _told(story)
    moments = [(_at(each), each["sentence"], "") for each in told]
    first, last = moments[0][0], moments[-1][0]
    moments += [(at, words, "yellow") for at, words in story.also if first <= at <= last]
    for at, words, style in sorted(moments, key=lambda moment: moment[0]):
        lines.add_row(f"{at.astimezone(ZONE):%b %d %H:%M}", Text(words, style))
    return Group(Text(""), head, lines)


def _told(story: Story) -> Sequence[Decision]:
    """Of a member with many months the run that matters."""
    of_run = [each for each in story.decisions if each.get("run_id") == story.run_id]
    return of_run if story.only_run and of_run else story.decisions


def _at(decision: Decision) -> datetime:
    return datetime.fromisoformat(decision["at"])
