"""Why a campaign cannot be saved as its form says: by field, in words of the console."""

from collections.abc import Mapping
from typing import Any

from api.console.forms import WHOLE, at
from api.console.language import Speech
from api.console.marks import N_
from api.console.words import said
from loyalty.errors import Invalid, KeyReused, LoyaltyError
from loyalty.launch_rule import OverBudgetRule
from loyalty.templates import Parameter, Template

_SAID: dict[str, str] = {
    "missing": N_("Something is needed here."),
    "not_whole": N_("Give a whole number%(bounds)s."),
    "not_a_number": N_("Give a number%(bounds)s."),
    "not_a_percentage": N_("Give a percentage%(bounds)s."),
    "not_a_multiplier": N_("Give how many times%(bounds)s."),
    "too_small": N_("This is too little: give a figure%(bounds)s."),
    "too_large": N_("This is too much: give a figure%(bounds)s."),
    "not_a_datetime": N_("Give a date and a time."),
    "out_of_bounds": N_("Give a date of the years 2000 to 2199."),
    "not_a_time": N_("Give a time of day, such as 09:00."),
    "wrong_length": N_("This text is too short or too long."),
    "not_a_sku": N_("An item number has letters, digits and . - _ / only."),
    "unknown_choice": N_("Choose one of these."),
}
_PROMISED = N_("Members have been given or promised %(promised)s points already.")
_RAISED = N_("Not above %(most)s while the campaign runs: for more, two people launch a new one.")
_OVER = N_("This is above what the programme allows one campaign.")
_NONE = N_("The campaign gives points and has no budget; the programme asks for one.")


def refusals(error: LoyaltyError, template: Template, speech: Speech) -> dict[str, str]:
    """A refusal by field of the form, in words of the console where it has some."""
    say = speech.gettext
    if isinstance(error, KeyReused):
        return {"id": say("Another campaign has this id. Choose a new one.")}
    if isinstance(error, OverBudgetRule):
        words = _NONE if error.facts["rule"] == "needs_budget" else _OVER
        return {_budget_field(template): say(words)}
    if not isinstance(error, Invalid):
        return {WHOLE: error.detail}
    found: dict[str, str] = {}
    for problem in error.problems:
        field, words = _placed(problem, error.detail, template, speech)
        if field == WHOLE and WHOLE in found:
            words = f"{found.pop(WHOLE)} {words}"
        found.setdefault(field, words)
    return found


def _placed(
    problem: Mapping[str, Any], detail: str, template: Template, speech: Speech
) -> tuple[str, str]:
    """The field where a problem is shown, and what is said there."""
    say = speech.gettext
    field, code = str(problem.get("field", "")), str(problem.get("code", ""))
    message = str(problem.get("message") or detail)
    if code == "below_promised":
        message = say(_PROMISED, promised=f"{problem['promised']:,}")
    if code == "second_person":
        message = say(_RAISED, most=f"{problem['most']:,}")
    if "file" in problem:  # a finding: each value is right, but not beside the others
        name, message = _set_by(template, field), said(speech, "finding", code)
        return (f"values.{name}" if name else WHOLE), message
    parameter = template.parameters.get(field)
    if parameter is not None:
        words = _SAID.get(code, "")
        bounded = say(words, bounds=_bounds(parameter, say)) if "%(" in words else ""
        return f"values.{field}", bounded or (say(words) if words else message)
    if field == "budget_points":
        return _budget_field(template), message
    return field if field.startswith("audience") else WHOLE, message


def _budget_field(template: Template) -> str:
    """Where the form asks for the budget; the whole, where the template leaves no choice."""
    if "budget_points" not in template.body:
        return "budget_points"
    name = _set_by(template, "budget_points")
    return f"values.{name}" if name else WHOLE


def _set_by(template: Template, path: str) -> str:
    """The parameter that a place of the template is filled from; nothing where it is written."""
    name = str(at(template.body, path)).removeprefix("$")
    return name if name in template.parameters else ""


def _bounds(parameter: Parameter, say: Any) -> str:
    low, high = parameter.min, parameter.max
    if low is not None and high is not None:
        return str(say(" from %(low)s to %(high)s", low=f"{low:,}", high=f"{high:,}"))
    if low is not None:
        return str(say(" of %(low)s or more", low=f"{low:,}"))
    return str(say(" up to %(high)s", high=f"{high:,}")) if high is not None else ""
