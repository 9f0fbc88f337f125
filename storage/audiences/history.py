"""What members did, looked up for conditions: a handful of queries for a whole page of members."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, select

from loyalty.audiences.asked import Asked, History
from loyalty.programme import CHANNELS, PURPOSES, Programme
from storage.audiences.lines import has_line
from storage.audiences.where import COUNTS, KEPT
from storage.tables import consents, inbox

_PAGE = 500


def histories(
    connection: Connection,
    member_ids: Sequence[str],
    asked: Asked,
    programme: Programme,
    now: datetime,
) -> dict[str, History]:
    """The history of each of these members, as far as it is asked for."""
    found: dict[str, History] = {}
    for start in range(0, len(member_ids), _PAGE):
        ids = member_ids[start : start + _PAGE]
        found |= _Page(connection, ids, asked, programme, now).read()
    return found


class _Page:
    def __init__(
        self,
        connection: Connection,
        ids: Sequence[str],
        asked: Asked,
        programme: Programme,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._ids = ids
        self._asked = asked
        self._programme = programme
        self._now = now

    def read(self) -> dict[str, History]:
        spend: dict[str, dict[int, int]] = defaultdict(dict)
        categories: dict[str, dict[str, datetime]] = defaultdict(dict)
        stores: dict[str, dict[str, datetime]] = defaultdict(dict)
        names, keys = self._asked.names, self._asked.keys
        if "member.spend_within" in names:
            for days in self._asked.windows:
                for member, minor in self._spend(days):
                    spend[member][days] = int(minor)
        if "member.days_since_category" in names:
            dialect = self._connection.dialect.name
            for key in keys:
                for member, at in self._latest(has_line(dialect, key)):
                    categories[member][key] = at
        if "member.days_since_store" in names:
            for key in keys:
                for member, at in self._latest(inbox.c.store == key):
                    stores[member][key] = at
        may = self._consents() if "member.consents" in names else {}
        return {
            id: History(spend[id], categories[id], stores[id], may.get(id, ())) for id in self._ids
        }

    def _spend(self, days: int) -> Sequence[tuple[str, int]]:
        since = self._now - timedelta(days=days)
        query = select(inbox.c.member_id, func.sum(KEPT)).where(
            *self._theirs, inbox.c.occurred_at > since
        )
        return [(r[0], r[1]) for r in self._connection.execute(query.group_by(inbox.c.member_id))]

    def _latest(self, which: ColumnElement[bool]) -> Sequence[tuple[str, datetime]]:
        latest = func.max(inbox.c.occurred_at, type_=inbox.c.occurred_at.type)
        query = select(inbox.c.member_id, latest).where(*self._theirs, COUNTS, which)
        return [(r[0], r[1]) for r in self._connection.execute(query.group_by(inbox.c.member_id))]

    @property
    def _theirs(self) -> tuple[ColumnElement[bool], ...]:
        return inbox.c.member_id.in_(self._ids), inbox.c.type == "purchase"

    def _consents(self) -> dict[str, tuple[str, ...]]:
        """What the contact gate would let pass: what was said, else what is assumed."""
        contact = self._programme.contact
        assumed: dict[tuple[str, str], bool] = {
            (channel, purpose): contact.assumes(channel, purpose)
            for channel in CHANNELS
            for purpose in PURPOSES
        }
        said: dict[str, dict[tuple[str, str], bool]] = defaultdict(dict)
        query = select(
            consents.c.member_id, consents.c.channel, consents.c.purpose, consents.c.granted
        ).where(consents.c.member_id.in_(self._ids))
        for member, channel, purpose, granted in self._connection.execute(query):
            said[member][channel, purpose] = granted
        return {
            id: tuple(
                f"{channel}/{purpose}"
                for (channel, purpose), yes in {**assumed, **said[id]}.items()
                if yes
            )
            for id in self._ids
        }
