"""An audience between its form and the data: rows of rules in groups, added and taken off.

A rule's row has the fields of every kind under one dotted path; only those of its kind are read, so
that nothing typed is lost when a kind is changed and changed back.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from pydantic import ValidationError

from api.console.forms import Form, at, whole
from api.console.language import Speech
from api.console.marks import N_
from loyalty.audiences.rules import Audience
from loyalty.typed_numbers import typed_minor

ABOUTS: dict[str, str] = {
    "tier": N_("Tier"),
    "tags": N_("Tags"),
    "last_purchase": N_("Last purchase"),
    "spend": N_("Spend"),
    "category": N_("Category bought"),
    "store": N_("Store"),
    "points": N_("Points to spend"),
    "expiring_points": N_("Points about to expire"),
    "consent": N_("May be told"),
    "registered": N_("Joined"),
    "condition": N_("Condition (for experts)"),
}
OPS: dict[str, dict[str, str]] = {
    "tier": {"one_of": N_("is one of"), "none_of": N_("is none of")},
    "tags": {
        "any_of": N_("has any of"),
        "all_of": N_("has all of"),
        "none_of": N_("has none of"),
    },
    "last_purchase": {
        "before": N_("longer ago than"),
        "within": N_("not longer ago than"),
        "never": N_("there was none"),
    },
    "spend": {"at_least": N_("at least"), "at_most": N_("at most")},
    "category": {"bought": N_("was bought"), "not_bought": N_("was not bought")},
    "store": {"bought": N_("bought there"), "not_bought": N_("did not buy there")},
    "points": {"at_least": N_("at least"), "at_most": N_("at most")},
    "expiring_points": {"at_least": N_("at least"), "at_most": N_("at most")},
    "consent": {"given": N_("yes"), "not_given": N_("no")},
    "registered": {"within": N_("not longer ago than"), "before": N_("longer ago than")},
}
FIELDS: dict[str, tuple[str, ...]] = {
    "tier": ("tiers",),
    "tags": ("tags",),
    "last_purchase": ("days",),
    "spend": ("amount", "days"),
    "category": ("category", "days"),
    "store": ("store", "days"),
    "points": ("points",),
    "expiring_points": ("points", "days"),
    "consent": ("channel", "purpose"),
    "registered": ("days",),
    "condition": ("condition",),
}
CHANNELS = {"inbox": N_("In the app"), "email": N_("By e-mail"), "webhook": N_("By webhook")}
PURPOSES = {"marketing": N_("offers"), "service": N_("service messages")}
NEW_RULE: dict[str, Any] = {"about": "tier"}
_SAID: dict[str, str] = {
    "days": N_("A whole number of days, from 1 to 3,650."),
    "points": N_("A whole number of points, 0 or more."),
    "amount_minor": N_("An amount of money, 0 or more."),
    "tiers": N_("Choose at least one tier."),
    "tags": N_("Name at least one tag; several are parted by commas."),
    "category": N_("Name a category as receipts name it."),
    "store": N_("Name a store as receipts name it."),
    "condition": N_("Write a condition."),
    "rules": N_("A group has one to twelve rules."),
    "groups": N_("An audience has eight groups at most."),
}
_FORM_NAMES = {"amount_minor": "amount"}


def changed(form: Form, act: str) -> Form:
    """The form after a button of the builder: `add_group`, `drop_group:1`, `add_rule:0` ..."""
    found = re.fullmatch(r"(add|drop)_(group|rule)(?::(\d{1,2}))?(?::(\d{1,2}))?", act)
    if found is None:
        return form
    groups = _groups(form)
    first, second = (int(found[3] or 0), int(found[4] or 0))
    if act == "add_group":
        groups.append({"match": "all", "rules": [dict(NEW_RULE)]})
    elif first < len(groups):
        rules = groups[first]["rules"]
        if found[1] == "add":
            rules.append(dict(NEW_RULE))
        elif found[2] == "rule" and second < len(rules):
            del rules[second]
        if found[1] == "drop" and (found[2] == "group" or not rules):
            del groups[first]
    audience = {"match": str(at(form, "audience.match", "all")), "groups": groups}
    return {**form, "audience": audience}


def audience_in(
    form: Form, speech: Speech, currency: str
) -> tuple[Audience | None, dict[str, str]]:
    """The audience that was typed, none for everybody, and what is wrong with it by field."""
    groups = _groups(form)
    if not groups:
        return None, {}
    precision = get_currency_precision(currency)
    wished = {
        "match": at(form, "audience.match", "all"),
        "groups": [
            {
                "match": group["match"],
                "rules": [_rule(rule, precision) for rule in group["rules"]],
            }
            for group in groups
        ],
    }
    try:
        return Audience.model_validate(wished), {}
    except ValidationError as error:
        return None, _errors(error, speech)


def typed(audience: Audience | None, currency: str) -> dict[str, Any]:
    """An audience as its form has it."""
    if audience is None:
        return {"match": "all", "groups": []}
    whole: dict[str, Any] = audience.model_dump(mode="json")
    for group in whole["groups"]:
        for rule in group["rules"]:
            if "tags" in rule:
                rule["tags"] = ", ".join(rule["tags"])
            if "amount_minor" in rule:
                places = get_currency_precision(currency)
                amount = Decimal(rule.pop("amount_minor")).scaleb(-places)
                rule["amount"] = f"{amount:f}"
    return whole


def _groups(form: Form) -> list[dict[str, Any]]:
    """The groups as typed, each with a list of rules, whatever was sent."""
    groups = at(form, "audience.groups", [])
    found = []
    for group in groups if isinstance(groups, list) else []:
        rules = at(group, "rules", [])
        listed = [r for r in rules if isinstance(r, Mapping)] if isinstance(rules, list) else []
        found.append({"match": str(at(group, "match", "all")), "rules": listed})
    return found


def _rule(rule: Mapping[str, Any], precision: int) -> dict[str, Any]:
    """What the rule's kind reads of its row."""
    about = str(rule.get("about", ""))
    wished: dict[str, Any] = {"about": about}
    ops = OPS.get(about, {})
    if ops:
        op = str(rule.get("op", ""))
        # The row may still carry the comparison of another kind.
        wished["op"] = op if op in ops else next(iter(ops))
    for name in FIELDS.get(about, ()):
        value = rule.get(name)
        if name == "tags":
            value = [tag.strip() for tag in re.split(r"[,，、]", str(value or "")) if tag.strip()]
        elif name == "tiers":
            value = [value] if isinstance(value, str) else value or []
        elif name == "amount":
            name, value = "amount_minor", typed_minor(value, precision)
        elif isinstance(value, str):
            value = whole(value) if name in ("days", "points") else value.strip()
        wished[name] = value if value is not None else ""
    if wished.get("op") == "never":
        wished["days"] = None
    return wished


def _errors(error: ValidationError, speech: Speech) -> dict[str, str]:
    """Each fault at its field, in words of its own."""
    found: dict[str, str] = {}
    for each in error.errors():
        # A rule's kind stands in the path too, and is no field of the form.
        parts = [str(p) for i, p in enumerate(each["loc"]) if not (i == 4 and isinstance(p, str))]
        name = next((part for part in reversed(parts) if part in _SAID), "")
        if not name and len(parts) == 4:
            name = "days"  # `never` aside, a last purchase says how long ago
            parts.append(name)
        place = parts[: parts.index(name) + 1] if name in parts else parts
        place = [_FORM_NAMES.get(part, part) for part in place]
        said = speech.gettext(_SAID[name]) if name else str(each["msg"])
        found.setdefault(".".join(["audience", *place]), said)
    return found
