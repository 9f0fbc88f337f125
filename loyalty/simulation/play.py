"""A member's next weeks in a campaign, played on paper: the same turns, with the clock moved.

The clock goes from one instant at which something is due to the next: a line of the outbox, a
wake-up of the campaign or of a journey, an assumed act. Nothing is judged here; the turns do that.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loyalty.admission import compiled, facts_of
from loyalty.campaign_turn import take_campaign_turn
from loyalty.journeys.plan import Await, Step
from loyalty.journeys.turn import take_turn
from loyalty.members import Member
from loyalty.ports import Transaction
from loyalty.records import Campaign, Decision, Enrolment, InboxEvent, Version
from loyalty.simulation.acts import record
from loyalty.simulation.assumptions import Act, Assumption, Search, act_times
from loyalty.simulation.contact import Said
from loyalty.simulation.door import Door, door_of, enter, opened
from loyalty.simulation.paper import Paper
from loyalty.simulation.points import Credit

DAYS = 90
TURNS_MAX = 2_000
"""More than three months of any campaign hold; passing it means a fault, not a long journey."""
ACTS_MAX = 300
"""Assumed acts of a simulation: with each, all that came before is counted again."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What was recorded instead of written, in order."""

    start: datetime
    end: datetime
    door: Door
    decisions: tuple[Decision, ...]
    messages: tuple[Said, ...]
    credits: tuple[Credit, ...]
    acts: tuple[InboxEvent, ...]
    cannot: tuple[str, ...]  # goals for which no act could be assumed, or not as many as they ask


@dataclass(slots=True)
class _Stage:
    paper: Paper
    assumption: Assumption
    end: datetime
    acts: list[tuple[datetime, Act]] = field(default_factory=list)
    waits: set[tuple[str, str, datetime]] = field(default_factory=set)
    cannot: list[str] = field(default_factory=list)
    search: Search = field(default_factory=Search)
    number: int = 0


def simulate(
    tx: Transaction,
    campaign: Campaign,
    version: Version,
    member: Member,
    assumption: Assumption,
    *,
    start: datetime | None = None,
    days: int = DAYS,
) -> Simulation:
    """Play the member's next `days` days in the campaign, from now or from `start`.

    A member whom the campaign would not meet is played as if it did, and `door` says so. One who is
    in the midst of a journey is played from where they stand.
    """
    begin = start or tx.now
    rules = compiled(version)
    paper = Paper(tx, campaign, version, member, begin)
    door = door_of(paper, rules)
    if door.as_if:
        paper.campaigns.shown = opened(version)
    stage = _Stage(paper, assumption, begin + timedelta(days=days))
    if assumption.kind == "purchase":
        at = begin + timedelta(days=assumption.day)
        stage.acts.append((at, Act("purchase", assumption.minor)))
    paper.open_draft()
    if door.verdict == "running":
        _take_up(stage)
    else:
        enter(paper, rules)
    _play(stage)
    return Simulation(
        start=begin,
        end=stage.end,
        door=door,
        decisions=tuple(paper.decisions.made),
        messages=tuple(paper.messages.said.values()),
        credits=tuple(paper.ledger.credits.values()),
        acts=tuple(paper.inbox.assumed),
        cannot=tuple(stage.cannot),
    )


# --- the play -----------------------------------------------------------------------------------


def _play(stage: _Stage) -> None:
    paper = stage.paper
    for _ in range(TURNS_MAX):
        _settle(stage)
        at = _next_at(stage)
        if at is None or at >= stage.end:
            return
        paper.now = max(paper.now, at)
        _due(stage)
    raise RuntimeError(f"{paper.campaigns.campaign.id} took {TURNS_MAX} turns on paper")


def _take_up(stage: _Stage) -> None:
    """Waits that the member is in the midst of hear of what is assumed from now on."""
    for enrolment in stage.paper.enrolments.rows.values():
        step = _step(stage.paper, enrolment)
        if enrolment.state == "ended" or enrolment.position.until is None:
            continue
        if isinstance(step, Await):
            stage.paper.enrolments.hear(enrolment.id, (goal.on for goal in step.goals))
            if stage.assumption.kind == "everything":
                _plan_acts(stage, enrolment.id)


def _step(paper: Paper, enrolment: Enrolment) -> Step | None:
    """Where the member stands in the plan they entered with."""
    plan = paper.campaigns.version(enrolment.campaign_id, enrolment.version).plan
    return plan.nodes[enrolment.position.node].step if enrolment.position.node else None


def _settle(stage: _Stage) -> None:
    """Everything that is due at this very instant and was put in line."""
    while (line := stage.paper.outbox.take(stage.paper.now)) is not None:
        kind, subject = line
        if kind in ("start_journey", "nudge_journey"):
            _turn(stage, subject)


def _next_at(stage: _Stage) -> datetime | None:
    paper = stage.paper
    campaign = paper.campaigns.campaign
    instants = [e.wake_at for e in paper.enrolments.rows.values() if e.state != "ended"]
    instants += [campaign.wake_at, paper.outbox.next_at()]
    instants += [stage.acts[0][0]] if stage.acts else []
    return min((at for at in instants if at is not None), default=None)


def _due(stage: _Stage) -> None:
    """One thing whose time has come: the campaign first, then journeys, then what members do."""
    paper = stage.paper
    campaign = paper.campaigns.campaign
    if campaign.wake_at is not None and campaign.wake_at <= paper.now:
        take_campaign_turn(paper.tx, campaign.id, campaign.turn)
        return
    for enrolment in list(paper.enrolments.rows.values()):
        woken = enrolment.wake_at is not None and enrolment.wake_at <= paper.now
        if woken and enrolment.state != "ended":
            _turn(stage, enrolment.id)
            return
    if stage.acts and stage.acts[0][0] <= paper.now:
        stage.number += 1
        record(paper, stage.acts.pop(0)[1], stage.number)


def _turn(stage: _Stage, enrolment_id: str) -> None:
    paper = stage.paper
    enrolment = paper.enrolments.lock(enrolment_id)
    take_turn(paper.tx, enrolment_id, enrolment.turn)
    if stage.assumption.kind == "everything":
        _plan_acts(stage, enrolment_id)


def _plan_acts(stage: _Stage, enrolment_id: str) -> None:
    """Assume the acts of the wait that a journey stands in, once for each wait."""
    paper = stage.paper
    enrolment = paper.enrolments.lock(enrolment_id)
    position, step = enrolment.position, _step(paper, enrolment)
    if not isinstance(step, Await) or position.until is None:
        return
    wait = (enrolment_id, position.node or "", position.until)
    if wait in stage.waits:
        return
    stage.waits.add(wait)
    began = max(position.entered_at or paper.now, paper.now)
    facts = facts_of(paper.tx, paper.member)
    for goal in step.goals:
        count = goal.count - 1 if stage.assumption.almost else goal.count
        times = act_times(goal, count, began, position.until, paper.programme.tz)
        instants = [at for at in times if at < stage.end]
        if not count or (times and not instants):
            continue
        fits_in = times and len(instants) <= ACTS_MAX - stage.number - len(stage.acts)
        act = stage.search.act_for(goal, facts, paper.member_id, began) if fits_in else None
        if act is not None:
            stage.acts += [(at, act) for at in instants]
        elif goal.id not in stage.cannot:
            stage.cannot.append(goal.id)
    stage.acts.sort(key=lambda pair: pair[0])
