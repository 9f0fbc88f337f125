"""Rows by a list of keys, in one statement of a fixed text on either database."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection


def selected(
    connection: Connection, query: str, ids: Sequence[Any], *, lock: bool = False
) -> Sequence[Any]:
    """The rows of `query`, in which `{ids}` stands for "is one of these".

    `lock` locks them until the transaction ends, in the query's own order; SQLite has one writer.
    """
    if connection.dialect.name == "sqlite":
        text = query.format(ids="IN (SELECT value FROM json_each(?))")
        return connection.exec_driver_sql(text, (json.dumps(ids),)).all()
    text = query.format(ids="= ANY(%s)") + (" FOR UPDATE" if lock else "")
    return connection.exec_driver_sql(text, (list(ids),)).all()
