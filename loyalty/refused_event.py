"""An event that was understood and refused, as it is kept; `refused_events.py` replays it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from loyalty.events import EventId, Id

Kind = Literal["purchase", "refund", "event"]
DETAIL_MAX = 500
ERRORS_MAX = 20
"""Fields shown of one event: whoever mends those sees the rest when it is sent again."""
FIELD_MAX = 200
_ID: TypeAdapter[str] = TypeAdapter(Id)
_EVENT_ID: TypeAdapter[str] = TypeAdapter(EventId)


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """What came, and why it was refused the last time it came.

    `errors` names each field that was wrong, its code and why, and `facts` the ids, as they were
    answered; neither holds a value that was sent in a field that is wrong.
    """

    source: str
    event_id: str
    kind: Kind
    member_id: str | None
    body: Mapping[str, Any]
    code: str
    detail: str
    errors: Sequence[Mapping[str, Any]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def refused_event(
    kind: Kind,
    body: Any,
    code: str,
    detail: str,
    errors: Sequence[Mapping[str, Any]] = (),
    facts: Mapping[str, Any] | None = None,
) -> RefusedEvent | None:
    """The event worth keeping; none where nothing in it says which event it is."""
    if not isinstance(body, Mapping):
        return None
    try:
        source = _ID.validate_python(body.get("source"))
        event_id = _EVENT_ID.validate_python(body.get("id"))
    except ValidationError:
        return None
    return RefusedEvent(
        source=source,
        event_id=event_id,
        kind=kind,
        member_id=_said(_ID, body.get("member_id")),
        body=body,
        code=code,
        detail=detail[:DETAIL_MAX],
        errors=[_short(each) for each in errors[:ERRORS_MAX]],
        facts=facts or {},
    )


def refunded_purchase(event: RefusedEvent) -> tuple[str, str] | None:
    """Source and id of the purchase that a refused refund is about; none where it names none."""
    source = _said(_ID, event.body.get("purchase_source")) or event.source
    purchase_id = _said(_EVENT_ID, event.body.get("purchase_id"))
    return (source, purchase_id) if event.kind == "refund" and purchase_id else None


def _said(form: TypeAdapter[str], value: Any) -> str | None:
    try:
        return form.validate_python(value)
    except ValidationError:
        return None


def _short(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """A field that nobody knows may have a name as long as the body."""
    return {
        **error,
        "field": str(error["field"])[:FIELD_MAX],
        "message": str(error["message"])[:DETAIL_MAX],
    }
