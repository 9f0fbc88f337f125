"""The outer edge of every request: its id, its limits, its headers, one log line and the metrics.

Nothing personal is logged or counted: the route's pattern stands for the path, the key's id for the
caller, and of an unexpected error only its type and where it happened.
"""

import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from fastapi import Request
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.console.addresses import HOME, UNSUBSCRIBE
from api.problems import problem_response

log = structlog.stdlib.get_logger("milepost.access")

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_PAGES = f"{HOME}/"
_FORMS = (_PAGES, UNSUBSCRIBE)  # are no JSON, and nothing else is read there
# Watching and reading about Milepost must work while it is busy.
_ALWAYS_OPEN = ("/healthz", "/readyz", "/metrics")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process takes on; more is told to come back later."""

    body_bytes: int = 1 << 20
    batch_bytes: int = 4 << 20
    body_seconds: float = 20.0
    requests_at_once: int = 200
    key_cache_seconds: float = 5.0


class Metrics:
    """What Prometheus sees of the HTTP side."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "route")
        self.requests = Counter(
            "milepost_http_requests", "Requests answered", (*labels, "status"), registry=registry
        )
        self.seconds = Histogram(
            "milepost_http_request_seconds", "Time to answer", labels, registry=registry
        )
        self.running = Gauge("milepost_http_running", "Requests being answered", registry=registry)


class Edge:
    """The outermost middleware."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, limits: Limits, new_id: Callable[[], str]
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._limits = limits
        self._new_id = new_id
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self._new_id)
        self._running += 1
        self._metrics.running.inc()
        try:
            refusal = self._refusal(scope)
            await (refusal or self._app)(scope, receive, exchange.send)
        except Exception as error:
            await exchange.failed(error, receive)
        finally:
            self._running -= 1
            self._metrics.running.dec()
            exchange.finish(self._metrics)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        """What can be refused by looking at the first lines alone."""
        request = Request(scope)
        full = self._running > self._limits.requests_at_once
        if full and not scope["path"].startswith(_ALWAYS_OPEN):
            detail = f"{self._limits.requests_at_once} requests are being answered already."
            return problem_response(request, "busy", detail, headers={"Retry-After": "1"})
        # PostgreSQL cannot hold NUL in text, and no id of ours has one.
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            return problem_response(request, "malformed", "The address holds a NUL character.")
        form = scope["path"].startswith(_FORMS)
        if scope["method"] in WITH_BODY and not form and not _is_json(Headers(scope=scope)):
            detail = "The body must be sent as `Content-Type: application/json`."
            return problem_response(request, "unsupported_media_type", detail)
        return None


def _is_json(headers: Headers) -> bool:
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return True
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _route(scope: Scope) -> str:
    """The whole pattern that the address fits; a page's router knows it without the prefix."""
    pattern: str | None = getattr(scope.get("route"), "path_format", None)
    if pattern is None:
        return "unmatched"
    path = scope["path"]
    return f"{HOME}{pattern}" if path == HOME or path.startswith(_PAGES) else pattern


class _Exchange:
    """One request on its way: what is sent back, and what is remembered of it."""

    def __init__(self, scope: Scope, send: Send, new_id: Callable[[], str]) -> None:
        self._scope = scope
        self._send = send
        self._status = 0
        self._started_at = time.perf_counter()
        given = Headers(scope=scope).get("x-request-id", "")
        self.id = given if _REQUEST_ID.match(given) else new_id()
        # A dictionary of the request's own: the server's would be shared between requests.
        scope["state"] = {**scope.get("state", {}), "request_id": self.id}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self.id
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def failed(self, error: Exception, receive: Receive) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
        log.error("failed", request_id=self.id, error=type(error).__name__, where=where)
        if self._status:
            return  # too late to say anything else
        answer = problem_response(
            Request(self._scope), "internal", "Something went wrong on our side."
        )
        await answer(self._scope, receive, self.send)

    def finish(self, metrics: Metrics) -> None:
        seconds = time.perf_counter() - self._started_at
        route = _route(self._scope)
        method = self._scope["method"] if self._scope["method"] in _METHODS else "OTHER"
        # Nothing sent: the caller hung up before there was an answer.
        status = self._status or 499
        metrics.requests.labels(method, route, status).inc()
        metrics.seconds.labels(method, route).observe(seconds)
        caller = self._scope["state"].get("caller")
        log.info(
            "request",
            request_id=self.id,
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            key=caller.actor if caller else None,
        )
