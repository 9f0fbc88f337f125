"""Refuses a body that is too large, or that no database could keep, before anything reads it."""

import asyncio
import re

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge import WITH_BODY, Limits
from api.problems import problem_response

# Read from the left, so that an escaped backslash is not taken for the beginning of an escape.
_WHOLE = re.compile(rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_BROKEN = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_BATCHES = "/v1/events"


class BodyGate:
    """Reads a body whole, within its limits, and hands it on: slow callers hold up nobody."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in WITH_BODY:
            await self._app(scope, receive, send)
            return
        batch = scope["path"] == _BATCHES
        most = self._limits.batch_bytes if batch else self._limits.body_bytes
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await _read(scope, receive, most)
        except TimeoutError:
            detail = f"The body did not come within {self._limits.body_seconds:g} seconds."
            await problem_response(Request(scope), "too_slow", detail)(scope, receive, send)
            return
        if body is None:
            detail = f"A body may have {most:,} bytes here."
            await problem_response(Request(scope), "too_large", detail)(scope, receive, send)
        elif _unkeepable(body):
            detail = "The body must be UTF-8, without NUL and without half a character in a text."
            await problem_response(Request(scope), "malformed", detail)(scope, receive, send)
        else:
            await self._app(scope, _again(body, receive), send)


async def _read(scope: Scope, receive: Receive, most: int) -> bytes | None:
    """The whole body; none when it is too large, whether it said so or not."""
    declared = Headers(scope=scope).get("content-length", "0")
    if not declared.isdecimal() or int(declared) > most:
        return None
    chunks: list[bytes] = []
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break  # the caller hung up: what is there will not be valid
        chunks.append(message.get("body", b""))
        length += len(chunks[-1])
        if length > most:
            return None
        more = message.get("more_body", False)
    return b"".join(chunks)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever the connection says."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _unkeepable(body: bytes) -> bool:
    """Whether a text in it is none: PostgreSQL keeps no NUL, and nobody keeps half a character.

    JSON parsers let both pass, and other encodings too, in which neither would be seen here.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        return True
    if b"\0" in body:
        return True
    return b"\\u" in body and bool(_BROKEN.search(_WHOLE.sub(b" ", body)))
