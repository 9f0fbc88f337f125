"""The smaller parts that steps are made of: effects, goals, reminders, moments, names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from loyalty.conditions import EVENT, LASTING, Scope
from loyalty.journeys.findings import Findings
from loyalty.journeys.message_places import Known, MessagePlaces
from loyalty.journeys.plan import (
    Await,
    Card,
    Coupon,
    Effect,
    Goal,
    Grant,
    Moment,
    Notify,
    Reminder,
    Tag,
)
from loyalty.journeys.written import (
    AwaitIn,
    CardIn,
    CouponIn,
    GoalIn,
    GrantIn,
    MomentIn,
    NotifyIn,
    ReminderIn,
    TagIn,
    read_condition,
)
from loyalty.journeys.yaml_tree import Path
from loyalty.templates import Text
from loyalty.timing import Length

EFFECTS = ("grant", "card", "coupon", "tag", "notify")
_ENDS = {"end_of_day": "day", "end_of_month": "month"}


@dataclass(frozen=True, slots=True)
class Parts:
    findings: Findings
    event_types: tuple[str, ...]
    messages: Mapping[str, Mapping[str, Text]]
    places: MessagePlaces

    def effect(self, kind: str, body: Any, path: Path, known: Known) -> tuple[Effect | None, Known]:
        """One effect, and what is known once it happened."""
        if kind == "grant":
            return self._grant(body, path), replace(known, granted=True)
        if kind == "card":
            return self._card(body, path), replace(known, card=True)
        if kind == "notify":
            return self.notify(body, path, known), known
        if kind == "coupon":
            coupon = self.findings.read(CouponIn, body, path)
            return (Coupon(**dict(coupon)) if coupon else None), known
        tag = self.findings.read(TagIn, {"add": [body]} if isinstance(body, str) else body, path)
        return (Tag(**dict(tag)) if tag else None), known

    def _grant(self, body: Any, path: Path) -> Grant | None:
        fields = body if isinstance(body, dict) else {"points": body}
        grant = self.findings.read(GrantIn, fields, path)
        return Grant(**dict(grant)) if grant else None

    def _card(self, body: Any, path: Path) -> Card | None:
        card = self.findings.read(CardIn, body, path)
        return Card(multiplier_bp=card.multiplier.bp, lasts=card.lasts) if card else None

    def notify(self, body: Any, path: Path, known: Known) -> Notify | None:
        fields = body if isinstance(body, dict) else {"message": body}
        written = self.findings.read(NotifyIn, fields, path)
        if written is None:
            return None
        place = (*path, "message") if isinstance(body, dict) else path
        if written.message not in self.messages:
            self.findings.unknown(place, "message", written.message, self.messages)
            return None
        self.places.sent(written.message, known)
        return Notify(**dict(written))

    def wait_for(
        self, written: AwaitIn, places: list[Path], path: Path, known: Known
    ) -> Await | None:
        """A wait with its goals, each goal at its place in the file, its reminders, its end."""
        pairs = list(zip(written.goals, places, strict=False))
        read = [(self._goal(item, place), item, place) for item, place in pairs]
        goals = tuple(goal for goal, _, _ in read if goal)
        inside = replace(known, waiting=goals)
        full = tuple(self._rewarded(g, item, place, inside) for g, item, place in read if g)
        written_reminders = written.remind
        items = written_reminders if isinstance(written_reminders, list) else [written_reminders]
        listed = isinstance(written_reminders, list)
        reminders = [
            self._reminder(item, (*path, "remind", i) if listed else (*path, "remind"), inside)
            for i, item in enumerate(items)
        ]
        self._no_twins([each.id for each in (*goals, *reminders) if each], path)
        until = self._deadline(written, path)
        if until is None or len(goals) < len(pairs):
            return None
        return Await(
            goals=full,
            need=written.need,
            until=until,
            lateness=written.lateness,
            settle=written.settle,
            remind=tuple(r for r in reminders if r),
        )

    def _goal(self, item: Any, path: Path) -> Goal | None:
        goal = self.findings.read(GoalIn, item, path)
        if goal is None:
            return None
        self.event_type(goal.on, (*path, "on"))
        self.goal_condition(goal.where, (*path, "where"))
        id = goal.id or re.sub(r"\W", "_", goal.on)
        same = dict(goal) | {"id": id, "reward": (), "almost": None}
        return Goal(**same) if self.is_name(id, (*path, "id")) else None

    def _rewarded(self, goal: Goal, item: Any, path: Path, inside: Known) -> Goal:
        known = replace(inside, goal=True)
        almost = item.get("almost")
        told = self.notify(almost, (*path, "almost"), known) if almost is not None else None
        if almost is not None and goal.count == 1:
            message = "With a count of 1 nobody is ever one short: leave `almost` out."
            self.findings.add((*path, "almost"), "never_almost", message)
        rewards = []
        for i, entry in enumerate(item.get("reward") or []):
            place = (*path, "reward", i)
            kinds = list(entry) if isinstance(entry, dict) else []
            if len(kinds) != 1 or kinds[0] not in EFFECTS:
                name = kinds[0] if kinds else entry
                self.findings.unknown(place, "reward", name, EFFECTS)
                continue
            effect, known = self.effect(kinds[0], entry[kinds[0]], (*place, kinds[0]), known)
            rewards += [effect] if effect else []
        return goal.model_copy(update={"almost": told, "reward": tuple(rewards)})

    def _reminder(self, item: Any, path: Path, inside: Known) -> Reminder | None:
        written = self.findings.read(ReminderIn, item, path)
        if written is None:
            return None
        if (written.at is None) == (written.before_end is None):
            message = "A reminder says when: `at` (counted from the wait's start) or `before_end`."
            self.findings.add(path, "reminder_time", message, ("at", "before_end"))
            return None
        fields = {key: item[key] for key in ("message", "channels", "purpose") if key in item}
        notify = self.notify(fields, path, inside)
        at = self.moment(written.at, (*path, "at")) if written.at is not None else None
        if notify is None or (written.at is not None and at is None):
            return None
        id = written.id or f"remind_{written.message}"
        if not self.is_name(id, (*path, "id")):
            return None
        return Reminder(id=id, at=at, before_end=written.before_end, notify=notify)

    def _deadline(self, written: AwaitIn, path: Path) -> Moment | None:
        if (written.within is None) == (written.until is None):
            message = "A wait says when it ends: `within` (a length) or `until` (a moment)."
            self.findings.add(path, "deadline", message, ("within", "until"))
            return None
        if written.within is not None:
            return Moment(after=written.within)
        return self.moment(written.until, (*path, "until"))

    def moment(self, value: Any, path: Path) -> Moment | None:
        """A moment: a length, `end_of_month`, `end_of_day`, or fields."""
        if isinstance(value, str) and value in _ENDS:
            value = {"end_of": _ENDS[value]}
        elif isinstance(value, (str, Length)):
            value = {"after": value}
        elif not isinstance(value, dict):
            value = {"at": value}
        written = self.findings.read(MomentIn, value, path)
        if written is None:
            return None
        chosen = [name for name in ("after", "at", "end_of") if getattr(written, name) is not None]
        if len(chosen) > 1 or not (chosen or written.local_time):
            message = "A moment is exactly one of `after`, `at` and `end_of`."
            self.findings.add(path, "moment", message, ("after", "at", "end_of"))
            return None
        return Moment(**dict(written))

    def condition(self, value: Any, scope: Scope, path: Path) -> str | None:
        try:
            text = read_condition(value)
        except ValueError as error:
            self.findings.add(path, "not_a_text", str(error))
            return None
        self.findings.condition(text, scope, path)
        return text

    def goal_condition(self, text: str | None, path: Path) -> None:
        """Every look judges all acts again, so what moves meanwhile would undo what was reached.

        Only a refund may (rule 2); facts as of the act are kept for the act alone (rule 13).
        """
        for name in sorted(self.findings.condition(text, EVENT, path) - LASTING):
            message = (
                f"{name} changes, and every look at a goal judges all of its acts again: "
                "ask it in `audience` or in a `branch`, or ask event.first_purchase here."
            )
            self.findings.add(path, "changing_fact", message, sorted(LASTING))

    def event_type(self, name: str, path: Path) -> None:
        if name not in self.event_types:
            self.findings.unknown(path, "event type", name, self.event_types)

    def is_name(self, value: Any, path: Path) -> bool:
        if isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9_]{0,47}", value):
            return True
        message = f"{value!r} is not a name: small letters, digits and _, at most 48."
        self.findings.add(path, "not_a_name", message)
        return False

    def _no_twins(self, ids: list[str], path: Path) -> None:
        # What a goal gives and what a reminder says are kept apart by these names.
        for id in sorted({id for id in ids if ids.count(id) > 1}):
            message = f"Two goals or reminders would be called {id!r}: give one of them an `id`."
            self.findings.add(path, "same_id", message)
