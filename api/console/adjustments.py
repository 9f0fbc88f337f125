"""Corrections: one person proposes, another looks at the effect and decides."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.console.cookies import notice
from api.console.forms import Form, errors_of, form_of, whole
from api.console.people import names
from api.console.rendering import go, page
from api.console.sessions import person
from api.keys import Caller
from api.routes.adjustments import effect_on, to_check
from api.routes.messages import ReasonBody
from api.services import Given, Services
from loyalty import adjustments
from loyalty.errors import LoyaltyError, Unknown
from loyalty.member_moves import AdjustmentStatus
from loyalty.ports import Transaction

router = APIRouter()
Corrector = Annotated[Caller, person("adjust")]
ROWS = 50
STATES: tuple[AdjustmentStatus, ...] = ("proposed", "approved", "declined")


@router.get("/adjustments")
def read_adjustments(
    request: Request, services: Given, caller: Corrector, state: str = "", after: str = ""
) -> Response:
    status: AdjustmentStatus | None = state if state in STATES else None
    rows = services.reads.adjustments(status=status, after=after[:128], limit=ROWS)
    later = None
    if len(rows) == ROWS:
        later = "?" + urlencode({"state": state, "after": rows[-1]["id"]})
    return page(request, "adjustments.html", rows=rows, state=state, states=STATES, later=later)


@router.get("/adjustments/new")
def read_new(request: Request, services: Given, caller: Corrector, member_id: str = "") -> Response:
    return _new(request, services, {"member_id": member_id})


@router.post("/adjustments/new")
async def propose(request: Request, services: Given, caller: Corrector) -> Response:
    """First shows what it would do; sent again from there it is proposed."""
    form = await form_of(request)

    def work() -> Response:
        member_id = str(form.get("member_id", "")).strip()
        try:
            proposal = asked(form)
            if services.reads.member_view(member_id) is None:
                raise Unknown("member", member_id)
            if form.get("step") != "propose":
                shown = effect_on(services, member_id, proposal.points)
                return _new(request, services, form, effect=shown, points=proposal.points)
            services.store.run(
                lambda tx: adjustments.propose(tx, member_id, proposal, caller.actor)
            )
        except Unknown as error:
            return _new(request, services, form, 422, {"member_id": error.detail})
        except (ValidationError, LoyaltyError) as error:
            return _new(request, services, form, 422, errors_of(error))
        told = request.state.speech.gettext("Proposed. Another person has to approve it.")
        return go(request, f"/console/adjustments/{proposal.id}", told)

    return await run_in_threadpool(work)


def asked(form: Form) -> adjustments.Proposal:
    """What was typed, as a proposal. Raises ValidationError."""
    points = whole(form.get("points", ""))
    return adjustments.Proposal.model_validate(
        {"id": form.get("id", ""), "points": points, "reason": form.get("reason", "")}
    )


def _new(
    request: Request,
    services: Services,
    form: Form,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    given = {"effect": None, "points": None} | more
    return page(
        request, "adjustment_new.html", status, form=form, errors=dict(errors or {}),
        id=form.get("id") or services.new_id(), **given,
    )  # fmt: skip


@router.get("/adjustments/{id}")
def read_adjustment(request: Request, id: str, services: Given, caller: Corrector) -> Response:
    found = to_check(services, id)
    return page(
        request, "adjustment.html", found=found, effect=found.get("effect"),
        own=found["proposed_by"] == caller.actor, names=names(services),
    )  # fmt: skip


@router.post("/adjustments/{id}/approve")
async def approve(request: Request, id: str, services: Given, caller: Corrector) -> Response:
    told = request.state.speech.gettext("Approved: the points are posted.")
    return await _decide(
        request, services, id, lambda tx: adjustments.approve(tx, id, caller.actor), told
    )


@router.post("/adjustments/{id}/decline")
async def decline(request: Request, id: str, services: Given, caller: Corrector) -> Response:
    form = await form_of(request)
    say = request.state.speech.gettext
    try:
        reason = ReasonBody(reason=str(form.get("reason", ""))).reason
    except ValidationError:
        answer = go(request, f"/console/adjustments/{id}")
        notice(request, answer, say("Give a reason to decline it."), "bad")
        return answer
    return await _decide(
        request,
        services,
        id,
        lambda tx: adjustments.decline(tx, id, reason, caller.actor),
        say("Declined: no point moves."),
    )


async def _decide(
    request: Request,
    services: Services,
    id: str,
    work: Callable[[Transaction], dict[str, Any]],
    told: str,
) -> Response:
    """On to the page that shows what became of it; what was refused is said by the error page."""
    await run_in_threadpool(services.store.run, work)
    return go(request, f"/console/adjustments/{id}", told)
