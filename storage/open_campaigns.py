"""Campaigns that are open, read once for all the events of a batch: any of them may be a way in."""

from typing import Any

import orjson
from sqlalchemy import Connection

from loyalty.records import Campaign
from storage.bulk import instant
from storage.rows import Shape
from storage.selected import Loading, Query, load
from storage.tables import campaigns

_shape = Shape(Campaign, campaigns)
_SELECT = f"SELECT {', '.join(_shape.names)} FROM campaigns WHERE state {{ids}} ORDER BY id"
_OPEN = ("launched", "paused")
_INSTANTS = ("created_at", "launched_at", "ended_at", "wake_at")
_JSON = ("position", "last_outcome")


class OpenCampaigns:
    """Those launched or paused, as this transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._found: list[Campaign] | None = None

    def loading(self) -> Loading:
        if self._found is not None:
            return
        [rows] = yield [Query(_SELECT, _OPEN)]
        self._found = [_campaign(row) for row in rows]

    def all(self) -> list[Campaign]:
        if self._found is None:
            load(self._connection, self.loading())
        return self._found or []

    def forget(self) -> None:
        """Look again: one of them was changed."""
        self._found = None


def _campaign(row: Any) -> Campaign:
    values = dict(zip(_shape.names, row, strict=True))
    for name in _INSTANTS:
        if values[name] is not None:
            values[name] = instant(values[name])
    for name in _JSON:
        if isinstance(values[name], str):
            values[name] = orjson.loads(values[name])
    return Campaign(**values)
