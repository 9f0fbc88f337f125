"""What can be refused, in the words of the business.

Every refusal has a stable `code` that programs may branch on, a sentence that says what to do, and
the ids and figures needed to act. Domain errors know neither HTTP nor Temporal: `api/errors.py`
maps codes to statuses, `activities/errors.py` says which are worth a retry.
"""

from typing import Any, ClassVar


class LoyaltyError(Exception):
    """A request that Milepost understood and refuses, with nothing changed."""

    code: ClassVar[str] = "refused"

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class Unknown(LoyaltyError):
    """The thing named does not exist: `kind` and `id` are in the facts."""

    code = "unknown"

    def __init__(self, kind: str, id: str, hint: str = "") -> None:
        super().__init__(f"There is no {kind} {id!r}.{hint and ' '}{hint}", kind=kind, id=id)


class KeyReused(LoyaltyError):
    """A key came back with other content: never a silent yes (rule 14)."""

    code = "key_reused"

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(
            f"The {kind} {key!r} was already recorded with other content. "
            "Send the first body again to get the first answer, or use a new id.",
            kind=kind,
            key=key,
        )


class Invalid(LoyaltyError):
    """The content breaks a rule: `problems` lists each field and why."""

    code = "invalid"

    def __init__(self, detail: str, problems: list[dict[str, Any]]) -> None:
        super().__init__(detail, problems=problems)
        self.problems = problems


class WrongState(LoyaltyError):
    """The act does not fit the state the thing is in."""

    code = "wrong_state"


class ChangedMeanwhile(LoyaltyError):
    """Somebody changed the thing since it was read; `facts` say which version is there now."""

    code = "changed_meanwhile"


def invalid_field(field: str, code: str, message: str, allowed: tuple[str, ...] = ()) -> Invalid:
    """One field that breaks a rule, with why and what is allowed."""
    problem: dict[str, Any] = {"field": field, "code": code, "message": message}
    if allowed:
        problem["allowed"] = list(allowed)
    return Invalid(f"{field} {message}.", [problem])
