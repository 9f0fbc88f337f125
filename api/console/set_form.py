"""A campaign's form: generated from its template's parameters, read back into a request.

Everything is read before anything is refused, so that all mistakes are shown at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from api.console.audience_form import audience_in
from api.console.audience_form import typed as typed_audience
from api.console.forms import Form, at, whole
from api.console.language import Speech
from api.console.marks import N_
from api.console.set_refusals import refusals
from loyalty.audiences.rules import Audience
from loyalty.campaign_request import CampaignRequest
from loyalty.errors import Invalid
from loyalty.journeys.compiled import Compiled
from loyalty.journeys.values import read_values
from loyalty.programme import Programme
from loyalty.records import Campaign
from loyalty.templates import Parameter, Template
from loyalty.typed_numbers import unparted

_BUDGET, _HOLDOUT = "budget_points", "holdout_percent"
_SAID: dict[str, str] = {
    "id": N_("Small letters, digits and -, 48 at most, beginning with a letter or digit."),
    "name": N_("Give the campaign a name, 120 characters at most."),
    _BUDGET: N_("Give a whole number of points, or leave it empty for no limit."),
    _HOLDOUT: N_("Give a whole number from 0 to 50."),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter as the page asks for it."""

    name: str  # dotted
    parameter: Parameter
    kind: str
    attrs: Mapping[str, Any]
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sections:
    """The template's parameters, by what a marketer thinks of together."""

    what: tuple[Field, ...]
    when: tuple[Field, ...]
    conditions: tuple[Field, ...]
    limits: tuple[Field, ...]
    asks_budget: bool  # the template leaves it open
    asks_holdout: bool
    exchange: bool  # holding out is then not telling


def sections(template: Template, language: str) -> Sections:
    """What the form asks for, in the template's own order within each section."""
    sorted_in: dict[str, list[Field]] = {"what": [], "when": [], "conditions": [], "limits": []}
    limits = {
        str(template.body.get(name, "")).removeprefix("$") for name in ("budget_points", "holdout")
    }
    for name, parameter in template.parameters.items():
        field = _field(name, parameter, language)
        if name in limits:
            sorted_in["limits"].append(field)
        elif parameter.type == "condition":
            sorted_in["conditions"].append(field)
        elif parameter.type in ("datetime", "local_time"):
            sorted_in["when"].append(field)
        else:
            sorted_in["what"].append(field)
    return Sections(
        **{name: tuple(fields) for name, fields in sorted_in.items()},
        asks_budget="budget_points" not in template.body,
        asks_holdout="holdout" not in template.body,
        exchange=bool(template.body.get("exchange")),
    )


def _field(name: str, parameter: Parameter, language: str) -> Field:
    kinds = {
        "datetime": "datetime-local",
        "local_time": "time",
        "bool": "checkbox",
        "choice": "select",
    }
    numbers = {"points", "days", "count", "money_minor", "percent", "multiplier"}
    attrs: dict[str, Any] = {"autocomplete": "off"}
    if parameter.type in numbers:
        whole = parameter.type not in ("percent", "multiplier")
        attrs |= {"inputmode": "numeric" if whole else "decimal", "size": 12}
    elif parameter.type in ("text", "sku") and parameter.max is not None:
        attrs["maxlength"] = int(parameter.max)
    elif parameter.type == "condition":
        attrs |= {"spellcheck": "false", "class": "mono"}
    options = tuple((c.value, getattr(c.label, language)) for c in parameter.choices)
    return Field(f"values.{name}", parameter, kinds.get(parameter.type, "text"), attrs, options)


def proposals(template: Template, now: datetime) -> list[str]:
    """Ids for a new campaign, the first that is free is taken."""
    stem = f"{template.name.replace('_', '-')[:36]}-{now:%Y-%m}"
    return [stem, *(f"{stem}-{n}" for n in range(2, 20))]


def blank(template: Template, language: str, now: datetime, id: str) -> Form:
    """The form as it first opens: the template's defaults, a name, an id."""
    return {
        "id": id,
        "name": f"{getattr(template.title, language)} {now:%Y-%m}",
        "values": {
            name: _shown(parameter, parameter.default)
            for name, parameter in template.parameters.items()
        },
        "audience": {"match": "all", "groups": []},
    }


def filled(campaign: Campaign, rules: Compiled, template: Template, programme: Programme) -> Form:
    """The form as the campaign stands."""
    form: Form = {
        "id": campaign.id,
        "name": campaign.name,
        "values": {
            name: _shown(parameter, rules.values.get(name, parameter.default), programme.tz)
            for name, parameter in template.parameters.items()
        },
        "audience": typed_audience(rules.narrowed_by, programme.currency),
    }
    if "budget_points" not in template.body and campaign.budget_points is not None:
        form[_BUDGET] = str(campaign.budget_points)
    if "holdout" not in template.body and rules.holdout_bp:
        form[_HOLDOUT] = str(rules.holdout_bp // 100)
    return form


def _shown(parameter: Parameter, value: Any, zone: ZoneInfo | None = None) -> Any:
    """A value as its field shows it."""
    if value is None:
        return ""
    if parameter.type == "percent":
        return str(value).removesuffix("%")
    if parameter.type == "datetime" and zone is not None:
        return f"{datetime.fromisoformat(str(value)).astimezone(zone):%Y-%m-%dT%H:%M}"
    return value if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, as a request where it is one, and every mistake by field."""

    request: CampaignRequest | None
    audience: Audience | None
    errors: dict[str, str]


def read(form: Form, template: Template, programme: Programme, speech: Speech) -> Asked:
    """Everything that was typed, checked as far as it can be without the others."""
    values = _values(form, template)
    errors: dict[str, str] = {}
    try:
        read_values(template.parameters, values, programme.tz)
    except Invalid as refused:
        errors |= refusals(refused, template, speech)
    audience, wrong = audience_in(form, speech, programme.currency)
    errors |= wrong
    wished: dict[str, Any] = {
        "id": str(at(form, "id")).strip(),
        "name": str(at(form, "name")).strip(),
        "template": template.name,
        "values": values,
        "audience": audience,
    }
    for name in (_BUDGET, _HOLDOUT):
        typed = whole(at(form, name))
        wished |= {} if typed == "" else {name: typed}
    request = None
    try:
        request = CampaignRequest.model_validate(wished)
    except ValidationError as error:
        for each in error.errors():
            name = str(each["loc"][0])
            errors.setdefault(name, speech.gettext(_SAID.get(name, "")) or str(each["msg"]))
    return Asked(request if not errors else None, audience, errors)


def _values(form: Form, template: Template) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, parameter in template.parameters.items():
        typed = at(form, f"values.{name}")
        if parameter.type == "bool":
            values[name] = typed in (True, "true", "on")
        elif isinstance(typed, str) and typed.strip():
            text = typed.strip()
            figure = parameter.type in ("points", "count", "money_minor", "days")
            values[name] = unparted(text) if figure else text
        else:
            # Said to be empty: the default must not creep in for what somebody took out.
            values[name] = None
    return values
