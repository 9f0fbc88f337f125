"""Signing in and out with a local account, and the link that sets a password."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.console.addresses import HOME, own_page
from api.console.cookies import SESSION, drop_cookie
from api.console.forms import WHOLE, Form, errors_of, form_of
from api.console.letting_in import Tries, let_in
from api.console.passwords import Passwords
from api.console.rendering import go, page
from api.console.sessions import person
from api.keys import Caller
from api.services import Given, Services
from loyalty.errors import LoyaltyError
from loyalty.people import check_password

router = APIRouter()


@router.get("/sign-in")
def read_sign_in(request: Request, services: Given, next: str = HOME) -> Response:
    if request.state.caller is not None:
        return go(request, own_page(next))
    return _page(request, services, {"next": own_page(next)})


@router.post("/sign-in")
async def sign_in(request: Request, services: Given) -> Response:
    """Says the same, after the same work, for a wrong password and for an unknown address."""
    form = await form_of(request)
    email, password = str(form.get("email", "")).strip().lower(), str(form.get("password", ""))
    again = {"email": email, "next": own_page(str(form.get("next", HOME)))}
    say = request.state.speech.gettext
    if not services.sign_in.local:
        said = say("Sign in with your company's account: passwords are switched off here.")
        return _page(request, services, again, 403, said)
    tries: Tries = request.app.state.tries
    client = request.client.host if request.client else ""
    if seconds := await tries.allowed(email[:200], client):
        minutes = -(-seconds // 60)
        said = request.state.speech.ngettext(
            "Too many tries. Try again in %(num)s minute.",
            "Too many tries. Try again in %(num)s minutes.",
            minutes,
        )
        answer = _page(request, services, again, 429, said)
        answer.headers["Retry-After"] = str(seconds)
        return answer
    found = await run_in_threadpool(services.people.password_of, email)
    passwords: Passwords = request.app.state.passwords
    right = await passwords.matches(password, found[1] if found else None)
    if not (found and right and found[0].active):
        said = say("The e-mail address and the password do not belong together.")
        return _page(request, services, again, 401, said)
    await tries.forget(email)
    return await let_in(request, services, found[0], "password", again["next"])


def _page(
    request: Request, services: Services, form: Form, status: int = 200, said: str = ""
) -> Response:
    ways = services.sign_in
    errors = {WHOLE: said} if said else {}
    return page(
        request, "sign_in.html", status, form=form, errors=errors, local=ways.local,
        provider=ways.provider,
    )  # fmt: skip


@router.post("/sign-out")
def sign_out(request: Request, services: Given, caller: Annotated[Caller, person()]) -> Response:
    services.sessions.end(request.state.session.id, actor=caller.actor)
    answer = go(request, "/console/sign-in", request.state.speech.gettext("You are signed out."))
    drop_cookie(request, answer, SESSION)
    return answer


@router.get("/link/{token}")
def read_link(request: Request, token: str, services: Given) -> Response:
    found = services.people.link(token) if services.sign_in.local else None
    if found is None:
        return page(request, "link.html", 410, found=None, form={}, errors={})
    return page(request, "link.html", found=found[0], whose=found[1], form={}, errors={})


@router.post("/link/{token}")
async def use_link(request: Request, token: str, services: Given) -> Response:
    form = await form_of(request)
    local = services.sign_in.local
    found = await run_in_threadpool(services.people.link, token) if local else None
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
