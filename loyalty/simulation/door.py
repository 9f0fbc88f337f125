"""How a member meets a campaign in a simulation: as today, or as if nothing kept them out."""

from dataclasses import dataclass, replace

from loyalty.admission import Entry, compiled, consider, facts_of, is_held_out, refusal_of
from loyalty.following import counts_after
from loyalty.journeys.compiled import Compiled, EnterByApi, EnterOnEvent
from loyalty.outside import Refusal
from loyalty.records import Version
from loyalty.simulation.assumptions import Act
from loyalty.simulation.paper import Paper


@dataclass(frozen=True, slots=True)
class Door:
    """How the member would be met today: let in, held out on purpose, or refused."""

    verdict: str  # admitted held_out not_admitted running
    refusal: Refusal | None = None
    as_if: bool = False  # the calendar goes on as if the member were let in


def door_of(paper: Paper, rules: Compiled) -> Door:
    """What the campaign would say to the member at this instant, budget aside."""
    tx, campaign, member = paper.tx, paper.campaigns.campaign, paper.member
    if any(e.state != "ended" for e in paper.enrolments.rows.values()):
        return Door("running")
    # An event that opens the campaign is asked about its own condition when it comes.
    entry = Entry(key="simulated", since=paper.now)
    refusal = refusal_of(tx, campaign, rules, member, entry, facts_of(tx, member))
    if refusal is not None:
        return Door("not_admitted", refusal, as_if=True)
    if is_held_out(campaign, rules, member):
        return Door("held_out", as_if=True)
    # An entry by event is assumed whatever its condition asks of the event.
    conditional = isinstance(rules.enter, EnterOnEvent) and rules.enter.where is not None
    return Door("admitted", as_if=conditional)


def opened(version: Version) -> Version:
    """The version without what keeps a member out."""
    rules = compiled(version)
    enter = rules.enter
    if isinstance(enter, EnterOnEvent):
        enter = enter.model_copy(update={"where": None})
    changed = {"audience": None, "holdout_bp": 0, "enter": enter}
    return replace(version, body=rules.model_copy(update=changed).model_dump(mode="json"))


def enter(paper: Paper, rules: Compiled) -> None:
    """The knock of a member whom no schedule brings: the event that opens it, or another system."""
    if isinstance(rules.enter, EnterOnEvent):
        event = Act(rules.enter.on).event(paper.member_id, paper.now)
        seq = paper.inbox.number()
        event = replace(event, seq=seq, event_id=f"opens/{seq}")
        paper.inbox.add(event)
        entry = Entry(key="once", since=counts_after(event), event=event)
    elif isinstance(rules.enter, EnterByApi):
        entry = Entry(key="once", since=paper.now)
    else:
        return
    if paper.enrolments.rows:
        # They were in it before: this is another run.
        entry = replace(entry, key="simulated")
        paper.enrolments.rows.clear()
    campaign, version = paper.campaigns.campaign, paper.campaigns.shown
    consider(paper.tx, campaign, version, paper.member, entry)
