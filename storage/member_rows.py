"""Members' rows in one transaction: locked, read once, written once."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import orjson
from sqlalchemy import Connection

from loyalty.members import Member
from storage.bulk import BulkUpdate, Row, instant
from storage.rows import Shape
from storage.selected import Loading, Query, load
from storage.tables import members
from storage.undo import Undo

SHAPE = Shape(Member, members)
_TAGS = SHAPE.names.index("tags")
_STOPPED = SHAPE.names.index("stop_listed")
_INSTANTS = [
    SHAPE.names.index(name) for name in ("registered_at", "first_purchase_at", "last_purchase_at")
]
_SELECT = f"SELECT {', '.join(SHAPE.names)} FROM members WHERE id {{ids}} ORDER BY id"
# What intake changes with every receipt; anything else of a member changes seldom.
_COUNTED = ("first_purchase_at", "last_purchase_at", "purchases", "spend_minor")
_OTHERS = tuple(name for name in SHAPE.names if name != "id")
_settled = attrgetter(*(name for name in _OTHERS if name not in _COUNTED))
_count = BulkUpdate(members, "id", _COUNTED)
_save = BulkUpdate(members, "id", _OTHERS)


class MemberRows:
    """Members that are locked by this transaction."""

    def __init__(self, connection: Connection, undo: Undo) -> None:
        self._connection = connection
        self._undo = undo
        self._members: dict[str, Member | None] = {}
        self._stored: dict[str, Member] = {}
        self._changed: dict[str, bool] = {}

    def loading(self, member_ids: Iterable[str]) -> Loading:
        """Lock these members in the order of their ids; those who are not there are known too."""
        wanted = sorted(set(member_ids) - self._members.keys())
        if not wanted:
            return
        [rows] = yield [Query(_SELECT, wanted, lock=True)]
        self._members.update(dict.fromkeys(wanted))
        for row in rows:
            member = _member(row)
            self._members[member.id] = self._stored[member.id] = member

    @property
    def members(self) -> Iterable[str]:
        """Who is locked, or known not to be there."""
        return self._members

    def forget_but(self, kept: set[str]) -> None:
        """Look again at everybody else."""
        for member in self._members.keys() - kept:
            del self._members[member]
            self._stored.pop(member, None)

    def known(self, member_id: str) -> Member | None:
        """The member as this transaction sees it, if it looked."""
        return self._members.get(member_id)

    def locked(self, member_id: str) -> Member | None:
        if self._members.get(member_id) is None:
            # Asked again even if it was not there before: it may have registered meanwhile.
            self._members.pop(member_id, None)
            load(self._connection, self.loading([member_id]))
        return self._members[member_id]

    def save(self, member: Member) -> None:
        self._undo.put(self._members, member.id, member)
        self._undo.put(self._changed, member.id, True)

    @property
    def dirty(self) -> bool:
        return bool(self._changed)

    @property
    def marks_dirty(self) -> bool:
        """Whether more waits to be written than receipts change: perhaps a card or a phone."""
        return any(self._known_by_more(id) for id in self._changed)

    def _known_by_more(self, id: str) -> bool:
        now, before = self._members[id], self._stored.get(id)
        return now is not None and (before is None or _settled(now) != _settled(before))

    def flush(self) -> None:
        counted: list[Row] = []
        # In a merger the card changes hands: it is given up before somebody else has it.
        without_card: list[Row] = []
        with_card: list[Row] = []
        for id in sorted(self._changed):
            now, before = self._members[id], self._stored.get(id)
            if now is None or now == before:
                continue
            values = SHAPE.values(now) | {"tags": list(now.tags)}
            if not self._known_by_more(id):
                counted.append((id, *(values[name] for name in _COUNTED)))
            else:
                others = with_card if now.card_no else without_card
                others.append((id, *(values[name] for name in _OTHERS)))
            self._stored[id] = now
        self._changed.clear()
        _count(self._connection, counted)
        _save(self._connection, without_card)
        _save(self._connection, with_card)

    def forget(self) -> None:
        """Look again: what is known here was taken back."""
        self._members.clear()
        self._stored.clear()
        self._changed.clear()


def _member(row: Any) -> Member:
    values = list(row)
    tags = values[_TAGS]
    values[_TAGS] = tuple(orjson.loads(tags) if isinstance(tags, str) else tags)
    values[_STOPPED] = bool(values[_STOPPED])
    for at in _INSTANTS:
        if values[at] is not None:
            values[at] = instant(values[at])
    return Member(*values)
