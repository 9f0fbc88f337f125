"""What goes wrong, as a page: what happened in plain words, and what to do now."""

from collections.abc import Sequence
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from api.console.addresses import here, own_page, parts_of
from api.console.forms import FIELDS_MAX
from api.console.rendering import page
from api.console.words import said
from api.errors import RETRY_SECONDS, reason_of
from api.problem_kinds import KINDS
from api.problems import Refused
from loyalty.access import Role
from loyalty.errors import LoyaltyError, Unknown

log = structlog.stdlib.get_logger("milepost.console")


class SignInFirst(Exception):
    """Nobody is signed in: on to the sign-in page, and back afterwards."""


class WrongRole(Exception):
    """The page is for others; `needs` are their roles."""

    def __init__(self, needs: tuple[Role, ...]) -> None:
        super().__init__()
        self.needs = needs


def install(app: FastAPI, weather: tuple[type[Exception], ...]) -> None:
    """Give the console its handlers; `weather` are the errors that mean: try again later."""
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(WrongRole, _wrong_role)
    app.add_exception_handler(LoyaltyError, _refused_by_rule)
    app.add_exception_handler(Refused, _refused_by_http)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _from_http)
    app.add_exception_handler(Exception, _not_foreseen)
    for kind in weather:
        app.add_exception_handler(kind, not_now)


async def _sign_in_first(request: Request, error: Exception) -> Response:
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(status_code=401)  # a feed cannot follow to a page: it ends
    if "hx-request" in request.headers:  # only said: the page may hold what nobody has saved
        answer = page(request, "_signed_out.html", 401)
        answer.headers.update({"HX-Retarget": "#signed-out", "HX-Reswap": "innerHTML"})
        return answer
    to = "/console/sign-in"
    if request.method == "GET":
        return RedirectResponse(f"{to}?next={quote(here(request), safe='/')}", status_code=303)
    if not (fields := await _sent(request)):
        return RedirectResponse(to, status_code=303)
    return page(request, "signed_out.html", 401, action=here(request), fields=fields)


async def _sent(request: Request) -> Sequence[tuple[str, str]]:
    """What a form sent that nobody may send now, to be kept; nothing where it is none of ours."""
    try:
        sent = await request.form(max_files=0, max_fields=FIELDS_MAX)
    except HTTPException:
        return ()
    return [(name, value) for name, value in sent.multi_items() if isinstance(value, str)]


async def _wrong_role(request: Request, error: Exception) -> Response:
    assert isinstance(error, WrongRole)
    speech = request.state.speech
    named = [said(speech, "role", role) for role in error.needs]
    return _page(request, 403, "wrong_role", needs=named)


async def _refused_by_rule(request: Request, error: Exception) -> Response:
    assert isinstance(error, LoyaltyError)
    kind = KINDS.get(error.code, KINDS["refused"])
    if isinstance(error, Unknown) and request.method == "GET":
        return _page(request, kind.status, "not_found")
    return _page(request, kind.status, "refused", detail=error.detail)


async def _refused_by_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _page(request, KINDS[error.code].status, "refused", detail=error.detail)


async def _not_valid(request: Request, error: Exception) -> Response:
    return _page(request, 422, "not_found" if request.method == "GET" else "refused")


async def _from_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _page(request, error.status_code, "not_found")


async def _not_foreseen(request: Request, error: Exception) -> Response:
    return _page(request, 500, "broken")  # the edge logs it


async def not_now(request: Request, error: Exception) -> Response:
    """The database is away; nothing was changed."""
    log.warning("unavailable", error=type(error).__name__, reason=reason_of(error))
    answer = _page(request, 503, "unavailable")
    answer.headers["Retry-After"] = RETRY_SECONDS
    return answer


def forged(request: Request) -> Response:
    """Another site's page tried to act in somebody's name."""
    return _page(request, 403, "forged")


def _page(
    request: Request, status: int, kind: str, detail: str = "", needs: Sequence[str] = ()
) -> HTMLResponse:
    id = getattr(request.state, "request_id", "")
    # Nobody can go back to what a form was sent to: the form's own page is asked for again.
    sent_from = own_page(
        parts_of(request.headers.get("referer", ""))
        ._replace(scheme="", netloc="", fragment="")
        .geturl()
    )
    return page(
        request, "error.html", status, back=sent_from,
        kind=kind, detail=detail, needs=needs, request_id=id,
    )  # fmt: skip
