"""How many members an audience has now, ten of them, and how many each channel reaches."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, not_, or_, select, true

from loyalty.audiences.asked import asked_by, keyed_facts
from loyalty.audiences.preview import AudienceSize, Sample, masked, scaled
from loyalty.audiences.tree import Both, NotPlain, Tree, tree_of
from loyalty.conditions import MEMBER, Condition
from loyalty.members import Member, member_facts
from loyalty.programme import CHANNELS, Channel, Programme
from storage.audiences.history import histories
from storage.audiences.where import Where
from storage.member_page import COLUMNS, member_of_row
from storage.postings import member_of
from storage.statements import balances
from storage.tables import consents, holds, members

SAMPLES = 10
LOOKED_AT_MAX = 2_000
"""Members whom the engine is asked about one by one; of more, the count is an estimate."""
_ACTIVE = members.c.status == "active"
_ON_POINTS = frozenset({"member.points", "member.expiring_points", "member.expiring_within"})


@dataclass(frozen=True, slots=True)
class Counting:
    """Audiences at one instant, over one snapshot."""

    connection: Connection
    programme: Programme
    now: datetime

    def size(self, condition: str | None) -> AudienceSize:
        """The audience of a condition over members; none for everybody."""
        where, whole = self._where(condition)
        if condition is None or (whole and not self._late_holders(condition)):
            return self._counted(where)
        if whole:
            return self._with_late_holders(where, condition)
        return self._asked_one_by_one(where, condition)

    def _where(self, condition: str | None) -> tuple[ColumnElement[bool], bool]:
        """What SQL can ask of the condition, and whether that is all of it."""
        if condition is None:
            return true(), True
        asks = Where(self.now, self.programme, self.connection.dialect.name)
        tree = tree_of(condition)
        parts: Sequence[Tree] = tree.parts if isinstance(tree, Both) else (tree,)
        found: list[ColumnElement[bool]] = [true()]
        for part in parts:
            with suppress(NotPlain):
                found.append(asks.of(part))
        return and_(*found), len(found) == len(parts) + 1

    def _late_holders(self, condition: str) -> Sequence[str]:
        """Members with a hold past its deadline: their points are free, and no lot says so yet."""
        if not Condition(condition, MEMBER).names & _ON_POINTS:
            return ()
        late = select(holds.c.account_id).where(
            holds.c.status == "open", holds.c.expires_at <= self.now
        )
        return sorted({member_of(account) for account in self.connection.execute(late).scalars()})

    def _with_late_holders(self, where: ColumnElement[bool], condition: str) -> AudienceSize:
        late = self._late_holders(condition)
        people = self._people(select(*COLUMNS).where(_ACTIVE, members.c.id.in_(late)))
        fitting = [member.id for member in self._fitting(people, condition)]
        others = and_(where, members.c.id.not_in(late))
        return self._counted(or_(others, members.c.id.in_(fitting)))

    def _asked_one_by_one(self, where: ColumnElement[bool], condition: str) -> AudienceSize:
        """Of those whom SQL lets through, the engine is asked about the first ones."""
        count = select(func.count()).where(_ACTIVE, where)
        most = self.connection.execute(count).scalar_one()
        first = select(*COLUMNS).where(_ACTIVE, where).order_by(members.c.id)
        people = self._people(first.limit(LOOKED_AT_MAX))
        fitting = [member.id for member in self._fitting(people, condition)]
        size = self._counted(members.c.id.in_(fitting))
        return size if most <= LOOKED_AT_MAX else scaled(size, most, LOOKED_AT_MAX)

    def _counted(self, where: ColumnElement[bool]) -> AudienceSize:
        free = not_(members.c.stop_listed)
        mail = and_(members.c.email.is_not(None), members.c.email != "")
        figures = select(
            func.count(), func.count().filter(free), func.count().filter(free, mail)
        ).where(_ACTIVE, where)
        count, free_count, mail_count = self.connection.execute(figures).one()
        said = (
            select(consents.c.channel, consents.c.granted, func.count())
            .join(members, members.c.id == consents.c.member_id)
            .where(_ACTIVE, where, free, consents.c.purpose == "marketing")
            .where(or_(consents.c.channel != "email", mail))
            .group_by(consents.c.channel, consents.c.granted)
        )
        answers = {(row[0], row[1]): row[2] for row in self.connection.execute(said)}
        reachable: dict[Channel, int] = {}
        for channel in CHANNELS:
            with_address = mail_count if channel == "email" else free_count
            assumed = self.programme.contact.default_consent.get(channel, False)
            no, yes = answers.get((channel, False), 0), answers.get((channel, True), 0)
            reachable[channel] = with_address - no if assumed else yes
        return AudienceSize(count, True, self._samples(where), reachable)

    def _samples(self, where: ColumnElement[bool]) -> tuple[Sample, ...]:
        first = select(members.c.id, members.c.name, members.c.tier).where(_ACTIVE, where)
        rows = self.connection.execute(first.order_by(members.c.id).limit(SAMPLES))
        return tuple(Sample(row.id, masked(row.name), row.tier) for row in rows)

    def _people(self, query: Select[Any]) -> list[Member]:
        return [member_of_row(row) for row in self.connection.execute(query)]

    def _fitting(self, people: Sequence[Member], condition: str) -> list[Member]:
        """Those of whom the condition's own engine says yes, by the facts that admission has."""
        asked, ids = asked_by([condition]), [member.id for member in people]
        points = balances(self.connection, ids, self.now)
        known = histories(self.connection, ids, asked, self.programme, self.now)
        judge = Condition(condition, MEMBER)
        return [
            member
            for member in people
            if judge.fits(
                {
                    **member_facts(member, points[member.id], self.now),
                    **keyed_facts(asked, known[member.id], points[member.id].next_expiry, self.now),
                }
            )
        ]
