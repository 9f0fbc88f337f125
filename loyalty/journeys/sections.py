"""The sections of a template around the journey: who enters, how often, goal, moments, exchange."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from loyalty.conditions import EVENT, MEMBER, OFFER, Scope
from loyalty.journeys.compiled import (
    Enter,
    EnterAtLaunch,
    EnterByApi,
    EnterDaily,
    EnterMonthly,
    EnterOnEvent,
    Exchange,
    Reentry,
)
from loyalty.journeys.message_places import Known
from loyalty.journeys.moments import CampaignMoment, Close, Open, Tell
from loyalty.journeys.parts import Parts
from loyalty.journeys.plan import Goal
from loyalty.journeys.written import (
    ConditionIn,
    DatetimeIn,
    LengthIn,
    LengthOrNone,
    SuccessIn,
    TextIn,
    TimeIn,
    Written,
    whole,
)
from loyalty.journeys.yaml_tree import Path
from loyalty.templates import Bilingual

_ENTERS = ("{on: event type}", "{monthly: {day, at}}", "{daily: {at}}", "once", "api")
_REENTRIES = ("{once: per_member}", "{once: per_period}", "{again_after: P90D}")


class OnIn(Written):
    on: TextIn
    where: ConditionIn | None = None


class MonthlyIn(Written):
    day: Annotated[int, PlainValidator(whole(1, 31))]
    at: TimeIn


class DailyIn(Written):
    at: TimeIn


class ExchangeIn(Written):
    sku: TextIn
    title: Bilingual
    points: Annotated[int, PlainValidator(whole(1, 10_000_000))]
    stock: Annotated[int, PlainValidator(whole(1, 10_000_000))]
    per_member: Annotated[int, PlainValidator(whole(1, 1000))] = 1
    hold: LengthIn
    who: ConditionIn | None = None
    opens_at: DatetimeIn
    closes_at: DatetimeIn


class MomentOfCampaignIn(Written):
    id: str
    at: DatetimeIn
    minus: LengthOrNone = None
    do: Any = None
    notify: Any = None
    where: ConditionIn | None = Field(None)


@dataclass(frozen=True, slots=True)
class Sections:
    """Reads each section of a filled body; what is wrong goes to the findings."""

    parts: Parts
    body: Mapping[str, Any]

    def enter(self) -> Enter | None:
        value, path = self.body.get("enter"), ("enter",)
        if value is None:
            return None
        if value in ("once", "api"):
            return EnterAtLaunch() if value == "once" else EnterByApi()
        read = self.parts.findings.read
        if isinstance(value, dict) and "on" in value:
            event = read(OnIn, value, path)
            if event:
                self.parts.event_type(event.on, ("enter", "on"))
                self.parts.findings.condition(event.where, EVENT, ("enter", "where"))
            return EnterOnEvent(**dict(event)) if event else None
        if isinstance(value, dict) and list(value) == ["monthly"]:
            monthly = read(MonthlyIn, value["monthly"], ("enter", "monthly"))
            return EnterMonthly(**dict(monthly)) if monthly else None
        if isinstance(value, dict) and list(value) == ["daily"]:
            daily = read(DailyIn, value["daily"], ("enter", "daily"))
            return EnterDaily(**dict(daily)) if daily else None
        self.parts.findings.add(path, "enter", "Members enter in exactly one way.", _ENTERS)
        return None

    def audience(self, exchange: Exchange | None) -> str | None:
        """Whom the campaign is for; nobody is told of an exchange that they may not take."""
        value, path = self.body.get("audience"), ("audience",)
        own = None if value is None else self.parts.condition(value, MEMBER, path)
        who = exchange.who if exchange else None
        if who is None:
            return own
        if own in (None, "true"):
            return who
        both = f"({own}) && ({who})"
        if not self.parts.findings.problems:  # each may be judged alone, and both be too long
            self.parts.findings.condition(both, MEMBER, path)
        return both

    def reentry(self, enter: Enter | None) -> Reentry:
        scheduled = enter is not None and enter.kind in ("monthly", "daily")
        value, path = self.body.get("reentry"), ("reentry",)
        if value is None:
            return Reentry(rule="once_per_period" if scheduled else "once_per_member")
        if value == {"once": "per_member"}:
            return Reentry(rule="once_per_member")
        if value == {"once": "per_period"}:
            if not scheduled:
                message = "Only a monthly or daily campaign has periods."
                self.parts.findings.add(path, "no_period", message, _REENTRIES)
            return Reentry(rule="once_per_period")
        if isinstance(value, dict) and list(value) == ["again_after"]:
            length = self.parts.findings.read(_AgainIn, value, path)
            return Reentry(rule="again_after", after=length.again_after if length else None)
        message = "A member may enter again in exactly one of these ways."
        self.parts.findings.add(path, "reentry", message, _REENTRIES)
        return Reentry(rule="once_per_member")

    def success(self) -> tuple[Goal | None, Any]:
        """The campaign's goal and how long after entry it counts."""
        if self.body.get("goal") is None:
            return None, None
        goal = self.parts.findings.read(SuccessIn, self.body["goal"], ("goal",))
        if goal is None:
            return None, None
        self.parts.event_type(goal.on, ("goal", "on"))
        self.parts.goal_condition(goal.where, ("goal", "where"))
        return Goal(id="success", on=goal.on, where=goal.where), goal.within

    def exchange(self) -> Exchange | None:
        if self.body.get("exchange") is None:
            return None
        written = self.parts.findings.read(ExchangeIn, self.body["exchange"], ("exchange",))
        if written is None:
            return None
        if written.closes_at <= written.opens_at:
            message = f"It closes ({written.closes_at:%Y-%m-%d %H:%M %Z}) before it opens."
            self.parts.findings.add(("exchange", "closes_at"), "closes_before_open", message)
        who = written.who and self.parts.condition(written.who, MEMBER, ("exchange", "who"))
        # That everybody may is the usual case: no claim has to be asked about its member.
        return Exchange(**dict(written) | {"who": None if who == "true" else who})

    def moments(self, exchange: Exchange | None) -> tuple[CampaignMoment, ...]:
        items = self.body.get("moments") or []
        if not isinstance(items, list):
            self.parts.findings.add(("moments",), "not_a_list", "A list of moments is wanted here.")
            items = []
        scope = OFFER if exchange else MEMBER
        read = [self._moment(item, ("moments", i), scope) for i, item in enumerate(items)]
        moments = tuple(moment for moment in read if moment)
        ids = [moment.id for moment in moments]
        for id in sorted({id for id in ids if ids.count(id) > 1}):
            message = f"Two moments are called {id!r}."
            self.parts.findings.add(("moments",), "same_id", message)
        if exchange and len(moments) == len(items):
            self._opens_and_closes(moments)
        return moments

    def _opens_and_closes(self, moments: tuple[CampaignMoment, ...]) -> None:
        acts = [moment.act.do for moment in moments]
        for act in ("open", "close"):
            if acts.count(act) != 1:
                message = f"An exchange needs exactly one moment with `do: {act}`."
                self.parts.findings.add(("moments",), "open_and_close", message)

    def _moment(self, item: Any, path: Path, scope: Scope) -> CampaignMoment | None:
        written = self.parts.findings.read(MomentOfCampaignIn, item, path)
        if written is None or not self.parts.is_name(written.id, (*path, "id")):
            return None
        if (written.do is None) == (written.notify is None):
            message = "A moment has either `notify` or `do`."
            self.parts.findings.add(path, "moment_act", message, ("notify", "do"))
            return None
        act = self._act(written, path, scope)
        if act is None:
            return None
        return CampaignMoment(id=written.id, at=written.at, minus=written.minus, act=act)

    def _act(
        self, written: MomentOfCampaignIn, path: Path, scope: Scope
    ) -> Tell | Open | Close | None:
        if written.notify is not None:
            notify = self.parts.notify(written.notify, (*path, "notify"), Known())
            self.parts.findings.condition(written.where, scope, (*path, "where"))
            return Tell(notify=notify, where=written.where) if notify else None
        if written.do not in ("open", "close") or self.body.get("exchange") is None:
            message = f"{written.do!r} is nothing a moment can do."
            if written.do in ("open", "close"):
                message = "Only a campaign with an exchange opens and closes."
            allowed = ("open", "close")
            self.parts.findings.add((*path, "do"), "unknown_choice", message, allowed)
            return None
        return Open() if written.do == "open" else Close()


class _AgainIn(Written):
    again_after: LengthIn


def values_named(text: str) -> set[str]:
    """The parameters that a message's text names as `values.<name>`."""
    return set(re.findall(r"\bvalues\.([A-Za-z_]\w*)", text))
