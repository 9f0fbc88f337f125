"""Preview: every message as a member would read it, and the member's days to come in a campaign."""

from collections.abc import Mapping
from typing import Annotated, Any, get_args

from babel.numbers import get_currency_precision
from fastapi import APIRouter, Query, Request, Response

from api.console.rendering import page
from api.console.sessions import person
from api.keys import Caller
from api.services import Given
from loyalty import rehearsal
from loyalty.admission import compiled
from loyalty.ports import Transaction
from loyalty.programme import CHANNELS
from loyalty.revising import may_change
from loyalty.simulation.assumptions import USUAL_MINOR, Assumption, Kind
from loyalty.simulation.calendar import rows
from loyalty.simulation.play import DAYS
from loyalty.typed_numbers import typed_minor

router = APIRouter()
Previewer = Annotated[Caller, person("read_messages")]
Planner = Annotated[Caller, person("explain")]
Asked = Annotated[str, Query(max_length=64)]


@router.get("/campaigns/{campaign_id}/preview")
def preview(
    request: Request,
    campaign_id: str,
    given: Given,
    caller: Previewer,
    member: Asked = "",
    locale: Annotated[str, Query(max_length=8)] = "",
    channel: Annotated[str, Query(max_length=16)] = "all",
) -> Response:
    """A member who is not there is said beside the field, and the sample is shown."""
    wished = member.strip()

    def work(tx: Transaction) -> dict[str, Any]:
        campaign, version = rehearsal.shown_version(tx, campaign_id)
        languages = sorted({each for by in version.messages.values() for each in by})
        known = wished if wished and tx.members.get(wished) is not None else None
        spoken = locale if locale in languages else None
        if known is None and spoken is None:
            spoken = request.state.speech.language
        who, language, shown = rehearsal.preview(tx, campaign_id, None, known, spoken, given.say)
        return {
            "c": campaign,
            "changeable": may_change(campaign, compiled(version)),
            "who": who,
            "spoken": language,
            "written_in": languages,
            "shown": [m for m in shown if channel == "all" or channel in m.verdicts],
            "sample": known is None,
            "errors": _not_found(request, wished, known),
        }

    facts = given.store.read(work)
    form = {"member": wished, "locale": facts["spoken"], "channel": channel}
    status = 404 if facts["errors"] else 200
    return page(request, "campaign_preview.html", status, form=form, channels=CHANNELS, **facts)


@router.get("/campaigns/{campaign_id}/calendar")
def calendar(
    request: Request,
    campaign_id: str,
    given: Given,
    caller: Planner,
    member: Asked = "",
) -> Response:
    """`assume`, `day` and `amount` say what the member does: see `_assumption`."""
    wished = member.strip()
    digits = get_currency_precision(given.programme.currency)
    typed = {"assume": "nothing", "day": "3", "amount": f"{USUAL_MINOR / 10**digits:.{digits}f}"}
    form = {name: request.query_params.get(name, usual)[:16] for name, usual in typed.items()}
    assumption, errors = _assumption(request, form, digits)
    form["member"] = wished

    def work(tx: Transaction) -> dict[str, Any]:
        campaign, version = rehearsal.shown_version(tx, campaign_id)
        known = wished if wished and tx.members.get(wished) is not None else None
        who, played = rehearsal.calendar(
            tx, campaign_id, None, known, assumption, locale=request.state.speech.language
        )
        given_points = [c.points for c in played.credits if c.member_id == who.id and c.campaign_id]
        return {
            "c": campaign,
            "changeable": may_change(campaign, compiled(version)),
            "who": who,
            "sample": known is None,
            "played": played,
            "rows": rows(played),
            "given_points": sum(given_points),
            "messages": len({said.new.key for said in played.messages}),
            "errors": {**errors, **_not_found(request, wished, known)},
        }

    facts = given.store.read(work)
    status = 422 if facts["errors"] else 200
    kinds = get_args(Kind)
    return page(
        request, "campaign_calendar.html", status, form=form, kinds=kinds, days=DAYS, **facts
    )


def _assumption(
    request: Request, form: Mapping[str, str], digits: int
) -> tuple[Assumption, dict[str, str]]:
    """What was typed as an assumption; what cannot be read is said beside its field."""
    assume, day, amount = form["assume"], form["day"], form["amount"]
    _ = request.state.speech.gettext
    errors: dict[str, str] = {}
    kind = assume if assume in get_args(Kind) else "nothing"
    on = int(day) if day.isdecimal() and int(day) <= DAYS else -1
    if kind == "purchase" and on < 0:
        errors["day"] = _("Give a whole number from 0 to 90.")
    minor = typed_minor(amount, digits) or 0
    sensible = 1 <= minor <= 10**9
    if kind == "purchase" and not sensible:
        errors["amount"] = _("Give an amount above zero.")
    usual = Assumption(kind=kind, day=max(on, 0), minor=minor if sensible else USUAL_MINOR)
    return usual, errors


def _not_found(request: Request, wished: str, known: str | None) -> dict[str, str]:
    if not wished or known is not None:
        return {}
    _ = request.state.speech.gettext
    return {"member": _("There is no member with this id. Shown is a sample member.")}
