"""The page behind the link in a member's e-mails: no account, no session, one button.

Looking changes nothing, because programs that check mail follow every link. The button's request
does it at once, and so does the mail program's own (RFC 8058), which sends it from elsewhere and
wants no redirection. Source: rule 20.
"""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.console.addresses import UNSUBSCRIBE
from api.console.language import speech_in
from api.console.letting_in import Tries
from api.console.rendering import page
from api.services import Given, Services
from loyalty.wishes import Subscription, subscription, unsubscribe

router = APIRouter()
_ADDRESS = f"{UNSUBSCRIBE}{{token:path}}"  # whatever stands there: this page says it


@router.api_route(_ADDRESS, methods=["GET", "HEAD"])
async def ask(request: Request, token: str, services: Given) -> Response:
    return await _answer(request, token, services, change=False)


@router.post(_ADDRESS)
async def refuse(request: Request, token: str, services: Given) -> Response:
    """Whatever the body says: mail programs and our own button send different ones."""
    return await _answer(request, token, services, change=True)


async def _answer(request: Request, token: str, services: Services, *, change: bool) -> Response:
    """Who guesses links is stopped after a while; whoever has one is let through."""
    tries: Tries = request.app.state.tries
    client = request.client.host if request.client else ""
    if seconds := await tries.guessed_too_often(client):
        answer = _page(request, services, "busy", 429, minutes=-(-seconds // 60))
        answer.headers["Retry-After"] = str(seconds)
        return answer
    found = await run_in_threadpool(_work, token, services, change)
    if found is None:
        await tries.guessed(client)
        return _page(request, services, "unknown", 404)
    request.state.speech = speech_in("zh" if found.locale == "zh" else "en")
    return _page(request, services, "done" if found.refused else "ask")


def _work(token: str, services: Services, change: bool) -> Subscription | None:
    found = services.store.read(lambda tx: subscription(tx, token))
    if found is None or found.refused or not change:
        return found
    return services.store.run(lambda tx: unsubscribe(tx, token))


def _page(
    request: Request, services: Services, kind: str, status: int = 200, minutes: int = 0
) -> Response:
    return page(
        request, "unsubscribe.html", status,
        kind=kind, minutes=minutes, programme=services.programme.name,
    )  # fmt: skip
