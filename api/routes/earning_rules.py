"""Earning rules: read them, check a new text, and switch a version on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import recorded, twice
from api.routes.quotes import QuoteView
from api.services import Given
from loyalty.earning import activate
from loyalty.earning.load import load_rules, read_rules
from loyalty.earning.rule_set import RuleSet
from loyalty.earning.version import RulesVersion
from loyalty.events import Instant
from loyalty.journeys.yaml_tree import SIZE_MAX
from loyalty.ports import Transaction
from loyalty.programme import Programme
from loyalty.quotes import Cart, quote
from loyalty.templates import Problem

router = APIRouter(tags=["Earning rules"])

_EXAMPLE = """\
base: {minor: 1000, points: 1}
category_rates_bp: {fresh: 20000}
rules:
  - id: weekend
    when: {weekdays: [sat, sun]}
    bonus_bp: 5000
"""


class RulesLine(BaseModel):
    """A version, and from when on it counts."""

    version: int
    active_from: datetime
    created_at: datetime
    created_by: str
    hash: str = Field(description="Changes exactly when the rules do")


class RulesLines(BaseModel):
    versions: list[RulesLine]
    active: int = Field(description="The version that counts now")


class Stack(BaseModel):
    """The most that rules can give at once."""

    rate_bp: int
    multiplier_bp: int
    points_per_10000: int = Field(description="Points for 10,000 minor units")
    return_bp: int = Field(description="Their cash value, in basis points of the price")
    flat_points: int = Field(description="On top of any receipt, however small")
    rules: list[str] = Field(description="Those that stack")


class RulesView(RulesLine):
    """With the rules themselves, and the most they can give."""

    body: RuleSet
    highest_stack: Stack


class RulesMade(RulesView):
    replayed: bool


class RulesText(BaseModel):
    """A file of earning rules."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": _EXAMPLE}]})
    text: str = Field(description=f"YAML or JSON, up to {SIZE_MAX:,} characters")


class Activation(RulesText):
    """Rules for receipts from an instant on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "text": _EXAMPLE,
                    "active_from": "2026-11-01T00:00:00+08:00",
                    "after_version": 1,
                }
            ]
        },
    )
    after_version: int = Field(
        ge=1,
        le=2**31 - 2,
        strict=True,
        description="The newest version of the list when these rules were written",
    )
    until_version: int | None = Field(
        None,
        ge=1,
        le=2**31 - 1,
        strict=True,
        description="Where a later version is coming, the one that takes over: these rules then "
        "count only until it begins, and what they change is not in it",
    )
    active_from: Instant | None = Field(
        None, description="At least a minute ahead; none = in a minute"
    )
    reason: str | None = Field(
        None,
        min_length=3,
        max_length=500,
        description="Why, where the stack is above the programme's limit; for the audit trail",
    )


class RulesQuoted(RulesText):
    """A cart, and the rules that are being written for it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "text": _EXAMPLE,
                    "cart": {
                        "member_id": "m-1001",
                        "currency": "CNY",
                        "lines": [{"sku": "6901234", "category": "fresh", "net_minor": 10000}],
                    },
                }
            ]
        },
    )
    cart: Cart


class Checked(BaseModel):
    """Everything that is wrong with a text; without any finding it can be activated."""

    findings: list[Problem]
    highest_stack: Stack | None = Field(None, description="none while there are findings")
    above_limit: bool = Field(False, description="Activating it then needs a reason")


@router.get("/v1/earning-rules", summary="List versions of the earning rules", responses=problems())
def list_earning_rules(
    given: Given, caller: Annotated[Caller, needs("read_campaigns")]
) -> RulesLines:
    """Version 1 is the programme's own. A receipt is judged by the version of when it happened."""

    def work(tx: Transaction) -> RulesLines:
        lines = [RulesLine.model_validate(_line(each)) for each in activate.listed(tx)]
        found = tx.earning_rules.at(tx.now)
        return RulesLines(versions=lines, active=found.version if found else activate.FIRST)

    return given.store.read(work)


@router.get(
    "/v1/earning-rules/{version:int}",
    summary="Read a version of the earning rules",
    responses=problems("unknown"),
)
def read_earning_rules(
    version: Annotated[int, Path(ge=1, le=2**31 - 1, description="Its number")],
    given: Given,
    caller: Annotated[Caller, needs("read_campaigns")],
) -> RulesView:
    """The rules as they were activated: the formula that members can be shown."""
    return given.store.read(lambda tx: _view(tx, activate.version(tx, version)))


@router.post(
    "/v1/earning-rules/check", summary="Check earning rules", responses=problems(write=True)
)
def check_earning_rules(
    body: RulesText, given: Given, caller: Annotated[Caller, needs("read_campaigns")]
) -> Checked:
    """Every problem with its line and field, and the most the rules could give. Changes nothing."""
    return check_text(given.programme, body.text)


@router.post(
    "/v1/earning-rules/quote",
    summary="Quote a cart by earning rules being written",
    responses=problems(
        "unknown",
        "bill_too_small",
        "too_many_points",
        "not_enough_points",
        "wrong_state",
        write=True,
    ),
)
def quote_by_rules(
    body: RulesQuoted, given: Given, caller: Annotated[Caller, needs("change_campaigns")]
) -> QuoteView:
    """What a cart would earn if these rules counted, with every figure. Changes nothing."""
    rule_set = load_rules(body.text, given.programme.known_events, given.programme.tz)
    return QuoteView.model_validate(given.store.read(lambda tx: quote(tx, body.cart, rule_set)))


@router.post(
    "/v1/earning-rules",
    summary="Activate earning rules",
    status_code=201,
    responses=problems("changed_meanwhile", write=True) | twice(RulesMade, "Made now"),
)
def activate_earning_rules(
    body: Activation, given: Given, caller: Annotated[Caller, needs("change_campaigns")]
) -> JSONResponse:
    """Makes the next version, for receipts that happen from `active_from` on.

    Nothing that was posted changes. Rules that could give back more than the programme's limit
    need a `reason`; before a version that is coming, they need its number in `until_version`.
    Answers 409 when somebody else made a version since `after_version`. The same rules for the
    same instant again change nothing.
    """
    rule_set = load_rules(body.text, given.programme.known_events, given.programme.tz)

    def work(tx: Transaction) -> dict[str, Any]:
        made, replayed = activate.activate(
            tx,
            rule_set,
            body.active_from,
            caller.actor,
            body.reason,
            after_version=body.after_version,
            until_version=body.until_version,
        )
        view = RulesMade(**_view(tx, made).model_dump(), replayed=replayed)
        return view.model_dump(mode="json")

    return recorded(given.store.run(work))


def check_text(programme: Programme, text: str) -> Checked:
    """What is wrong with rules being written, or the most they could give."""
    rule_set, findings = read_rules(text, programme.known_events, programme.tz)
    if rule_set is None:
        return Checked(findings=findings)
    stack = activate.stack_of(rule_set, programme)
    return Checked(
        findings=[],
        highest_stack=Stack.model_validate(stack.to_json()),
        above_limit=stack.return_bp > programme.earning.highest_return_bp,
    )


def _view(tx: Transaction, version: RulesVersion) -> RulesView:
    stack = activate.stack_of(version.body, tx.programme).to_json()
    return RulesView.model_validate(
        {**_line(version), "body": version.body, "highest_stack": stack}
    )


def _line(version: RulesVersion) -> Mapping[str, Any]:
    return {name: getattr(version, name) for name in RulesLine.model_fields}
