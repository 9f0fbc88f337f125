"""Corrections as people look at them: what waits for a second person, and what became of it."""

from sqlalchemy import Connection, func, select, tuple_

from storage.queries.pages import View, first, rows, without
from storage.tables import adjustments

_SHOWN = without(adjustments, "body_hash")


def adjustment(connection: Connection, id: str) -> View | None:
    return first(connection, select(*_SHOWN).where(adjustments.c.id == id))


def list_adjustments(
    connection: Connection, status: str | None, after: str, limit: int
) -> list[View]:
    """Newest first; `after` is the id of the last one seen."""
    a = adjustments.c
    query = select(*_SHOWN).order_by(a.proposed_at.desc(), a.id.desc()).limit(limit)
    if status is not None:
        query = query.where(a.status == status)
    if after:
        seen = select(a.proposed_at, a.id).where(a.id == after).subquery()
        query = query.where(tuple_(a.proposed_at, a.id) < select(seen).scalar_subquery())
    return rows(connection, query)


def count_proposed(connection: Connection) -> int:
    query = select(func.count()).where(adjustments.c.status == "proposed")
    return int(connection.execute(query).scalar_one())
