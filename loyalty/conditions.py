"""Conditions a marketer writes, in CEL: checked before launch, answered in plain words.

A condition sees only the typed variables of its `Scope`, so a misspelt name or a number compared
with a text is refused while the template is still on the marketer's desk. Behind this module stands
cel-expr-python; nothing else in the product knows its name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

from cel_expr_python import cel

from loyalty.condition_words import KINDS, Fault, explain_failure, explain_refusal
from loyalty.errors import LoyaltyError

LENGTH_MAX = 2_000  # characters; the longest condition of the shipped templates has 80
NESTING_MAX = 24  # brackets; the engine itself stops at 32
COMPREHENSIONS_MAX = 3  # exists, all, map ...; three nested ones meet the engine's own limit
NEVER_DAYS = 36_500
"""`member.days_since_purchase` of someone who never bought: a hundred years."""

_STRINGS = re.compile(r"""[rR]?("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""")
_COMPREHENSIONS = re.compile(r"\.\s*(?:exists_one|exists|all|map|filter)\s*\(")


class BadCondition(LoyaltyError):
    """A condition that cannot be used: where it goes wrong, why, and which names it may use."""

    code: ClassVar[str] = "bad_condition"

    def __init__(self, text: str, position: int, reason: str, allowed: tuple[str, ...]) -> None:
        super().__init__(reason, text=text, position=position, allowed=list(allowed))
        self.text = text
        self.position = position  # of the character at fault, the first is 1
        self.reason = reason
        self.allowed = allowed


class ConditionFailed(LoyaltyError):
    """A checked condition met facts it has no answer for, such as a missing attribute."""

    code: ClassVar[str] = "condition_failed"


class NoAnswer(ConditionFailed):
    """All facts were there, and still it cannot be said: a missing attribute, a division by 0."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The typed variables a condition may use.

    Types: int, bool, string, timestamp, texts, map (of texts), figures (a map of whole numbers).
    """

    name: str
    variables: Mapping[str, str] = field(hash=False)


_MEMBER = {
    "now": "timestamp",
    "member.tier": "string",
    "member.tags": "texts",
    "member.days_since_purchase": "int",
    "member.days_since_registration": "int",
    "member.purchases": "int",
    "member.spend_minor": "int",
    "member.points": "int",
    "member.expiring_points": "int",  # within thirty days
    "member.locale": "string",
    "member.source": "string",
    "member.has_inviter": "bool",
}
_HISTORY = {
    # Each entry's key says how many days back (or ahead), or which category or store.
    "member.spend_within": "figures",
    "member.expiring_within": "figures",
    "member.days_since_category": "figures",
    "member.days_since_store": "figures",
    "member.consents": "texts",  # "email/marketing": what may be sent
}
HISTORY = frozenset(_HISTORY)
"""What costs a look at the member's acts, so only audiences and branches may ask for it."""
MEMBER = Scope("member", _MEMBER | _HISTORY)
EVENT = Scope(
    "event",
    _MEMBER
    | {
        "event.type": "string",
        "event.amount_minor": "int",
        "event.store": "string",
        "event.channel": "string",
        "event.categories": "texts",
        "event.skus": "texts",
        "event.attributes": "map",
        "event.first_purchase": "bool",
    },
)
LASTING = frozenset(
    {"member.source", "member.has_inviter", *(n for n in EVENT.variables if n.startswith("event."))}
)
"""What is the same whenever it is asked, but for a refund: acts alone move none of these."""
OFFER = Scope(
    "offer",
    _MEMBER | {"offer.points": "int", "offer.remaining": "int", "offer.taken": "int"},
)


class Condition:
    """A checked condition, ready to be asked about any member.

    Making one checks `text` against `scope` and raises BadCondition; the same pair is compiled once
    in the life of the process, so making it again costs a look-up.
    """

    __slots__ = ("_expression", "names", "scope", "text")

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        # The variables it reads, so that a caller need look up no more.
        self._expression, self.names = _compiled(text, scope)

    def holds(self, facts: Mapping[str, object]) -> bool:
        """Whether the condition is true of `facts`; raises ConditionFailed where it cannot say."""
        missing = self.names - facts.keys()
        if missing:
            raise ConditionFailed(
                f"{self.text!r} needs {', '.join(sorted(missing))}, which nobody looked up.",
                text=self.text,
            )
        try:
            value = self._expression.eval(data={name: facts[name] for name in self.names})
            # The engine returns its errors as values, and such a value is truthy.
            failed = value.type() == cel.Type.ERROR
            answer = value.value()
        except Exception as error:  # the engine's iteration limit is a bare RuntimeError
            failed, answer = True, str(error)
        if failed or not isinstance(answer, bool):
            why = explain_failure(str(answer))
            raise NoAnswer(f"{self.text!r} has no answer: {why}", text=self.text)
        return answer

    def fits(self, facts: Mapping[str, object]) -> bool:
        """Whether the condition surely holds; one without an answer does not.

        What runs live asks this: a condition that somebody else wrote must never keep a receipt
        from being recorded or a journey from going on.
        """
        try:
            return self.holds(facts)
        except NoAnswer:
            return False


