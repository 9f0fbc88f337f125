"""Every message of a campaign as a member would read it: words, weight, and the gate's say today.

The figures in a text are those of a simulated journey of that very member wherever one says the
message; what no assumption leads to is shown with example figures, and says so. Nothing is written.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from loyalty.admission import compiled
from loyalty.journeys.compiled import Compiled
from loyalty.journeys.granted import points_before
from loyalty.journeys.moments import Tell
from loyalty.journeys.plan import Await, Effect, Notify
from loyalty.members import Member
from loyalty.message_context import Variable
from loyalty.message_variables import variables_for
from loyalty.message_weight import Weight, weigh
from loyalty.messages import Texts, Verdict, contact_gate
from loyalty.ports import Transaction
from loyalty.programme import Channel, Purpose
from loyalty.records import Campaign, Version
from loyalty.simulation.assumptions import Assumption
from loyalty.simulation.contact import Said
from loyalty.simulation.paper import Paper
from loyalty.simulation.play import simulate
from loyalty.simulation.snapshot import read_once
from loyalty.timing import start_of_day


@dataclass(frozen=True, slots=True)
class Words:
    """A message as it is read; `problem` says why there are no words."""

    locale: str
    subject: str
    text: str
    problem: str | None = None


class Say(Protocol):
    """The renderer that sends."""

    def __call__(
        self, texts: Texts, message: str, locale: str, variables: Mapping[str, Any]
    ) -> Words: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message is sent, by which channels."""

    step_id: str
    channels: tuple[Channel, ...]
    purpose: Purpose
    to: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One message. `at` and `assumed` say when it would come and in which simulated journey."""

    message: str
    places: tuple[Place, ...]
    words: Words
    weight: Weight
    verdicts: Mapping[Channel, Verdict]
    at: datetime | None
    assumed: Assumption | None
    examples: tuple[str, ...] = ()  # names whose figures are only examples
    empty: tuple[str, ...] = ()  # names in the text that this member has no value for
    reader: str = ""  # the member's id, or their inviter's


ASSUMED: tuple[Assumption, ...] = (
    Assumption(kind="nothing"),
    Assumption(kind="everything"),
    Assumption(kind="everything", almost=True),
    Assumption(kind="purchase", day=3),
)
"""Which journeys are looked through for a message, in this order."""


@dataclass(slots=True)
class Preview:
    """One look at a version's messages for one member in one language."""

    tx: Transaction
    campaign: Campaign
    version: Version
    member: Member
    say: Say
    rules: Compiled = field(init=False)
    paper: Paper = field(init=False)  # of this day, for whatever no simulated journey tells

    def __post_init__(self) -> None:
        self.tx = read_once(self.tx)
        self.rules = compiled(self.version)

    def messages(self, locale: str) -> list[Shown]:
        """All of them, in the order in which the journey says them, then by name."""
        self.member = replace(self.member, locale=locale)
        self.paper = Paper(self.tx, self.campaign, self.version, self.member, self.tx.now)
        self.paper.open_draft()
        said = self._said()
        places = places_of(self.rules)
        order = {name: n for n, name in enumerate(places)}
        names = sorted(self.version.messages, key=lambda name: (order.get(name, 10**6), name))
        return [self._shown(name, places.get(name, ()), said.get(name), locale) for name in names]

    def _said(self) -> dict[str, tuple[Assumption, Said]]:
        found: dict[str, tuple[Assumption, Said]] = {}
        wanted = set(self.version.messages)
        for assumption in ASSUMED:
            if wanted <= found.keys():
                break
            played = simulate(self.tx, self.campaign, self.version, self.member, assumption)
            for said in played.messages:
                found.setdefault(said.new.message, (assumption, said))
        return found

    def _shown(
        self,
        name: str,
        places: Sequence[Place],
        lived: tuple[Assumption, Said] | None,
        locale: str,
    ) -> Shown:
        declared = self.rules.message_variables.get(name, ())
        examples: tuple[str, ...] = ()
        if lived is not None:
            assumption, said = lived
            variables = said.new.variables
            reader, at = said.new.member_id, said.at
        else:
            assumption, reader, at = None, self.member.id, None
            variables, examples = self._with_examples(name, declared)
        words = self.say(self.version.messages, name, locale, variables)
        source = self._source(name, words.locale)
        return Shown(
            message=name,
            places=tuple(places),
            words=words,
            weight=weigh(words.subject, words.text),
            verdicts=self._verdicts(name, places, reader),
            at=at,
            assumed=assumption,
            examples=tuple(n for n in examples if _named(n, source)),
            empty=tuple(v.name for v in declared if _empty(v, variables, source)),
            reader=reader,
        )

    def _with_examples(
        self, name: str, declared: Sequence[Variable]
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The member's own figures, the plan's, and examples for what only the journey knows."""
        own = dict(variables_for(self.paper.tx, self.member, self.campaign, self.version, {}))
        if (given := points_before(self.rules.plan, name)) is not None:
            own["step.points"] = given
        lent = {v.name: v.example for v in declared if v.name not in own}
        return {**lent, **own}, tuple(lent)

    def _source(self, name: str, locale: str) -> str:
        text = self.version.messages[name].get(locale, {})
        return f"{text.get('subject', '')}\n{text.get('text', '')}"

    def _verdicts(
        self, name: str, places: Sequence[Place], reader: str
    ) -> Mapping[Channel, Verdict]:
        """What the gate would say today, each message for itself; nothing is queued for it."""
        standing = self.paper.messages.standing(reader)
        contact, now = self.tx.programme.contact, self.tx.now
        return {
            channel: contact_gate(
                standing.facts(
                    f"preview/{name}:{channel}",
                    channel,
                    place.purpose,
                    expires_at=now + contact.give_up_after,
                    day_ends_at=start_of_day(now, self.tx.programme.tz, 1),
                ),
                contact,
                now,
            )
            for place in places
            for channel in place.channels
        }


def places_of(rules: Compiled) -> dict[str, tuple[Place, ...]]:
    """Where each message is sent, by its name, in the plan's order."""
    found: dict[str, tuple[Place, ...]] = {}
    for step_id, notify in _notifies(rules):
        place = Place(step_id, notify.channels, notify.purpose, notify.to)
        found[notify.message] = (*found.get(notify.message, ()), place)
    return found


def _notifies(rules: Compiled) -> Iterator[tuple[str, Notify]]:
    for step_id, node in rules.plan.nodes.items():
        step = node.step
        if isinstance(step, Notify):
            yield step_id, step
        elif isinstance(step, Await):
            for reminder in step.remind:
                yield f"{step_id}.{reminder.id}", reminder.notify
            for goal in step.goals:
                told: tuple[Effect, ...] = (*goal.reward, *((goal.almost,) if goal.almost else ()))
                for effect in told:
                    if isinstance(effect, Notify):
                        yield f"{step_id}.{goal.id}", effect
    for moment in rules.moments:
        if isinstance(moment.act, Tell):
            yield moment.id, moment.act.notify


def _named(name: str, source: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", source) is not None


def _empty(variable: Variable, variables: Mapping[str, Any], source: str) -> bool:
    return variables.get(variable.name) is None and _named(variable.name, source)
