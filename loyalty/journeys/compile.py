"""Template + the marketer's values = one campaign, checked and frozen."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from loyalty.journeys.compiled import Compiled
from loyalty.journeys.filling import Filling
from loyalty.journeys.findings import Findings
from loyalty.journeys.message_places import (
    Known,
    MessagePlaces,
    common_variables,
    shown_values,
)
from loyalty.journeys.parts import Parts
from loyalty.journeys.plan import Plan
from loyalty.journeys.sections import Sections, values_named
from loyalty.journeys.steps import Walk
from loyalty.journeys.values import Percent, Value, read_values
from loyalty.journeys.written import PercentIn, WholeOrNone, Written
from loyalty.message_context import Variable
from loyalty.programme import Programme
from loyalty.templates import BrokenTemplate, Template

FILE = "campaign.yaml"
SECTIONS = (
    "enter", "audience", "reentry", "holdout", "budget_points", "goal", "journey", "moments",
    "exchange",
)  # fmt: skip
KNOWN_EVENTS = Programme().known_events
HOLDOUT_MAX_BP = 5_000  # half: beyond it a campaign is mostly not held


def compile(
    template: Template,
    values: Mapping[str, Any],
    *,
    zone: ZoneInfo | None = None,
    event_types: tuple[str, ...] = KNOWN_EVENTS,
) -> Compiled:
    """What runs when a marketer launches `template` with `values`.

    Dates without an offset are read in `zone`, and refused without one. Raises Invalid when a value
    does not fit its parameter, BrokenTemplate (also Invalid) when the values do not fit each other.
    """
    read = read_values(template.parameters, values, zone)
    findings = Findings(FILE, template.places)
    compiled = assemble(template, read, findings, event_types)
    if compiled is None or findings.problems:
        raise BrokenTemplate(template.name, findings.problems)
    return compiled


def compile_example(
    template: Template,
    given: Mapping[str, Any] | None = None,
    *,
    zone: ZoneInfo | None = None,
    event_types: tuple[str, ...] = KNOWN_EVENTS,
) -> Compiled:
    """The template with its defaults, and examples where a value must be given: for previews.

    What is `given` goes before both.
    """
    values = read_values(template.parameters, given or {}, zone, examples=True)
    findings = Findings(FILE, template.places)
    compiled = assemble(template, values, findings, event_types)
    if compiled is None or findings.problems:
        raise BrokenTemplate(template.name, findings.problems)
    return compiled


def message_variables(template: Template) -> dict[str, tuple[Variable, ...]]:
    """For each message of a template, every name its text may use."""
    return compile_example(template).message_variables


def assemble(
    template: Template,
    values: Mapping[str, Value],
    findings: Findings,
    event_types: tuple[str, ...] = KNOWN_EVENTS,
) -> Compiled | None:
    """Compile, noting every problem; none when even the frame could not be built."""
    filling = Filling(template.parameters, values, findings)
    body = {key: filling.fill(part, (key,)) for key, part in template.body.items()}
    plain = {name: value.plain for name, value in values.items()}
    has_exchange = body.get("exchange") is not None
    common = common_variables(template.parameters, plain, has_exchange)
    parts = Parts(findings, event_types, template.messages, MessagePlaces(common))
    sections = Sections(parts, body)
    enter, exchange = sections.enter(), sections.exchange()
    audience, reentry = sections.audience(exchange), sections.reentry(enter)
    plan = _plan(template, body, sections, findings)
    moments = sections.moments(exchange)
    if not findings.problems and (body.get("enter") is None) != (body.get("journey") is None):
        message = "`enter` and `journey` belong together: who walks, and which way."
        findings.add((), "enter_and_journey", message)
    if not findings.problems and not body.get("journey") and not moments:
        findings.add((), "nothing_happens", "The template has neither `journey` nor `moments`.")
    _unused(template, filling.used, findings, parts.places.variables())
    figures = findings.read(_Figures, {k: body[k] for k in _FIGURES if k in body}, ())
    if figures is None or findings.problems:
        return None
    if figures.holdout.bp > HOLDOUT_MAX_BP:
        findings.add(("holdout",), "too_large", "More than half held out.", ("from 0% to 50%",))
        return None
    return Compiled(
        template=template.name,
        template_hash=template.hash,
        values=plain,
        message_values=shown_values(template.parameters, plain),
        plan=plan,
        enter=enter,
        audience=audience,
        reentry=reentry,
        holdout_bp=figures.holdout.bp,
        budget_points=figures.budget_points,
        moments=moments,
        exchange=exchange,
        messages=template.messages,
        message_variables=parts.places.variables(),
    )


class _Figures(Written):
    holdout: PercentIn = Percent(0)
    budget_points: WholeOrNone = None


_FIGURES = tuple(_Figures.model_fields)


def _plan(
    template: Template, body: Mapping[str, Any], sections: Sections, findings: Findings
) -> Plan:
    walk = Walk(findings, sections.parts)
    start = None
    if body.get("journey") is not None:
        start, _ = walk.steps(body["journey"], ("journey",), None, Known())
        if start is None and not findings.problems:
            findings.add(("journey",), "empty_journey", "The journey has no steps.")
    goal, within = sections.success()
    return Plan(
        template=template.name, start=start, nodes=walk.nodes, goal=goal, goal_within=within
    )


def _unused(
    template: Template,
    used: set[str],
    findings: Findings,
    sent: Mapping[str, tuple[Variable, ...]],
) -> None:
    """A value without effect would be a promise to the marketer that nobody keeps."""
    texts = [text for locales in template.messages.values() for text in locales.values()]
    named = set().union(*(values_named(t.subject + t.text) for t in texts)) if texts else set()
    for name in template.parameters.keys() - used - named:
        message = f"Nothing uses the parameter {name!r}."
        findings.add(("parameters", name), "unused_parameter", message)
    if findings.problems:
        return
    for name in template.messages.keys() - sent.keys():
        message = f"No step sends the message {name!r}."
        findings.add(("journey",), "unused_message", message)
