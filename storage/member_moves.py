"""Mergers, gifts, erasures and corrections as rows, and the rows of others that they touch."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, null, select, update
from sqlalchemy.dialects import postgresql, sqlite

from loyalty.errors import Unknown
from loyalty.member_moves import Adjustment, MemberMove, MoveKind
from storage.rows import Shape
from storage.tables import (
    adjustments,
    claim_counts,
    consents,
    earning_counters,
    inbox,
    member_moves,
    members,
    messages,
)

_move = Shape(MemberMove, member_moves)
_adjustment = Shape(Adjustment, adjustments)
_SETTLED = (
    "status",
    "approved_by",
    "approved_at",
    "declined_by",
    "declined_at",
    "decline_reason",
)
_SUMMED: tuple[Table, ...] = (earning_counters, claim_counts)
_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class SqlMemberMoves:
    """The MemberMoves port on one transaction's connection; members are locked before."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, kind: MoveKind, id: str) -> MemberMove | None:
        where = (member_moves.c.kind == kind) & (member_moves.c.id == id)
        row = self._connection.execute(select(*_move.columns).where(where)).one_or_none()
        return MemberMove(*row) if row else None

    def add(self, move: MemberMove) -> None:
        values = _move.values(move) | {"answer": dict(move.answer)}
        self._connection.execute(insert(member_moves), values)

    def gifted(self, member_id: str, since: datetime) -> tuple[int, int]:
        """Points given away and received since an instant, by gifts alone."""
        return self._sum("member_id", member_id, since), self._sum("other_id", member_id, since)

    def _sum(self, side: str, member_id: str, since: datetime) -> int:
        m = member_moves.c
        query = select(func.sum(m.points)).where(
            member_moves.c[side] == member_id, m.kind == "gift", m.at >= since
        )
        return int(self._connection.execute(query).scalar_one() or 0)

    def take_over(self, member_id: str, into: str) -> None:
        """Add one member's counters of caps and limits to another's (rule 18)."""
        for table in _SUMMED:
            rows = self._connection.execute(select(table).where(table.c.member_id == member_id))
            moved = [dict(row._mapping) | {"member_id": into} for row in rows]
            if moved:
                self._connection.execute(self._adding(table), moved)

    def _adding(self, table: Table) -> Any:
        keys = [column.name for column in table.primary_key]
        statement = _INSERT[self._connection.dialect.name](table)
        sums = {
            column.name: column + statement.excluded[column.name]
            for column in table.columns
            if column.name not in keys
        }
        return statement.on_conflict_do_update(index_elements=keys, set_=sums)

    def forget(self, member_id: str) -> None:
        """Clear what says who a member was; ids, figures and the ledger stay (rule 19)."""
        run = self._connection.execute
        run(delete(consents).where(consents.c.member_id == member_id))
        registration = {"body_hash": "", "answer": {}}
        run(update(members).where(members.c.id == member_id).values(registration))
        mine = messages.c.member_id == member_id
        waiting = messages.c.status.in_(("queued", "deferred"))
        run(update(messages).where(mine, waiting).values(status="dropped"))
        wiped = {"variables": {}, "subject": null(), "body": null(), "last_error": null()}
        run(update(messages).where(mine).values(wiped))
        said = select(inbox.c.seq, inbox.c.body).where(inbox.c.member_id == member_id)
        for seq, body in run(said).all():
            if body.get("attributes"):
                kept = {**body, "attributes": {}}
                run(update(inbox).where(inbox.c.seq == seq).values(body=kept))

    def adjustment(self, id: str) -> Adjustment | None:
        query = select(*_adjustment.columns).where(adjustments.c.id == id)
        row = self._connection.execute(query).one_or_none()
        return Adjustment(*row) if row else None

    def lock_adjustment(self, id: str) -> Adjustment:
        """The proposal, locked; raises Unknown."""
        query = select(*_adjustment.columns).where(adjustments.c.id == id).with_for_update()
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise Unknown("adjustment", id)
        return Adjustment(*row)

    def propose(self, adjustment: Adjustment) -> None:
        self._connection.execute(insert(adjustments), _adjustment.values(adjustment))

    def settle_adjustment(self, adjustment: Adjustment) -> None:
        values = _adjustment.values(adjustment)
        settled = {name: values[name] for name in _SETTLED}
        where = adjustments.c.id == adjustment.id
        self._connection.execute(update(adjustments).where(where).values(settled))
