"""Earning rules: every version, and the next one written, tried on a cart and switched on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from babel.numbers import get_currency_precision
from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.console.forms import Form, at, errors_of, form_of, whole
from api.console.people import names
from api.console.rendering import go, page
from api.console.sessions import person
from api.keys import Caller
from api.routes.earning_rules import Activation, Checked, check_text
from api.services import Given, Services
from loyalty.earning import activate
from loyalty.earning.load import FILE, load_rules, written_moment
from loyalty.earning.version import RulesVersion
from loyalty.earning.written import written
from loyalty.errors import ChangedMeanwhile, Invalid, LoyaltyError, invalid_field
from loyalty.line_changes import changes
from loyalty.ports import Transaction
from loyalty.quotes import Cart, quote
from loyalty.typed_numbers import typed_minor

router = APIRouter()
Reader = Annotated[Caller, person("read_campaigns")]
Writer = Annotated[Caller, person("change_campaigns")]
SAMPLE = "fresh 100.00\ngrocery 59.90\n"
"""A cart to begin with: category and amount, line by line."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What a cart would earn by the rules being written and by those that count now."""

    new: Any
    now: Any


@router.get("/earning-rules")
def read_rules(
    request: Request,
    given: Given,
    caller: Reader,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """To go on from the version that counts now, or from the one that was asked for."""

    def work(tx: Transaction) -> Form:
        base = activate.version(tx, version) if version else activate.to_go_on_from(tx)
        return {
            "text": written(base.body),
            "from_version": str(base.version),
            "after_version": str(activate.listed(tx)[-1].version),
            "cart": {"lines": SAMPLE},
        }

    return _page(request, given, given.store.read(work))


@router.post("/earning-rules/check")
async def check(request: Request, given: Given, caller: Reader) -> Response:
    """While one types: findings, the highest stack and the cart. With a button: the whole page."""
    form = _clean(await form_of(request))
    fragment = "hx-request" in request.headers
    template = "_rules_checked.html" if fragment else "write_rules.html"
    return await run_in_threadpool(lambda: _page(request, given, form, template=template))


@router.post("/earning-rules/activate")
async def switch_on(request: Request, given: Given, caller: Writer) -> Response:
    form = _clean(await form_of(request))
    if over := str(at(form, "over")):  # the version the writer has seen, and activates after
        form = {**form, "after_version": over}

    def work() -> Response:
        try:
            wished = Activation.model_validate(
                {
                    "text": form["text"],
                    "active_from": _moment(str(at(form, "active_from")).strip(), given),
                    "reason": str(at(form, "reason")).strip() or None,
                    "after_version": whole(at(form, "after_version")),
                    "until_version": whole(at(form, "until_version")) or None,
                }
            )
            rules = load_rules(wished.text, given.programme.known_events, given.programme.tz)
            made, _ = given.store.run(
                lambda tx: activate.activate(
                    tx,
                    rules,
                    wished.active_from,
                    caller.actor,
                    wished.reason,
                    after_version=wished.after_version,
                    until_version=wished.until_version,
                )
            )
        except ChangedMeanwhile:
            theirs = given.store.read(lambda tx: activate.listed(tx)[-1])
            differences = changes({FILE: written(theirs.body)}, {FILE: written(rules)})
            return _page(request, given, form, 409, theirs=theirs, differences=differences)
        except (LoyaltyError, ValidationError) as error:
            return _page(request, given, form, 422, errors=errors_of(error))
        said = request.state.speech.gettext(
            "Version %(version)s is made. It counts for receipts from its beginning on.",
            version=made.version,
        )
        return go(request, "/console/earning-rules", said)

    return await run_in_threadpool(work)


def _page(
    request: Request,
    given: Services,
    form: Form,
    status: int = 200,
    *,
    template: str = "write_rules.html",
    errors: dict[str, str] | None = None,
    **facts: object,
) -> Response:
    found = check_text(given.programme, form["text"])
    errors = dict(errors or {})
    tried = _tried(given, form, found, errors)
    lines, active, coming = given.store.read(lambda tx: _standing(tx, form, given))
    _ = request.state.speech.gettext
    if found.findings and errors:  # they are listed beside the text, each at its line
        errors = {"": _("It was not activated. Mend what is listed first.")}
    if "until_version" in errors:
        errors["until_version"] = _("Say that you know this, or let it count from a later instant.")
    return page(
        request,
        template,
        status,
        back="/console/earning-rules",
        form=form,
        errors=errors,
        checked=found,
        marks=[{"tab": 0, "problem": each, "line": each.line} for each in found.findings],
        limit=given.programme.earning.highest_return_bp,
        tried=tried,
        versions=sorted(lines, key=lambda each: -each.version),
        active=active.version if active else activate.FIRST,
        coming=coming,
        names=names(given),
        unsaved=request.method == "POST",  # switched on, it leads to another page
        **{"theirs": None, "differences": [], **facts},
    )


def _standing(
    tx: Transaction, form: Form, given: Services
) -> tuple[list[RulesVersion], RulesVersion | None, RulesVersion | None]:
    """Every version, the one that counts, and the one that takes over from what is written."""
    try:
        begins = _moment(str(at(form, "active_from")).strip(), given)
    except Invalid:
        begins = None
    coming = activate.taking_over(tx, begins or tx.now + activate.LEAD)
    return activate.listed(tx), tx.earning_rules.at(tx.now), coming


def _tried(given: Services, form: Form, found: Checked, errors: dict[str, str]) -> Tried | None:
    """Both quotes; none without a member, or while the rules cannot be read."""
    member = str(at(form, "cart.member_id")).strip()
    if not member or found.findings:
        return None
    try:
        cart = Cart.model_validate(
            {
                "member_id": member,
                "currency": given.programme.currency,
                "store": str(at(form, "cart.store")).strip() or None,
                "lines": _cart_lines(str(at(form, "cart.lines")), given.programme.currency),
            }
        )
        rules = load_rules(form["text"], given.programme.known_events, given.programme.tz)
        return given.store.read(lambda tx: Tried(quote(tx, cart, rules), quote(tx, cart)))
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        errors[f"cart.{field}"] = next(iter(errors_of(error).values()))
    except LoyaltyError as error:
        field = "lines" if error.code == "invalid" else "member_id"
        errors[f"cart.{field}"] = error.detail
    return None


def _cart_lines(text: str, currency: str) -> list[dict[str, Any]]:
    """`fresh 100.00 6901234`: category, amount and, if it matters, the product."""
    lines = []
    places = get_currency_precision(currency)
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words:
            continue
        minor = typed_minor(words[1], places) if len(words) in (2, 3) else None
        if minor is None:
            raise invalid_field(f"Line {number}", "cart_line", "has a category and an amount")
        sku = words[2] if len(words) == 3 else f"sample-{number}"
        lines.append({"sku": sku, "category": words[0], "net_minor": minor})
    return lines


def _moment(text: str, given: Services) -> datetime | None:
    """As the form's field writes it, in the programme's zone; none for as soon as may be."""
    if not text:
        return None
    try:
        return written_moment(text, given.programme.tz)
    except ValueError:
        raise invalid_field("active_from", "not_a_datetime", "is not a date and a time") from None


def _clean(form: Form) -> Form:
    """With lines that end as they do in files."""
    text = str(at(form, "text")).replace("\r\n", "\n").replace("\r", "\n")
    return {**form, "text": text}
