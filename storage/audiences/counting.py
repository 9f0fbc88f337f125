"""How many members an audience has now, ten of them, and how many each channel reaches."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    union_all,
)

from loyalty.audiences.asked import asked_by, keyed_facts
from loyalty.audiences.preview import AudienceSize, Sample, masked, scaled
from loyalty.audiences.tree import Both, NotPlain, Tree, tree_of
from loyalty.conditions import MEMBER, Condition
from loyalty.members import Member, member_facts
from loyalty.programme import CHANNELS, PURPOSES, Channel, Programme, Purpose
from storage.audiences.history import histories
from storage.audiences.sampling import FEW, by_index, one_in, step_of
from storage.audiences.where import Where
from storage.member_page import COLUMNS, member_of_row
from storage.postings import member_of
from storage.statements import balances
from storage.tables import consents, holds, members

SAMPLES = 10
LOOKED_AT_MAX = 2_000
"""Members whom the engine is asked about one by one; of more, the count is an estimate."""
_ACTIVE = members.c.status == "active"
_IN_ROWS = frozenset(
    f"member.{name}"
    for name in (
        "tier", "locale", "source", "has_inviter", "purchases", "spend_minor",
        "days_since_purchase", "days_since_registration",
    )
)  # fmt: skip
"""Facts that a member's own row holds as they are: asking everybody is one walk."""
_ON_POINTS = frozenset({"member.points", "member.expiring_points", "member.expiring_within"})


@dataclass(frozen=True, slots=True)
class Counting:
    """Audiences at one instant, over one snapshot."""

    connection: Connection
    programme: Programme
    now: datetime
    part: ColumnElement[bool] = field(default_factory=true)  # of all members, those who are asked
    entries: ColumnElement[int] = field(default_factory=lambda: literal(0))  # of each member

    def size(self, condition: str | None) -> AudienceSize:
        """The audience of a condition over members; none for everybody.

        In a large programme it is estimated from some of them, and in a smaller one already where
        more than the members' own rows has to be looked up. A small audience is counted where the
        rows are enough to tell.
        """
        in_rows = condition is None or Condition(condition, MEMBER).names <= _IN_ROWS
        step = step_of(self.connection, in_rows=in_rows)
        if step == 1:
            return self._size(condition)
        with by_index(self.connection):
            some = replace(self, part=one_in(step))._size(condition)
        if some.count < FEW and condition and in_rows:
            return self._size(condition)
        return scaled(some, step, 1)

    def _size(self, condition: str | None) -> AudienceSize:
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
        people = self._people(select(*COLUMNS).where(_ACTIVE, self.part, members.c.id.in_(late)))
        fitting = [member.id for member in self._fitting(people, condition)]
        others = and_(where, members.c.id.not_in(late))
        return self._counted(or_(others, members.c.id.in_(fitting)))

    def _asked_one_by_one(self, where: ColumnElement[bool], condition: str) -> AudienceSize:
        """Of those whom SQL lets through, the engine is asked about the first ones."""
        count = select(func.count()).where(_ACTIVE, self.part, where)
        most = self.connection.execute(count).scalar_one()
        first = select(*COLUMNS).where(_ACTIVE, self.part, where).order_by(members.c.id)
        people = self._people(first.limit(LOOKED_AT_MAX))
        fitting = [member.id for member in self._fitting(people, condition)]
        size = self._counted(members.c.id.in_(fitting))
        return size if most <= LOOKED_AT_MAX else scaled(size, most, LOOKED_AT_MAX)

    def _counted(self, where: ColumnElement[bool]) -> AudienceSize:
        """All figures and the sample in one statement, so that the condition is asked once."""
        mail = and_(members.c.email.is_not(None), members.c.email != "")
        fit = (
            select(
                members.c.id,
                members.c.name,
                members.c.tier,
                not_(members.c.stop_listed).label("free"),
                mail.label("mail"),
                self.entries.label("entries"),
            )
            .where(_ACTIVE, self.part, where)
            .cte("fit")
            .prefix_with("MATERIALIZED")
        )
        rows = self.connection.execute(_figures(fit)).all()
        figures = {row.kind: row.people for row in rows if row.kind not in ("said", "one")}
        answers = {(row.id, row.name, row.tier): row.people for row in rows if row.kind == "said"}
        reachable: dict[Purpose, dict[Channel, int]] = {}
        for purpose in PURPOSES:
            reachable[purpose] = {}
            for channel in CHANNELS:
                no, yes = (answers.get((channel, purpose, said), 0) for said in ("no", "yes"))
                addressed = figures["mail" if channel == "email" else "free"]
                assumed = self.programme.contact.assumes(channel, purpose)
                reachable[purpose][channel] = addressed - no if assumed else yes
        people = sorted((row for row in rows if row.kind == "one"), key=lambda row: row.id)
        samples = tuple(Sample(row.id, masked(row.name), row.tier) for row in people)
        return AudienceSize(figures["all"], True, samples, reachable, figures["entries"])

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


def _figures(fit: CTE) -> CompoundSelect[Any]:
    """The members of `fit` counted: all, who may be told, their entries; by channel, purpose and
    answer those who said something; ten of them.
    """
    none = cast(null(), Text)
    entries = cast(func.coalesce(func.sum(fit.c.entries), 0), BigInteger)
    addressed = and_(fit.c.free, or_(consents.c.channel != "email", fit.c.mail))
    answer = case((consents.c.granted, "yes"), else_="no")
    first = select(fit.c.id, fit.c.name, fit.c.tier).order_by(fit.c.id).limit(SAMPLES).subquery()
    return union_all(
        *(
            _row(kind, none, none, none, func.count()).select_from(fit).where(which)
            for kind, which in (
                ("all", true()),
                ("free", fit.c.free),
                ("mail", and_(fit.c.free, fit.c.mail)),
            )
        ),
        _row("entries", none, none, none, entries).select_from(fit),
        _row("said", consents.c.channel, consents.c.purpose, answer, func.count())
        .select_from(fit.join(consents, consents.c.member_id == fit.c.id))
        .where(addressed)
        .group_by(consents.c.channel, consents.c.purpose, answer),
        _row("one", first.c.id, first.c.name, first.c.tier, literal(1)),
    )


def _row(kind: str, *parts: ColumnElement[Any]) -> Select[Any]:
    names = ("id", "name", "tier", "people")
    named = [part.label(name) for name, part in zip(names, parts, strict=True)]
    return select(literal(kind).label("kind"), *named)
