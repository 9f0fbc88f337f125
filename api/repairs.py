"""Pages of repair lists: their cursors, and narrowing what no database could narrow."""

from collections.abc import Sequence
from datetime import datetime

from api.reads import View
from loyalty.errors import Invalid
from loyalty.repairs import Narrowed


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
        instant = datetime.fromisoformat(at)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not target:
        problem = {"field": "after", "code": "cursor", "message": "is not `next` of a page"}
        raise Invalid("after is not `next` of a page.", [problem])
    return instant, target
