"""Keeps events that were refused, so that an operator can replay them once the cause is mended.

It stands around the routes that record and looks at their answers only: what was recorded costs
nothing. It keeps an event after its answer went out, and one that cannot be kept is logged.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from loyalty.ports import Store, Transaction
from loyalty.refused_event import Kind, RefusedEvent, refused_event
from loyalty.refused_events import keep

_KINDS: Mapping[str, Kind] = {
    "/v1/purchases": "purchase",
    "/v1/refunds": "refund",
    "/v1/events": "event",
}
_REFUSED = (400, 404, 409, 422)
_BATCH, _UNTROUBLED = b'{"recorded":', b'"refused":0,'
# Not of the event: how it was sent, or that the database was away.
_PASSING = frozenset({"malformed", "no_such_path", "busy", "unavailable", "internal"})
BODY_MAX = 65_536

log = structlog.stdlib.get_logger("milepost.api")


class RefusedEvents:
    """Looks at the answers of the three routes that record."""

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self._app = app
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = _KINDS.get(scope.get("path", ""))
        if scope["type"] != "http" or scope["method"] != "POST" or kind is None:
            await self._app(scope, receive, send)
            return
        sent: list[bytes] = []
        status, answer = 0, list[bytes]()

        async def listen() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                sent.append(message.get("body", b""))
            return message

        async def look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif status in _REFUSED or (status == 200 and kind == "event"):
                answer.append(message.get("body", b""))
            await send(message)

        await self._app(scope, listen, look)
        if status in _REFUSED or (answer and _troubled(answer[0])):
            await self._keep(kind, b"".join(sent), b"".join(answer))

    async def _keep(self, kind: Kind, sent: bytes, answer: bytes) -> None:
        try:
            found = list(_refused(kind, orjson.loads(sent), orjson.loads(answer)))
        except orjson.JSONDecodeError:
            return

        def work(tx: Transaction) -> None:
            for each in found:
                keep(tx, each)

        if not found:
            return
        try:
            await run_in_threadpool(self._store.run, work)
        except Exception as error:  # the caller has the answer: this must not change it
            log.warning("refused events not kept", events=len(found), error=type(error).__name__)


def _troubled(answer: bytes) -> bool:
    """Whether it is the answer to a batch, and not all of it was recorded."""
    start = answer[:200]
    return start.startswith(_BATCH) and _UNTROUBLED not in start


def _refused(kind: Kind, body: Any, answer: Any) -> Iterator[RefusedEvent]:
    """Each refused event of a request, alone or in a batch."""
    if not isinstance(body, dict) or not isinstance(answer, dict):
        return
    if "events" not in body or kind != "event":
        yield from _one(kind, body, answer)
        return
    events = body["events"]
    for result in answer.get("results", ()):
        problem, index = result.get("problem"), result.get("index", -1)
        if problem is not None and isinstance(events, list) and 0 <= index < len(events):
            yield from _one(kind, events[index], problem)


def _one(kind: Kind, event: Any, problem: Mapping[str, Any]) -> Iterator[RefusedEvent]:
    code = str(problem.get("code", "refused"))
    if code in _PASSING or not isinstance(event, dict) or len(orjson.dumps(event)) > BODY_MAX:
        return
    said = event.get("type")
    if kind == "event" and said in ("purchase", "refund"):
        kind = "purchase" if said == "purchase" else "refund"
        event = {name: value for name, value in event.items() if name != "type"}
    detail, errors = str(problem.get("detail", "")), problem.get("errors", ())
    found = refused_event(kind, event, code, detail, errors, problem.get("facts"))
    if found is not None:
        yield found
