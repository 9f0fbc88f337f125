"""Signing in and out with a local account, and the link that sets a password."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.console.cookies import SESSION, drop_cookie, set_cookie
from api.console.forms import WHOLE, errors_of, form_of
from api.console.passwords import Passwords
from api.console.rendering import go, page
from api.console.sessions import person
from api.keys import Caller
from api.services import Given, Services
from loyalty.errors import LoyaltyError
from loyalty.people import How, Person, check_password

router = APIRouter()
HOME = "/console"


def own_page(path: str) -> str:
    """Where to go after signing in: a page of ours, never another site's."""
    parts = urlsplit(path)
    ours = parts.path == HOME or parts.path.startswith(f"{HOME}/")
    if parts.scheme or parts.netloc or not ours or "\\" in path or not path.isprintable():
        return HOME
    return path


async def let_in(
    request: Request, services: Services, who: Person, how: How, back: str
) -> Response:
    """Open a session in this browser and go where the person wanted to."""
    token = await run_in_threadpool(services.sessions.open, who.id, how)
    answer = go(request, own_page(back))
    set_cookie(request, answer, SESSION, token)
    return answer


@router.get("/sign-in")
def read_sign_in(request: Request, next: str = HOME) -> Response:
    if request.state.caller is not None:
        return go(request, own_page(next))
    return page(request, "sign_in.html", form={"next": own_page(next)}, errors={})


@router.post("/sign-in")
async def sign_in(request: Request, services: Given) -> Response:
    form = await form_of(request)
    email, password = str(form.get("email", "")), str(form.get("password", ""))
    found = await run_in_threadpool(services.people.password_of, email.strip().lower())
    passwords: Passwords = request.app.state.passwords
    right = await passwords.matches(password, found[1] if found else None)
    if not (found and right and found[0].active):
        said = request.state.speech.gettext(
            "The e-mail address and the password do not belong together."
        )
        again = {"email": email, "next": form.get("next", HOME)}
        return page(request, "sign_in.html", 401, form=again, errors={WHOLE: said})
    return await let_in(request, services, found[0], "password", str(form.get("next", HOME)))


@router.post("/sign-out")
def sign_out(request: Request, services: Given, caller: Annotated[Caller, person()]) -> Response:
    services.sessions.end(request.state.session.id, actor=caller.actor)
    answer = go(request, "/console/sign-in", request.state.speech.gettext("You are signed out."))
    drop_cookie(request, answer, SESSION)
    return answer


@router.get("/link/{token}")
def read_link(request: Request, token: str, services: Given) -> Response:
    found = services.people.link(token)
    if found is None:
        return page(request, "link.html", 410, found=None, form={}, errors={})
    return page(request, "link.html", found=found[0], whose=found[1], form={}, errors={})


@router.post("/link/{token}")
async def use_link(request: Request, token: str, services: Given) -> Response:
    form = await form_of(request)
    found = await run_in_threadpool(services.people.link, token)
    if found is None:
        return page(request, "link.html", 410, found=None, form={}, errors={})
    link, whose = found
    given = {key: str(form.get(key, "")) for key in ("name", "email")} if whose is None else {}
    password = str(form.get("password", ""))
    passwords: Passwords = request.app.state.passwords
    try:
        check_password(password, email=whose.email if whose else given["email"].strip().lower())
        hash = await passwords.hash(password)
        who = await run_in_threadpool(services.people.use_link, token, hash, **given)
    except LoyaltyError as error:
        return page(
            request, "link.html", 422, found=link, whose=whose, form=given, errors=errors_of(error)
        )
    return await let_in(request, services, who, "password", HOME)
