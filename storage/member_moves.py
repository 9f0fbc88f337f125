"""Mergers, gifts, erasures and corrections as rows, and the rows of others that they touch."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, func, insert, null, select, update

from loyalty.errors import Unknown
from loyalty.member_moves import Adjustment, MemberMove, MoveKind
from storage.batch import Batch
from storage.merged_rows import MERGED_INTO, take_over
from storage.rows import Shape
from storage.tables import (
    adjustments,
    consents,
    enrolments,
    inbox,
    member_moves,
    members,
    messages,
    refused_events,
    till_holds,
    unsubscribe_links,
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


class SqlMemberMoves:
    """The MemberMoves port on one batch; members are locked before."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._connection = batch.direct

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

    def take_over(self, member_id: str, into: str, twice: Collection[str]) -> None:
        """Give one member's rows to another, and add their counters up (rule 18)."""
        take_over(self._batch.connection, member_id, into, twice)
        self._batch.cards.forget()
        self._batch.waits.forget()

    def forget(self, member_id: str) -> None:
        """Clear what says who a member was; ids, figures and the ledger stay (rule 19)."""
        run = self._connection.execute
        known = [member_id, *run(MERGED_INTO, {"member": member_id}).scalars()]
        for table in (consents, unsubscribe_links):
            run(delete(table).where(table.c.member_id.in_(known)))
        registration = {"body_hash": "", "answer": {}}
        run(update(members).where(members.c.id.in_(known)).values(registration))
        # A till asks by phone or card: whoever tries all numbers finds the one of a hash.
        held = till_holds.c.member_id.in_(known)
        run(update(till_holds).where(held).values(body_hash=""))
        mine = messages.c.member_id.in_(known)
        # One on its way ends here too: what its sender notes later would bring the text back.
        unsettled = messages.c.status.in_(("queued", "deferred", "sending", "unknown"))
        run(update(messages).where(mine, unsettled).values(status="dropped"))
        wiped = {"variables": {}, "subject": null(), "body": null(), "last_error": null()}
        run(update(messages).where(mine).values(wiped))
        run(delete(refused_events).where(refused_events.c.member_id.in_(known)))
        carried = enrolments.c.member_id.in_(known)
        run(update(enrolments).where(carried).values(remembered={}))
        said = select(inbox.c.seq, inbox.c.body).where(inbox.c.member_id.in_(known))
        for seq, body in run(said).all():
            if body.get("attributes"):
                # Who knows the rest of it could guess from the hash what is cleared here.
                kept = {"body": {**body, "attributes": {}}, "body_hash": ""}
                run(update(inbox).where(inbox.c.seq == seq).values(kept))

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