def check(text: str, scope: Scope) -> None:
    """Raise BadCondition unless `text` is a true-or-false condition over `scope`."""
    compile_condition(text, scope)


def compile_condition(text: str, scope: Scope) -> Condition:
    """The condition `text` over `scope`, ready to be asked; raises BadCondition."""
    return Condition(text, scope)


def attributes_as_text(attributes: Mapping[str, object]) -> dict[str, str]:
    """An event's own attributes as conditions see them: all text, yes and no as true and false."""
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in attributes.items()
        if value is not None
    }


def literal(value: object) -> str:
    """A parameter's value as it stands inside a condition: quoted, so it can never be code."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r") + '"'


@lru_cache(maxsize=4096)
def _compiled(text: str, scope: Scope) -> tuple[Any, frozenset[str]]:
    bare = _STRINGS.sub(lambda found: '"' + "_" * (len(found[0]) - 2) + '"', text)
    _within_limits(text, bare, scope)
    try:
        expression = _environment(scope).compile(text)
    except RuntimeError as error:
        raise _refused(text, explain_refusal(text, str(error), scope.variables), scope) from None
    result = expression.return_type()
    if result != cel.Type.BOOL:
        what = KINDS.get(result.name().lower(), "a value of another kind")
        fault = Fault(1, f"This gives {what}, and a condition must be true or false: compare it.")
        raise _refused(text, fault, scope)
    return expression, _read_by(expression, scope)


def _read_by(expression: Any, scope: Scope) -> frozenset[str]:
    """The variables that the engine itself found in it, however they were written."""
    # The checked expression as a protobuf message: what is referred to is its first field there,
    # a text after its length.
    found = expression.serialize()
    return frozenset(n for n in scope.variables if b"\n%c%s" % (len(n), n.encode()) in found)


def _within_limits(text: str, bare: str, scope: Scope) -> None:
    if not text.strip():
        raise _refused(text, Fault(1, "The condition is empty."), scope)
    if len(text) > LENGTH_MAX:
        reason = f"The condition has {len(text)} characters; {LENGTH_MAX} are allowed."
        raise _refused(text, Fault(LENGTH_MAX + 1, reason), scope)
    depth = 0
    for position, letter in enumerate(bare, 1):
        depth += (letter in "([{") - (letter in ")]}")
        if depth > NESTING_MAX:
            reason = f"Brackets stand more than {NESTING_MAX} deep: split the condition."
            raise _refused(text, Fault(position, reason), scope)
    loops = list(_COMPREHENSIONS.finditer(bare))
    if len(loops) > COMPREHENSIONS_MAX:
        reason = f"At most {COMPREHENSIONS_MAX} of exists, all, map and filter are allowed."
        raise _refused(text, Fault(loops[COMPREHENSIONS_MAX].start() + 1, reason), scope)
    # dyn() would switch off the check that this module exists for.
    escape = re.search(r"(?<![\w.])dyn\s*\(", bare)
    if escape:
        raise _refused(text, Fault(escape.start() + 1, "dyn() is not available here."), scope)


def _refused(text: str, fault: Fault, scope: Scope) -> BadCondition:
    return BadCondition(text, fault.position, fault.reason, tuple(sorted(scope.variables)))


@lru_cache(maxsize=16)
def _environment(scope: Scope) -> Any:
    kinds = {
        "int": cel.Type.INT,
        "bool": cel.Type.BOOL,
        "string": cel.Type.STRING,
        "timestamp": cel.Type.TIMESTAMP,
        "texts": cel.Type.List(cel.Type.STRING),
        "map": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
        "figures": cel.Type.Map(cel.Type.STRING, cel.Type.INT),
    }
    return cel.NewEnv(variables={n: kinds[kind] for n, kind in scope.variables.items()})
