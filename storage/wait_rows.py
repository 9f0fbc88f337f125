"""Which members have journeys that wait, and for what: most purchases meet none."""

from collections.abc import Iterable

from sqlalchemy import Connection

from storage.selected import Loading, Query

_SELECT = "SELECT DISTINCT member_id, event_type FROM waits WHERE member_id {ids}"


class WaitRows:
    """The open waits of members that were asked for."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waits: dict[str, set[str]] = {}

    def loading(self, member_ids: Iterable[str]) -> Loading:
        wanted = sorted(set(member_ids) - self._waits.keys())
        if not wanted:
            return
        [rows] = yield [Query(_SELECT, wanted)]
        for member_id in wanted:
            self._waits[member_id] = set()
        for member, event_type in rows:
            self._waits[member].add(event_type)

    def nobody_waits(self, member_id: str, event_type: str) -> bool:
        """True when it is known that none of the member's journeys waits for this."""
        known = self._waits.get(member_id)
        return known is not None and event_type not in known

    def forget(self) -> None:
        """Look again: a journey began or ended to wait."""
        self._waits.clear()
