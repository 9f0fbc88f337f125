"""What differs between two versions of a campaign, in the terms a marketer set them in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from loyalty.journeys.compiled import Compiled

Part = Literal[
    "values", "audience", "entry", "reentry", "holdout", "budget", "exchange", "moments", "steps",
    "messages",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing said otherwise: `name` within its part; none = it is not there on that side."""

    part: Part
    name: str
    before: Any
    after: Any


def compare(before: Compiled, after: Compiled) -> list[Difference]:
    """Everything that differs, part by part; an empty list means the same campaign."""
    return list(_differences(before, after))


def _differences(a: Compiled, b: Compiled) -> Iterator[Difference]:
    yield from _mapping("values", a.values, b.values)
    yield from _one("audience", "audience", a.audience, b.audience)
    yield from _leaves("entry", "", _plain(a.enter), _plain(b.enter))
    yield from _leaves("reentry", "", _plain(a.reentry), _plain(b.reentry))
    yield from _one("holdout", "holdout_bp", a.holdout_bp, b.holdout_bp)
    yield from _one("budget", "budget_points", a.budget_points, b.budget_points)
    yield from _leaves("exchange", "", _plain(a.exchange), _plain(b.exchange))
    moments = ({m.id: _plain(m) for m in each.moments} for each in (a, b))
    yield from _named("moments", *moments)
    steps = ({id: _plain(node) for id, node in each.plan.nodes.items()} for each in (a, b))
    yield from _named("steps", *steps)
    texts = (
        {f"{n}.{locale}": _plain(t) for n, by in each.messages.items() for locale, t in by.items()}
        for each in (a, b)
    )
    yield from _named("messages", *texts)


def _plain(part: Any) -> Any:
    return None if part is None else part.model_dump(mode="json")


def _one(part: Part, name: str, before: Any, after: Any) -> Iterator[Difference]:
    if before != after:
        yield Difference(part, name, before, after)


def _mapping(
    part: Part, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Difference]:
    for name in dict.fromkeys((*before, *after)):
        yield from _one(part, name, before.get(name), after.get(name))


def _named(part: Part, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """By name: what came and went as a whole, what stayed field by field."""
    for name in dict.fromkeys((*before, *after)):
        if name in before and name in after:
            yield from _leaves(part, name, before[name], after[name])
        else:
            yield Difference(part, name, _kind(before.get(name)), _kind(after.get(name)))


def _kind(part: Any) -> Any:
    """Something whole in a word: a step by its kind, a text by its subject."""
    if not isinstance(part, Mapping):
        return part
    step = part.get("step")
    named = step.get("kind") if isinstance(step, Mapping) else part.get("subject")
    return named if named is not None else dict(part)


def _leaves(part: Part, path: str, before: Any, after: Any) -> Iterator[Difference]:
    """The smallest places that differ, by their path."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            inner = f"{path}.{key}" if path else key
            yield from _leaves(part, inner, before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for n, (left, right) in enumerate(zip(before, after, strict=True), 1):
            yield from _leaves(part, f"{path}.{n}", left, right)
    elif before != after:
        yield Difference(part, path or part, before, after)
