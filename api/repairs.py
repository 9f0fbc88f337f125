"""Pages of repair lists: their cursors, and narrowing what no database could narrow."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from api.reads import View
from loyalty.errors import invalid_field
from loyalty.events import Instant
from loyalty.repairs import Narrowed

_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


def narrowed_rows(rows: Sequence[View], narrowed: Narrowed) -> list[View]:
    """Of rows that no database could narrow, those of the part that is asked for."""
    wanted = {k: v for k, v in narrowed.model_dump().items() if v is not None}
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def cursor_of(row: View) -> str:
    return f"{row['at'].isoformat()} {row['target']}"


def read_cursor(text: str) -> tuple[datetime, str] | None:
    """The instant and target that a page ended with; none = the beginning. Raises Invalid."""
    if not text:
        return None
    at, _, target = text.partition(" ")
    try:
        if target:
            return _INSTANT.validate_python(at), target
    except ValidationError:
        pass
    raise invalid_field("after", "cursor", "is not `next` of a page")
