"""What a picture says of each step, in one language: a title and a few details."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import singledispatchmethod
from zoneinfo import ZoneInfo

from loyalty.journeys.compiled import Compiled, Enter
from loyalty.journeys.moments import CampaignMoment, Tell, due_at
from loyalty.journeys.picture_times import said_instant, said_length, said_moment
from loyalty.journeys.picture_words import WORDS, PictureWords
from loyalty.journeys.plan import (
    Await,
    Branch,
    Card,
    Coupon,
    Effect,
    End,
    Goal,
    Grant,
    Moment,
    Notify,
    Reminder,
    Split,
    Step,
    Tag,
    Wait,
)
from loyalty.plain_conditions import plain_condition
from loyalty.templates import Text
from loyalty.timing import Length

_PLACE = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
Said = tuple[str, list[str]]
"""A title, and the details under it."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The words for one campaign's steps; `messages` are its texts, where they are known."""

    language: str
    zone: ZoneInfo
    messages: Mapping[str, Mapping[str, Text]]

    def kind(self, kind: str) -> str:
        return self.words.kinds[kind]

    def says(self, name: str, **facts: object) -> str:
        return self.words.says[name].format(**facts)

    def way(self, name: str) -> str:
        return self.words.ways[name]

    def arm(self, arm: str, weight: int, weights: int) -> str:
        percent = f"{100 * weight / weights:.0f}%"
        return self.way("arm").format(arm=arm, percent=percent)

    def step(self, step: Step) -> Said:
        return self._step(step)

    @singledispatchmethod
    def _step(self, step: object) -> Said:
        raise TypeError(f"no picture of a {type(step).__name__}")

    @_step.register
    def _grant(self, step: Grant) -> Said:
        name = "points_to" if step.to == "inviter" else "points"
        lapse = step.expires_after
        details = [self.says("lapse", length=self.length(lapse))] if lapse else []
        return self.says(name, points=f"{step.points:,}"), details

    @_step.register
    def _card(self, step: Card) -> Said:
        times = f"{step.multiplier_bp / 10_000:g}"
        return self.says("card", times=times, length=self.length(step.lasts)), []

    @_step.register
    def _coupon(self, step: Coupon) -> Said:
        return self.says("coupon", coupon=step.coupon, length=self.length(step.lasts)), []

    @_step.register
    def _tag(self, step: Tag) -> Said:
        pairs = (("add", step.add), ("remove", step.remove))
        said = [self.says(name, tags=self.joined(tags)) for name, tags in pairs if tags]
        return self.joined(said), []

    @_step.register
    def _notify(self, step: Notify) -> Said:
        name = "text_to" if step.to == "inviter" else "text"
        by = self.joined(self.words.channels[channel] for channel in step.channels)
        return self.says(name, text=self.subject(step)), [self.says("channels", channels=by)]

    @_step.register
    def _wait(self, step: Wait) -> Said:
        if step.until.after and not step.until.minus and not step.until.local_time:
            return self.length(step.until.after), []
        return self.says("until", moment=self.moment(step.until)), []

    @_step.register
    def _await(self, step: Await) -> Said:
        many = len(step.goals) > 1
        title = self.says(step.need) if many else self.goal(step.goals[0])
        details: list[str] = []
        for goal in step.goals:
            details += [self.goal(goal)] if many else []
            details += [f"· {said}" if many else said for said in self._fine_print(goal)]
        details += [self._reminder(reminder) for reminder in step.remind]
        details.append(self.says("deadline", moment=self.moment(step.until)))
        if step.lateness is not None:
            details.append(self.says("lateness", length=self.length(step.lateness)))
        return title, details

    @_step.register
    def _branch(self, step: Branch) -> Said:
        return self.condition(step.condition), []

    @_step.register
    def _split(self, step: Split) -> Said:
        return self.says("split"), []

    @_step.register
    def _end(self, step: End) -> Said:
        return self.outcome(step.outcome), []

    def outcome(self, outcome: str) -> str:
        return self.words.outcomes.get(outcome, outcome.replace("_", " "))

    def entry(self, rules: Compiled, enter: Enter) -> Said:
        """Who enters, how often, and what the campaign is measured by."""
        facts = dict(enter)
        if "on" in facts:
            facts["event"] = self.event(facts["on"])
        details = []
        if facts.get("where"):
            details.append(self.says("where", condition=self.condition(facts["where"])))
        if rules.audience and rules.audience != "true":
            details.append(self.says("audience", condition=self.condition(rules.audience)))
        after = self.length(rules.reentry.after) if rules.reentry.after else ""
        details.append(self.says(rules.reentry.rule, length=after))
        if rules.holdout_bp:
            details.append(self.says("holdout", percent=f"{rules.holdout_bp / 100:g}%"))
        goal, within = rules.plan.goal, rules.plan.goal_within
        if goal and within:
            said = self.event(goal.on, goal.count)
            details.append(self.says("success", goal=said, length=self.length(within)))
        return self.says(enter.kind, **facts), details

    def exchange(self, rules: Compiled) -> Said:
        offer = rules.exchange
        assert offer is not None
        title = getattr(offer.title, self.language)
        said = self.says("exchange", title=title, points=f"{offer.points:,}")
        stock = self.says("stock", stock=f"{offer.stock:,}", per_member=offer.per_member)
        return said, [stock, self.says("hold", length=self.length(offer.hold))]

    def campaign_moment(self, moment: CampaignMoment) -> Said:
        at = self.says("at", at=self.instant(due_at(moment, self.zone)))
        if not isinstance(moment.act, Tell):
            return at, []
        where = moment.act.where
        only = [self.says("some", condition=self.condition(where))] if where else []
        return self.says("text", text=self.subject(moment.act.notify)), [at, *only]

    def goal(self, goal: Goal) -> str:
        rewards = self.joined(self._reward(effect) for effect in goal.reward)
        reward = self.says("reward", reward=rewards) if rewards else ""
        return self.says("goal", count=self.event(goal.on, goal.count), reward=reward)

    def _fine_print(self, goal: Goal) -> list[str]:
        said = []
        if goal.where:
            said.append(self.says("where", condition=self.condition(goal.where)))
        if goal.once_per:
            said.append(self.says(f"once_{goal.once_per}"))
        if goal.almost:
            said.append(self.says("almost", text=self.subject(goal.almost)))
        return said

    def _reward(self, effect: Effect) -> str:
        if isinstance(effect, Grant):
            return self.step(effect)[0]
        return self.says(f"text_{effect.kind}")

    def _reminder(self, reminder: Reminder) -> str:
        if reminder.at is not None:
            moment = self.moment(reminder.at)
        else:
            length = self.length(reminder.before_end or Length())
            moment = self.says("before_end", length=length)
        return self.says("remind", moment=moment, text=self.subject(reminder.notify))

    def subject(self, notify: Notify) -> str:
        """The message's subject, with a mark where a member's own figures will stand."""
        texts = self.messages.get(notify.message, {})
        if self.language not in texts:
            return notify.message.replace("_", " ")
        return _PLACE.sub("…", texts[self.language].subject)

    def event(self, name: str, count: int = 1) -> str:
        words = self.words
        one, many = words.events.get(name, (name, f"× {name}"))
        return one if count == 1 else f"{count}{words.space}{many}"

    def condition(self, text: str) -> str:
        return plain_condition(text, self.words.conditions)

    def moment(self, moment: Moment) -> str:
        return said_moment(moment, self.words, self.zone)

    def instant(self, at: datetime) -> str:
        return said_instant(at, self.zone)

    def length(self, length: Length) -> str:
        return said_length(length, self.words)

    @property
    def words(self) -> PictureWords:
        return WORDS[self.language]

    def joined(self, parts: Iterable[str]) -> str:
        return self.words.joint.join(parts)
