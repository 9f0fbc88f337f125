"""Why an event was refused, in the reader's language: a sentence, and each field that was wrong.

What was answered is English. Here the stable codes are said again, with the limits that were
answered; only a finding that is rare stays as it was, in brackets.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from api.console.field_words import FIELD_WORDS
from api.console.language import Speech
from api.console.marks import N_
from api.problem_kinds import KINDS
from loyalty.written_forms import in_words

_SENTENCES = {
    "invalid": N_("What was sent does not fit:"),
    "key_reused": N_("This id was recorded before with other content."),
    "unknown member": N_("Member %(id)s is not registered."),
    "unknown purchase": N_("Purchase %(id)s is not recorded: look at its id and its source."),
    "wrong_state merged": N_("The member was merged into another."),
    "wrong_state erased": N_("The member was erased."),
}
_BY_RULE = {
    "in_future": N_("is in the future"),
    "too_early": N_("is before the purchase"),
    "refunded": N_("was refunded whole already"),
    "too_many": N_("is more than is left of the receipt"),
    "currency": N_("is not the programme's currency"),
    "event_type": N_("is not declared in the programme"),
    "other_member": N_("is not who paid with these points"),
    "less_than_confirmed": N_("is less than was paid with points when the hold was confirmed"),
}
_RULES = (
    N_("must lie between the years 2000 and 2100"),
    N_("is kept for what Milepost itself records"),
    N_("is more than net_minor, which it is a part of"),
    N_("is more than the receipt came to"),
    N_("may name each line of the receipt once"),
)
"""The models' own sentences: they have one code, `value_error`, and are their own words."""
_FORMS = (
    N_("letters, digits, and . _ : - after the first, 64 at most, as in till-12"),
    N_(
        "letters, digits, and . _ : / - after the first, nothing empty and no . or .. between "
        "slashes, as in 2026-10-03/000481"
    ),
    N_("small letters, digits and _, a letter first, 48 at most, as in first_order"),
    N_("small letters, digits, _ and dots, a letter first, 64 at most, as in check_in"),
    N_("three capital letters, as in CNY"),
    N_("one line of text"),
)
_RARE = N_("does not fit (%(message)s)")


def refusal(speech: Speech, thing: Mapping[str, Any]) -> tuple[str, Sequence[tuple[str, str]]]:
    """What was wrong with the whole, and each field's path, as in `lines.0.sku`, with why."""
    fields = [(str(each["field"]), _why(speech, each)) for each in thing["errors"] or ()]
    return _sentence(speech, thing), fields


def _sentence(speech: Speech, thing: Mapping[str, Any]) -> str:
    code, facts = str(thing["code"]), thing["facts"] or {}
    which = facts.get("kind") if code == "unknown" else facts.get("status")
    words = _SENTENCES.get(f"{code} {which}", _SENTENCES.get(code))
    if words is None:
        return KINDS.get(code, KINDS["refused"]).title[speech.language]
    return speech.gettext(words) % facts


def _why(speech: Speech, error: Mapping[str, Any]) -> str:
    message = str(error["message"])
    if speech.language == "en":
        return message
    words = (FIELD_WORDS | _BY_RULE).get(error["code"], message if message in _RULES else _RARE)
    allowed = error.get("allowed")
    limits = {"message": message, **(allowed if isinstance(allowed, Mapping) else {})}
    limits["form"] = speech.gettext(in_words(str(limits.get("pattern"))))
    limits["expected"] = str(limits.get("expected", "")).replace(" or ", ", ")
    try:
        return speech.gettext(words) % limits
    except KeyError:
        return speech.gettext(_RARE) % limits
