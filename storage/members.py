"""Members' rows: who takes part, what rules may know of them, what they agreed to be told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select

from loyalty.audiences.asked import Asked, History
from loyalty.audiences.preview import AudienceSize
from loyalty.errors import Unknown
from loyalty.members import ConsentSource, Mark, Member
from loyalty.programme import Programme
from storage import tables
from storage.audiences.counting import Counting
from storage.audiences.history import histories
from storage.batch import Batch
from storage.member_page import COLUMNS, SHAPE, member_of_row
from storage.rows import Upsert
from storage.unsubscribe_links import member_behind

_table = tables.members

_GET = select(*COLUMNS).where(_table.c.id == bindparam("member"))
_STORED = select(_table.c.body_hash, _table.c.answer).where(_table.c.id == bindparam("member"))
_ADD = insert(_table)
_PAGE = (
    select(*COLUMNS)
    .where(_table.c.id > bindparam("after"), _table.c.status == "active")
    .order_by(_table.c.id)
    .limit(bindparam("most"))
)
_FOUND = {
    mark: select(_table.c.id)
    .where(_table.c[mark] == bindparam("value"), _table.c.status == "active")
    .order_by(_table.c.id)
    .limit(2)
    for mark in ("card_no", "phone_digits")
}
_CONSENT = Upsert(tables.consents)


class SqlMembers:
    def __init__(self, batch: Batch, now: datetime, programme: Programme) -> None:
        self._batch = batch
        self._connection = batch.direct
        self._now = now
        self._programme = programme

    def get(self, member_id: str) -> Member | None:
        """The member; for one who was merged, the one who lives on."""
        member = self._batch.people.known(member_id)
        if member is None:
            row = self._connection.execute(_GET, {"member": member_id}).one_or_none()
            member = member_of_row(row) if row else None
        return self.get(member.merged_into) if member and member.merged_into else member

    def lock(self, member_id: str) -> Member:
        """The member, locked first of all rows; raises Unknown.

        For one who was merged, the one who lives on: who buys with an old card buys as that member.
        """
        member = self._batch.people.locked(member_id)
        if member is None:
            raise Unknown("member", member_id)
        return self.lock(member.merged_into) if member.merged_into else member

    def add(self, member: Member, body_hash: str, answer: Mapping[str, Any]) -> None:
        registration = {"body_hash": body_hash, "answer": dict(answer)}
        self._connection.execute(_ADD, _values(member) | registration)

    def stored(self, member_id: str) -> tuple[str, Mapping[str, Any]] | None:
        """Body hash and first answer of a registration, for repeats."""
        row = self._connection.execute(_STORED, {"member": member_id}).one_or_none()
        return (row[0], row[1]) if row else None

    def found_by(self, mark: Mark, value: str) -> Sequence[str]:
        """Ids of active members with this card or phone; two are enough to know it is not one."""
        if self._batch.people.marks_dirty:
            self._batch.flush()  # a card may have just changed hands
        return self._connection.execute(_FOUND[mark], {"value": value}).scalars().all()

    def save(self, member: Member) -> None:
        self._batch.people.save(member)

    def page(self, after: str, limit: int) -> Sequence[Member]:
        """Active members by id, for audiences."""
        rows = self._batch.connection.execute(_PAGE, {"after": after, "most": limit})
        return [member_of_row(row) for row in rows]

    def history(self, member_ids: Sequence[str], asked: Asked) -> Mapping[str, History]:
        """What these members did, as far as conditions ask for it."""
        return histories(self._batch.connection, member_ids, asked, self._programme, self._now)

    def audience_size(self, condition: str | None) -> AudienceSize:
        """Active members who fit a condition now: how many, ten of them, by channel reached."""
        return Counting(self._batch.connection, self._programme, self._now).size(condition)

    def set_consent(
        self, member_id: str, channel: str, purpose: str, granted: bool, source: ConsentSource
    ) -> None:
        """What the member last said about one channel and purpose; it stands until changed."""
        row = {"member_id": member_id, "channel": channel, "purpose": purpose}
        said = {"granted": granted, "at": self._now, "source": source}
        _CONSENT(self._connection, {**row, **said})

    def behind_link(self, token: str) -> Member | None:
        """Whose e-mails carry this link to unsubscribe; none for one that leads nowhere."""
        member_id = member_behind(self._connection, token)
        return self.get(member_id) if member_id else None


def _values(member: Member) -> dict[str, Any]:
    return SHAPE.values(member) | {"tags": list(member.tags)}
