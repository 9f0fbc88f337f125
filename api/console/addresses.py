"""Addresses of the console: which may be gone to, and how others reach us."""

from urllib.parse import SplitResult, quote, urlsplit

from fastapi import Request

from api.people import SignIn

HOME = "/console"
UNSUBSCRIBE = "/unsubscribe/"
"""Before the link's token; e-mails that were sent carry it for years."""


def parts_of(address: str) -> SplitResult:
    """An address that a browser, or anybody, sent; empty parts for what is none, such as `//[`."""
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", "", "", "", "")


def own_page(path: str) -> str:
    """Where to go next: a page of ours, never another site's."""
    parts = parts_of(path)
    ours = parts.path == HOME or parts.path.startswith(f"{HOME}/")
    if parts.scheme or parts.netloc or not ours or "\\" in path or not path.isprintable():
        return HOME
    return path


def public_url(request: Request, sign_in: SignIn) -> str:
    """How people reach us: as the settings say, else as this request did."""
    return (sign_in.public_url or str(request.base_url)).rstrip("/")


def here(request: Request) -> str:
    """The page that was asked for, to come back to."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def member_address(id: str) -> str:
    """A member's first page."""
    return f"{HOME}/members/{quote(id, safe='')}"


def link_address(base: str, token: str) -> str:
    """The address of a link that sets a password."""
    return f"{base.rstrip('/')}/console/link/{token}"
