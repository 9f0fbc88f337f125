"""The console's cookies: all HttpOnly and SameSite=Lax, and bound to the host over https."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Literal
from urllib.parse import urlsplit

from fastapi import Request, Response

from api.services import Services

SESSION = "milepost_session"
NOTICE = "milepost_notice"
Kind = Literal["good", "bad"]
_NOTICE_LONGEST = 500


def over_https(request: Request) -> bool:
    """How the browser reached us: the settings know where a proxy is not believed, or says nothing.

    Then it asks us over http, and only the public address tells.
    """
    services: Services = request.app.state.services
    return "https" in (request.url.scheme, urlsplit(services.sign_in.public_url or "").scheme)


def _name(request: Request, name: str) -> str:
    """A browser takes a `__Host-` cookie only over https, from the host itself, for all paths."""
    return f"__Host-{name}" if over_https(request) else name


def read_cookie(request: Request, name: str) -> str | None:
    return request.cookies.get(_name(request, name))


def set_cookie(
    request: Request, response: Response, name: str, value: str, seconds: int | None = None
) -> None:
    """Without `seconds` the browser forgets it when it closes."""
    response.set_cookie(
        _name(request, name),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=over_https(request),
    )


def drop_cookie(request: Request, response: Response, name: str) -> None:
    set_cookie(request, response, name, "", 0)


def notice(request: Request, response: Response, text: str, kind: Kind = "good") -> None:
    """A sentence that the next page shows once: what was done."""
    packed = urlsafe_b64encode(f"{kind}:{text[:_NOTICE_LONGEST]}".encode()).decode()
    set_cookie(request, response, NOTICE, packed, 60)


def read_notice(request: Request) -> tuple[Kind, str] | None:
    """The sentence the page before left, if any."""
    packed = read_cookie(request, NOTICE)
    if not packed:
        return None
    try:
        kind, _, text = urlsafe_b64decode(packed).decode().partition(":")
    except (Error, ValueError):
        return None
    return ("bad" if kind == "bad" else "good", text) if text else None
