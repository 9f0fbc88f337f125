"""An event that was understood and refused, as it is kept; `refused_events.py` replays it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from loyalty.events import EventId, Id

Kind = Literal["purchase", "refund", "event"]
DETAIL_MAX = 500
_ID: TypeAdapter[str] = TypeAdapter(Id)
_EVENT_ID: TypeAdapter[str] = TypeAdapter(EventId)


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """What came, and why it was refused the last time it came."""

    source: str
    event_id: str
    kind: Kind
    member_id: str | None
    body: Mapping[str, Any]
    code: str
    detail: str


def refused_event(kind: Kind, body: Any, code: str, detail: str) -> RefusedEvent | None:
    """The event worth keeping; none where nothing in it says which event it is."""
    if not isinstance(body, Mapping):
        return None
    try:
        source = _ID.validate_python(body.get("source"))
        event_id = _EVENT_ID.validate_python(body.get("id"))
    except ValidationError:
        return None
    try:
        member_id: str | None = _ID.validate_python(body.get("member_id"))
    except ValidationError:
        member_id = None
    return RefusedEvent(source, event_id, kind, member_id, body, code, detail[:DETAIL_MAX])
