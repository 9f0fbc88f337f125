"""Who may sign in: an admin's pages to let people in by a link, give roles and shut people out."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.console.addresses import link_address, public_url
from api.console.forms import Form, errors_of, form_of
from api.console.rendering import go, page
from api.console.sessions import person
from api.keys import Caller
from api.problems import Refused
from api.services import Given, Services
from loyalty.access import ROLES
from loyalty.errors import LoyaltyError, Unknown

router = APIRouter()
Admin = Annotated[Caller, person("manage_people")]


@router.get("/people")
def read_people(request: Request, services: Given, caller: Admin) -> Response:
    return page(request, "people.html", people=services.people.list(), links=services.sign_in.local)


@router.get("/people/invite")
def read_invite(request: Request, services: Given, caller: Admin) -> Response:
    _check_links(request, services)
    return _invite(request, services)


@router.post("/people/invite")
async def invite(request: Request, services: Given, caller: Admin) -> Response:
    _check_links(request, services)
    form = await form_of(request)

    def work() -> Response:
        given = {name: str(form.get(name, "")) for name in ("name", "email", "role")}
        try:
            made, token = services.people.invite(**given, actor=caller.actor)
        except LoyaltyError as error:
            return _invite(request, services, 422, form, errors_of(error))
        return _link(request, services, made.name, token)

    return await run_in_threadpool(work)


@router.get("/people/{id}")
def read_person(request: Request, id: str, services: Given, caller: Admin) -> Response:
    found = services.people.find(id)
    if found is None:
        raise Unknown("person", id)
    signed_in = services.sessions.of(id)
    return page(
        request, "person.html", found=found, signed_in=signed_in, roles=ROLES,
        links=services.sign_in.local,
    )  # fmt: skip


@router.post("/people/{id}/reset")
def reset(request: Request, id: str, services: Given, caller: Admin) -> Response:
    _check_links(request, services)
    token = services.people.reset(id, actor=caller.actor)
    found = services.people.find(id)
    return _link(request, services, found.name if found else id, token)


@router.post("/people/{id}/role")
async def change_role(request: Request, id: str, services: Given, caller: Admin) -> Response:
    form = await form_of(request)
    role = str(form.get("role", ""))
    changed = await run_in_threadpool(
        lambda: services.people.change_role(id, role, actor=caller.actor)
    )
    say = request.state.speech.gettext
    return go(request, _at(id), say("%(name)s has a new role.", name=changed.name))


@router.post("/people/{id}/disable")
def disable(request: Request, id: str, services: Given, caller: Admin) -> Response:
    changed = services.people.set_active(id, False, actor=caller.actor)
    said = request.state.speech.gettext(
        "%(name)s can no longer sign in, and is signed out everywhere.", name=changed.name
    )
    return go(request, _at(id), said)


@router.post("/people/{id}/enable")
def enable(request: Request, id: str, services: Given, caller: Admin) -> Response:
    changed = services.people.set_active(id, True, actor=caller.actor)
    say = request.state.speech.gettext
    return go(request, _at(id), say("%(name)s can sign in again.", name=changed.name))


@router.post("/people/{id}/sign-out")
def end_sessions(request: Request, id: str, services: Given, caller: Admin) -> Response:
    services.sessions.end_all(id, actor=caller.actor)
    return go(request, _at(id), request.state.speech.gettext("All sessions are ended."))


@router.post("/people/{id}/sessions/{session_id}/end")
def end_session(
    request: Request, id: str, session_id: str, services: Given, caller: Admin
) -> Response:
    services.sessions.end(session_id, actor=caller.actor)
    return go(request, _at(id), request.state.speech.gettext("The session is ended."))


def names(services: Services) -> dict[str, str]:
    """What people are called, by the id that stands on record."""
    return {each.id: each.name for each in services.people.list()}


def _at(id: str) -> str:
    return f"/console/people/{id}"


def _check_links(request: Request, services: Services) -> None:
    """A link sets a password: where those are switched off, none is made. Raises Refused."""
    if not services.sign_in.local:
        say = request.state.speech.gettext
        raise Refused(
            "wrong_state",
            say("Links are switched off here: everybody signs in with the company's account."),
        )


def _link(request: Request, services: Services, name: str, token: str) -> Response:
    """Shown once: whoever has the link sets the password."""
    address = link_address(public_url(request, services.sign_in), token)
    return page(request, "people_link.html", back="/console/people", name=name, address=address)


def _invite(
    request: Request,
    services: Services,
    status: int = 200,
    form: Form | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    return page(
        request, "people_invite.html", status, roles=ROLES, form=form or {}, errors=errors or {},
        provider=services.sign_in.provider,
    )  # fmt: skip
