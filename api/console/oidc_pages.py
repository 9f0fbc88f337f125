"""To the company's identity provider and back."""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from api.console.addresses import own_page, public_url
from api.console.cookies import drop_cookie, read_cookie, set_cookie
from api.console.letting_in import let_in
from api.console.oidc import WAY_SECONDS, NotVouched, OidcClient
from api.console.rendering import HEADERS, page
from api.problems import Refused
from api.services import Given

router = APIRouter()
_WAY = "milepost_way"
_BACK = "/console/oidc/back"


def _client(request: Request) -> OidcClient:
    client: OidcClient | None = request.app.state.oidc
    if client is None:
        raise Refused("no_such_path", "No identity provider is set up here.")
    return client


@router.get("/oidc")
async def to_provider(request: Request, services: Given, next: str = "") -> Response:
    try:
        back = public_url(request, services.sign_in) + _BACK
        to, carried = await _client(request).begin(back, own_page(next))
    except NotVouched as error:
        return page(request, "error.html", 502, kind="not_vouched", detail=error.detail)
    answer = RedirectResponse(to, status_code=303, headers=HEADERS)
    set_cookie(request, answer, _WAY, carried, WAY_SECONDS)
    return answer


@router.get("/oidc/back")
async def from_provider(request: Request, services: Given) -> Response:
    client = _client(request)
    try:
        carried = read_cookie(request, _WAY) or ""
        at = public_url(request, services.sign_in) + _BACK
        who, back = await client.finish(at, carried, request.query_params)
        person = await run_in_threadpool(
            lambda: services.people.welcome(email=who.email, name=who.name, role=who.role)
        )
        if not person.active:
            raise NotVouched(f"{person.email} was shut out by an admin.")
    except NotVouched as error:
        answer: Response = page(request, "error.html", 403, kind="not_vouched", detail=error.detail)
    else:
        answer = await let_in(request, services, person, "oidc", back)
    drop_cookie(request, answer, _WAY)
    return answer
