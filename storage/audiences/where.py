"""An audience's condition as SQL over `members`: the same question that admission asks of one.

What SQL cannot say raises `NotPlain`; `counting.py` then asks the condition's own engine.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB

from loyalty.audiences.asked import Asked
from loyalty.audiences.tree import (
    Both,
    Compare,
    Either,
    Engine,
    Fact,
    Holds,
    Not,
    NotPlain,
    OneOf,
    Tree,
    Value,
)
from loyalty.members import EXPIRING_SOON, NEVER_DAYS
from loyalty.programme import CHANNELS, PURPOSES, Programme
from storage.audiences.lines import has_line
from storage.audiences.points import expiring, spendable
from storage.tables import consents, inbox, members

_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_FAR = 300_000  # days: further than any calendar of ours, and datetimes still reach it
_BIG = 2**63 - 1
KEPT = inbox.c.amount_minor - inbox.c.refunded_minor
COUNTS = or_(inbox.c.refunded_minor == 0, KEPT > 0)
"""Whether a receipt is still one: not taken back as a whole."""

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions at one instant on one kind of database."""

    now: datetime
    programme: Programme
    dialect: str

    def of(self, tree: Tree) -> Condition:
        """The condition; a member whose row fulfils it is in the audience."""
        if isinstance(tree, bool):
            return true() if tree else false()
        if isinstance(tree, Both):
            return and_(*(self.of(part) for part in tree.parts))
        if isinstance(tree, Either):
            return or_(*(self.of(part) for part in tree.parts))
        if isinstance(tree, Not):
            return not_(self.of(tree.part))
        if isinstance(tree, Compare):
            return self._compare(tree.fact, tree.sign, tree.value)
        if isinstance(tree, OneOf):
            return or_(false(), *(self._compare(tree.fact, "==", value) for value in tree.values))
        if isinstance(tree, Holds):
            return self._holds(tree.value, tree.fact.name)
        assert isinstance(tree, Engine)
        raise NotPlain(tree.text)

    def _compare(self, fact: Fact, sign: str, value: Value) -> Condition:
        if isinstance(value, bool):
            return self._yes_or_no(fact, sign, value)
        if isinstance(value, str):
            return self._text(fact, sign, value)
        if not -_BIG <= value <= _BIG:
            raise NotPlain("the figure is too large")
        days = self._days(fact)
        if days is not None:
            return days(sign, value)
        holds: Condition = _SIGNS[sign](self._figure(fact), value)
        return holds

    def _yes_or_no(self, fact: Fact, sign: str, value: bool) -> Condition:
        if fact != Fact("member.has_inviter") or sign not in ("==", "!="):
            raise NotPlain(fact.name)
        there = members.c.inviter_id.is_not(None)
        return there if value == (sign == "==") else not_(there)

    def _text(self, fact: Fact, sign: str, value: str) -> Condition:
        columns: dict[str, ColumnElement[str]] = {
            "member.tier": members.c.tier,
            "member.locale": members.c.locale,
            "member.source": func.coalesce(members.c.source, ""),
        }
        # An order of texts differs between databases and engines.
        if fact.key is not None or fact.name not in columns or sign not in ("==", "!="):
            raise NotPlain(fact.name)
        holds: Condition = _SIGNS[sign](columns[fact.name], value)
        return holds

    def _holds(self, value: str, name: str) -> Condition:
        if name == "member.tags":
            if self.dialect == "postgresql":
                return type_coerce(members.c.tags, JSONB).contains([value])
            tags = func.json_each(members.c.tags).table_valued("value", name="tag")
            listed = select(literal(1)).select_from(tags).where(tags.c.value == value)
            return exists(listed.correlate(members))
        if name == "member.consents":
            return self.may_send(*_channel_and_purpose(value))
        raise NotPlain(name)

    def may_send(self, channel: str, purpose: str) -> Condition:
        """Whether the contact gate finds consent: what was said, else what is assumed."""
        if channel not in CHANNELS or purpose not in PURPOSES:
            return false()
        assumed = self.programme.contact.assumes(channel, purpose)
        said = exists(
            select(literal(1))
            .where(
                consents.c.member_id == members.c.id,
                consents.c.channel == channel,
                consents.c.purpose == purpose,
                consents.c.granted.is_(not assumed),
            )
            .correlate(members)
        )
        return not_(said) if assumed else said

    # --- days since ------------------------------------------------------------------------------

    def _days(self, fact: Fact) -> Callable[[str, int], Condition] | None:
        """A comparison of whole days since something, as one of instants, which indexes know."""
        if fact == Fact("member.days_since_purchase"):
            bought = members.c.last_purchase_at
            return lambda sign, days: self._since(
                lambda cutoff: and_(bought.is_not(None), bought > cutoff), bought.is_(None),
                sign, days,
            )  # fmt: skip
        if fact == Fact("member.days_since_registration"):
            joined = members.c.registered_at
            return lambda sign, days: self._since(
                lambda cutoff: joined > cutoff, false(), sign, days
            )
        if fact.key is None:
            return None
        if fact.name == "member.days_since_category":
            which = has_line(self.dialect, fact.key)
        elif fact.name == "member.days_since_store":
            which = inbox.c.store == fact.key
        else:
            return None
        return lambda sign, days: self._since(
            lambda cutoff: self._bought(which, inbox.c.occurred_at > cutoff),
            not_(self._bought(which)),
            sign, days,
        )  # fmt: skip

    def _bought(self, *where: Condition) -> Condition:
        mine = inbox.c.member_id == members.c.id
        receipts = select(literal(1)).where(mine, inbox.c.type == "purchase", COUNTS, *where)
        return exists(receipts.correlate(members))

    def _since(
        self,
        later: Callable[[datetime], Condition],
        never: Condition,
        sign: str,
        days: int,
    ) -> Condition:
        """`days since ... sign days`, where `later(t)` says that it happened after t."""
        if sign in ("==", "!="):
            same = and_(
                self._since(later, never, ">=", days), self._since(later, never, "<=", days)
            )
            return same if sign == "==" else not_(same)
        if sign in ("<", "<="):
            return not_(self._since(later, never, ">" if sign == "<=" else ">=", days))
        least = days + 1 if sign == ">" else days
        cutoff = self.now - timedelta(days=max(-_FAR, min(_FAR, least)))
        if least <= NEVER_DAYS:
            return not_(later(cutoff))
        return and_(not_(later(cutoff)), not_(never))

    # --- figures ---------------------------------------------------------------------------------

    def _figure(self, fact: Fact) -> ColumnElement[int]:
        if fact.key is not None:
            return self._windowed(fact.name, fact.key)
        figures: dict[str, Callable[[], ColumnElement[int]]] = {
            "member.purchases": lambda: members.c.purchases,
            "member.spend_minor": lambda: members.c.spend_minor,
            "member.points": lambda: spendable(self.now, self.dialect),
            "member.expiring_points": lambda: expiring(self.now, EXPIRING_SOON),
        }
        if fact.name not in figures:
            raise NotPlain(fact.name)
        return figures[fact.name]()

    def _windowed(self, name: str, key: str) -> ColumnElement[int]:
        windows = Asked(frozenset((name,)), (key,)).windows
        if not windows:
            raise NotPlain(key)
        days = timedelta(days=windows[0])
        if name == "member.expiring_within":
            return expiring(self.now, days)
        if name != "member.spend_within":
            raise NotPlain(name)
        kept = select(func.coalesce(func.sum(KEPT), 0)).where(
            inbox.c.member_id == members.c.id,
            inbox.c.type == "purchase",
            inbox.c.occurred_at > self.now - days,
        )
        return kept.correlate(members).scalar_subquery()


def _channel_and_purpose(value: str) -> tuple[str, str]:
    channel, _, purpose = value.partition("/")
    return channel, purpose
