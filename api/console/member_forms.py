"""The forms of a member's page: what was typed, as the API takes it, and refusals in words."""

import re
from collections.abc import Iterable

from pydantic import ValidationError

from api.console.forms import WHOLE, Form, at, errors_of
from api.console.language import Speech
from api.console.marks import N_
from loyalty.errors import Invalid, LoyaltyError
from loyalty.member_details import DetailsChange

_FIELDS: dict[str, frozenset[str]] = {
    "details": frozenset(DetailsChange.model_fields),
    "consents": frozenset({"reason"}),
    "stop-list": frozenset({"reason"}),
    "tier": frozenset({"tier", "reason"}),
    "adjustment": frozenset({"points", "reason"}),
}
"""What can be wrong on each form; anything else is said above it."""
_TAKEN = "taken"
_SAID: dict[str, str] = {
    "name": N_("One line, 200 characters at most."),
    "email": N_("Write an e-mail address, such as lee@example.com."),
    "phone": N_("Write digits, spaces, brackets and hyphens only, with a + in front if need be."),
    "card_no": N_("Letters, digits and hyphens, 3 to 48."),
    _TAKEN: N_("This is another member's card already."),
    "birthday": N_("Give a day of the calendar, such as 1990-05-01."),
    "locale": N_("Choose one of these."),
    "time_zone": N_("Name a zone such as Asia/Shanghai."),
    "tags": N_("Each tag has 64 characters at most; there may be 100."),
    "tier": N_("Choose one of these."),
    "points": N_("Give a whole number other than 0, at most 10,000,000 either way."),
    "reason": N_("Give a reason: one line."),
}


def refusals(act: str, error: LoyaltyError | ValidationError, speech: Speech) -> dict[str, str]:
    """A refusal by field of the form `act`, in words of the console where it has some."""
    problems = error.problems if isinstance(error, Invalid) else []
    taken = {each.get("field") for each in problems if each.get("code") == _TAKEN}
    found: dict[str, str] = {}
    for path, message in errors_of(error).items():
        field = path.split(".")[0]
        words = _SAID.get(_TAKEN if field in taken else field)
        beside = f"{act}.{field}" if field in _FIELDS[act] else WHOLE
        found.setdefault(beside, speech.gettext(words) if words else message)
    return found


def details_in(form: Form, tags: Iterable[str]) -> dict[str, object]:
    """What was changed on the form, and the reason; what is empty now is taken away.

    The page sends what it showed as `was`: a field left as it was is not named, so that whatever
    became of it meanwhile stays. `tags` are those the member has now.
    """
    values: dict[str, object] = {"reason": str(form.get("reason", "")).strip()}
    for name in DetailsChange.model_fields.keys() - values.keys():
        text = str(form.get(name, "")).strip()
        was = at(form, f"was.{name}", None)
        if name not in form or (was is not None and text == str(was).strip()):
            continue
        values[name] = _changed_tags(text, was, list(tags)) if name == "tags" else text or None
    return values


def _changed_tags(text: str, was: object, has: list[str]) -> list[str]:
    """The tags as typed; one that came or went since the page was shown came or went."""
    typed = _tags(text, has)
    shown = has if was is None else _tags(str(was), has)
    kept = [tag for tag in typed if tag in has or tag not in shown]
    return kept + [tag for tag in has if tag not in typed and tag not in shown]


def _tags(text: str, known: Iterable[str]) -> list[str]:
    """Tags with commas between; a known one stays whole, whatever it holds."""
    holding = sorted((tag for tag in known if re.search("[,，、]", tag)), key=len, reverse=True)
    whole = [rf"\s*{re.escape(tag)}(?=\s*(?:[,，、]|$))" for tag in holding]
    found = re.findall("|".join([*whole, "[^,，、]+"]), text)
    return [tag.strip() for tag in found if tag.strip()]
