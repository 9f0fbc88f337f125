"""Which part of a condition does not hold, and what was found instead.

An audience is several conditions joined by `&&`; whoever asks why a member is not in it wants to
hear of the one that fails, with the member's own figure.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from loyalty.conditions import Condition, Scope

_UNTOLD = frozenset({"now", "event.attributes", "member.tags", "member.source", "member.consents"})
"""Nobody's figure, or somebody's words: of the person or about them. A decision is kept for good,
and of who was erased nothing but figures is (rule 19); the rule alone says what was not found.
"""


def failing(text: str, scope: Scope, facts: Mapping[str, object]) -> list[dict[str, Any]]:
    """Each joined part that fails: `rule` as it was written, `seen` what it looked at, by name.

    Empty where the whole condition holds. An `||` is one part: all of its ways failed.
    """
    return [
        {"rule": part, "seen": _seen(condition, facts)}
        for part in joined(text)
        if not (condition := Condition(part, scope)).fits(facts)
    ]


def joined(text: str) -> Iterator[str]:
    """The parts between the outermost `&&`, without brackets of their own; `true` is none."""
    parts = _split(text)
    if len(parts) == 1:
        bare = _unwrapped(parts[0])
        if bare != parts[0]:
            yield from joined(bare)
        elif bare != "true":
            yield bare
        return
    for part in parts:
        yield from joined(part)


def _seen(condition: Condition, facts: Mapping[str, object]) -> dict[str, Any]:
    named = sorted(condition.names - _UNTOLD)
    found = {name: facts[name] for name in named if name in facts}
    return {n: v.isoformat() if isinstance(v, datetime) else v for n, v in found.items()}


def _split(text: str) -> list[str]:
    """Cut at each `&&` that stands outside of brackets and quotation marks.

    Where an `||` stands there too it binds weaker, so nothing is cut.
    """
    parts, start = [], 0
    for at in _outside(text):
        if text.startswith("||", at):
            return [text.strip()]
        if text.startswith("&&", at):
            parts.append(text[start:at].strip())
            start = at + 2
        elif text[at] == "?":
            return [text.strip()]
    return [*parts, text[start:].strip()]


def _unwrapped(part: str) -> str:
    """Without one pair of brackets around the whole."""
    if not (part.startswith("(") and part.endswith(")")):
        return part
    # The first bracket is closed by the last only if nothing but the two stands outside.
    return part[1:-1].strip() if list(_outside(part)) == [len(part) - 1] else part


def _outside(text: str) -> Iterator[int]:
    """Where characters stand outside of brackets and quotation marks; closing ones count."""
    depth, quote, escaped = 0, "", False
    for at, sign in enumerate(text):
        if quote:
            if escaped:
                escaped = False
            elif sign == "\\":
                escaped = True
            elif sign == quote:
                quote = ""
            continue
        if sign in "\"'":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        if depth == 0 and not quote:
            yield at
