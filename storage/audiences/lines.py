"""Receipts by what stands on them."""

from sqlalchemy import ColumnElement, exists, func, literal, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables import inbox


def has_line(dialect: str, category: str) -> ColumnElement[bool]:
    """Whether the recorded receipt has a line of that category."""
    if dialect == "postgresql":
        body = type_coerce(inbox.c.body, JSONB)
        return body.contains({"lines": [{"category": category}]})
    lines = func.json_each(inbox.c.body, "$.lines").table_valued("value", name="line")
    named = func.json_extract(lines.c.value, "$.category") == category
    return exists(select(literal(1)).select_from(lines).where(named).correlate(inbox))
