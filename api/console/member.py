"""A member's pages: everything about one person, and what an operator may do for them."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.console.addresses import member_address
from api.console.adjustments import asked
from api.console.forms import WHOLE, Form, form_of
from api.console.marks import N_
from api.console.member_facts import LISTS, SECTIONS, Section, member_of, overview, section
from api.console.member_forms import details_in, refusals
from api.console.people import names
from api.console.rendering import go, page
from api.console.sessions import person
from api.console.why import OFFERED
from api.keys import Caller
from api.recording import MemberId
from api.routes.members import ConsentsBody
from api.routes.stop_list import StopListBody
from api.routes.tiers import TierBody
from api.services import Given, Services
from loyalty.adjustments import propose
from loyalty.errors import LoyaltyError
from loyalty.member_details import DetailsChange, change_details
from loyalty.ports import Transaction
from loyalty.tiers.by_hand import TierGiven, set_tier
from loyalty.wishes import consent, stop_list

router = APIRouter()
ERASED = N_("The member was erased: nothing about them is changed any more.")
Reader = Annotated[Caller, person("find")]


@router.get("/members/{id}")
def read_member(request: Request, id: MemberId, services: Given, caller: Reader) -> Response:
    """The overview; the old id of a merged member leads to who lives on."""
    member = member_of(services, id)
    if member["id"] != id:
        said = request.state.speech.gettext("Member %(old)s was merged into this one.", old=id)
        return go(request, member_address(member["id"]), said)
    return _overview(request, services, id)


@router.get("/members/{id}/{name}")
def read_section(
    request: Request, id: MemberId, name: Section, services: Given, caller: Reader
) -> Response:
    """One section, whole, page by page: the address says after which row each list goes on."""
    member = member_of(services, id)
    after = {each: key for each in LISTS[name] if (key := request.query_params.get(each))}
    shown = section(services, member["id"], name, request.state.speech.language, after)
    return page(
        request, "member_list.html", member=member, section=name, sections=SECTIONS,
        begun=bool(after), names=names(services), **shown,
    )  # fmt: skip


@router.post("/members/{id}/details")
async def change_member_details(
    request: Request,
    id: MemberId,
    services: Given,
    caller: Annotated[Caller, person("change_details")],
) -> Response:
    """Whatever was changed on the form; what stands there as it stood is left alone."""

    def act(form: Form, tx: Transaction) -> None:
        wished = details_in(form, tx.members.lock(id).tags)
        change_details(tx, id, DetailsChange.model_validate(wished), caller.actor)

    said = request.state.speech.gettext("The details are changed.")
    return await _act(request, services, id, "details", act, said)


@router.post("/members/{id}/consents")
async def change_consents(
    request: Request,
    id: MemberId,
    services: Given,
    caller: Annotated[Caller, person("set_consents")],
) -> Response:
    """One channel and purpose at a time, on or off."""

    def act(form: Form, tx: Transaction) -> None:
        channel, _, purpose = str(form.get("what", "")).partition(":")
        wished = {"channel": channel, "purpose": purpose, "granted": form.get("granted") == "true"}
        body = ConsentsBody.model_validate({"consents": [wished], "reason": form.get("reason", "")})
        consent(tx, id, body.consents, caller.actor, body.reason)

    said = request.state.speech.gettext("The consent is changed.")
    return await _act(request, services, id, "consents", act, said)


@router.post("/members/{id}/stop-list")
async def change_stop_list(
    request: Request, id: MemberId, services: Given, caller: Annotated[Caller, person("stop_list")]
) -> Response:
    def act(form: Form, tx: Transaction) -> None:
        wished = form.get("stop_listed") == "true"
        body = StopListBody.model_validate(
            {"stop_listed": wished, "reason": form.get("reason", "")}
        )
        stop_list(tx, id, body.stop_listed, caller.actor, body.reason)

    said = request.state.speech.gettext("The stop list is changed.")
    return await _act(request, services, id, "stop-list", act, said)


@router.post("/members/{id}/tier")
async def give_tier(
    request: Request, id: MemberId, services: Given, caller: Annotated[Caller, person("set_tier")]
) -> Response:
    """A place on the ladder by hand; levels that are paid for are sold elsewhere."""

    def act(form: Form, tx: Transaction) -> None:
        body = TierBody.model_validate(
            {"tier": form.get("tier", ""), "reason": form.get("reason", "")}
        )
        set_tier(tx, id, TierGiven(tier=body.tier), body.reason, caller.actor)

    said = request.state.speech.gettext("The tier is set.")
    return await _act(request, services, id, "tier", act, said)


@router.post("/members/{id}/adjustments")
async def propose_adjustment(
    request: Request, id: MemberId, services: Given, caller: Annotated[Caller, person("adjust")]
) -> Response:
    """Nothing is posted until somebody else approves it."""

    def act(form: Form, tx: Transaction) -> None:
        propose(tx, id, asked(form), caller.actor)

    said = request.state.speech.gettext(
        "The correction is proposed. Somebody else has to approve it."
    )
    return await _act(request, services, id, "adjustment", act, said)


async def _act(
    request: Request,
    services: Services,
    id: str,
    name: str,
    act: Callable[[Form, Transaction], None],
    said: str,
) -> Response:
    """Do it and go back to the page; what was refused is shown there, with all that was typed."""
    form = await form_of(request)

    def work() -> Response:
        try:
            services.store.run(lambda tx: act(form, tx))
        except (LoyaltyError, ValidationError) as error:
            errors = refusals(name, error, request.state.speech)
            if member_of(services, id)["status"] == "erased":
                # Whatever was wrong besides: no form is there any more to mend it in.
                errors = {WHOLE: request.state.speech.gettext(ERASED)}
            return _overview(
                request, services, id, 422, form={name: form}, errors=errors, opened=name
            )
        return go(request, member_address(id), said)

    return await run_in_threadpool(work)


def _overview(
    request: Request,
    services: Services,
    id: str,
    status: int = 200,
    *,
    form: Form | None = None,
    errors: dict[str, str] | None = None,
    opened: str = "",
) -> Response:
    member = member_of(services, id)
    return page(
        request, "member.html", status, back=member_address(id),
        member=member, section="overview", sections=SECTIONS, names=names(services),
        form=form or {}, errors=errors or {}, opened=opened, new_id=services.new_id(),
        tiers=services.programme.tiers.names, metric=services.programme.tiers.metric,
        campaigns=services.reads.campaigns(state=None, after="", limit=OFFERED),
        **overview(services, member["id"], request.state.speech.language),
    )  # fmt: skip
