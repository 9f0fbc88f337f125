"""What goes along when two members become one: rows change hands, sums are added up (rule 18).

What was decided, posted and held stays under the old id: those are records of what happened.
"""

from collections.abc import Collection

from sqlalchemy import Connection, Table, bindparam, delete, select, update

from storage.rows import AddUp, InsertOnce, Upsert
from storage.tables import (
    adjustments,
    cards,
    claim_counts,
    claims,
    consents,
    coupons,
    earning_counters,
    enrolments,
    expiry_notices,
    inbox,
    member_moves,
    members,
    messages,
    refused_claims,
    tier_metric,
    waits,
)

_old = select(members.c.id).where(members.c.merged_into == bindparam("member"))
_names = _old.cte(recursive=True)
_names = _names.union(select(members.c.id).where(members.c.merged_into == _names.c.id))
MERGED_INTO = select(_names.c.id)
"""The ids that mean this `member` too, by mergers of mergers."""

_SUMMED = tuple((table, AddUp(table)) for table in (earning_counters, claim_counts))
# Acts too: tiers, goals and first purchases ask what the person did, with whichever card.
_HANDED: tuple[Table, ...] = (inbox, tier_metric, cards, coupons, messages, claims)
_agreed, _refused = InsertOnce(consents), Upsert(consents)
_told = Upsert(expiry_notices)
_tried = InsertOnce(refused_claims)


def take_over(connection: Connection, member_id: str, into: str, twice: Collection[str]) -> None:
    """Give one member's rows to another, but the journeys of `twice`; both are locked."""
    for table, add_up in _SUMMED:
        summed = select(table).where(table.c.member_id == member_id)
        for row in connection.execute(summed).mappings().all():
            add_up(connection, {**row, "member_id": into})
    for table in _HANDED:
        _hand(connection, table, member_id, into)
    _hand_consents(connection, member_id, into)
    _hand_notices(connection, member_id, into)
    _hand_refused(connection, member_id, into)
    gifts = member_moves.c.kind == "gift"
    for side in ("member_id", "other_id"):  # a limit a month is for the person, not for the card
        theirs = member_moves.c[side] == member_id
        connection.execute(update(member_moves).where(gifts, theirs).values({side: into}))
    # Corrections that wait for a second person are for who lives on; settled ones are records.
    waiting = (adjustments.c.member_id == member_id) & (adjustments.c.status == "proposed")
    connection.execute(update(adjustments).where(waiting).values(member_id=into))
    _hand_journeys(connection, member_id, into, twice)


def _hand_consents(connection: Connection, member_id: str, into: str) -> None:
    """What one card was told counts for the person, and a no counts more than a yes (rule 20)."""
    theirs = consents.c.member_id == member_id
    for row in connection.execute(select(consents).where(theirs)).mappings().all():
        say = _agreed if row["granted"] else _refused
        say(connection, {**row, "member_id": into})
    connection.execute(delete(consents).where(theirs))


def _hand_notices(connection: Connection, member_id: str, into: str) -> None:
    """The one person was told of both cards' points; of all of them when the later notice came."""
    theirs, own = (
        {row["expires_at"]: row for row in connection.execute(query).mappings()}
        for query in (
            select(expiry_notices).where(expiry_notices.c.member_id == id)
            for id in (member_id, into)
        )
    )
    for at, row in theirs.items():
        both = {**row, "member_id": into}
        if known := own.get(at):
            both["noticed_at"] = max(row["noticed_at"], known["noticed_at"])
            both |= {name: row[name] + known[name] for name in ("points", "undated", "times")}
        _told(connection, both)
    connection.execute(delete(expiry_notices).where(expiry_notices.c.member_id == member_id))


def _hand_refused(connection: Connection, member_id: str, into: str) -> None:
    """Claims that took nothing; of one offer and cause the survivor's own is kept."""
    theirs = refused_claims.c.member_id == member_id
    for row in connection.execute(select(refused_claims).where(theirs)).mappings().all():
        _tried(connection, {**row, "member_id": into})
    connection.execute(delete(refused_claims).where(theirs))


def _hand_journeys(
    connection: Connection, member_id: str, into: str, twice: Collection[str]
) -> None:
    """Journeys go along, but one that the survivor has entered too: that would count twice."""
    own = enrolments.alias()
    entered = (
        select(own.c.id)
        .where(
            own.c.member_id == into,
            own.c.campaign_id == enrolments.c.campaign_id,
            own.c.entry_key == enrolments.c.entry_key,
        )
        .exists()
    )
    theirs = enrolments.c.member_id == member_id
    once = enrolments.c.id.not_in(twice) & ~entered
    connection.execute(update(enrolments).where(theirs, once).values(member_id=into))
    moved = select(enrolments.c.id).where(enrolments.c.member_id == into)
    theirs = waits.c.member_id == member_id
    connection.execute(
        update(waits).where(theirs, waits.c.enrolment_id.in_(moved)).values(member_id=into)
    )


def _hand(connection: Connection, table: Table, member_id: str, into: str) -> None:
    connection.execute(update(table).where(table.c.member_id == member_id).values(member_id=into))
