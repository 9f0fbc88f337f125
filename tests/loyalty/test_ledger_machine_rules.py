"""Any sequence of requests, decided by the rules beside a model too simple to be wrong."""

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from loyalty.book import available
from loyalty.errors import Invalid, KeyReused, LoyaltyError, WrongState
from loyalty.ledger import (
    AT_ONCE,
    POLICIES,
    Adjust,
    Burn,
    Confirm,
    Earn,
    Expire,
    Forfeit,
    HoldClosed,
    NotEnoughPoints,
    Release,
    Reserve,
    ReversalTooLarge,
    Reverse,
    Transfer,
)
from tests.loyalty.paper import Asked, Paper, Told

START = datetime(2026, 10, 7, 12, tzinfo=UTC)
MEMBERS = ("lee", "kim")
EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "150"))
# Mostly one member, so that many things happen to the same points.
members = st.sampled_from(["lee", "lee", "lee", "kim"])
days = st.integers(1, 20)


class Bag(NamedTuple):
    """Points of one member that lapse together and can be spent from the same instant."""

    member: str
    expires_at: datetime
    available_at: datetime
    source: str


class RulesMachine(RuleBasedStateMachine):
    """The rules, and plain sums beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.paper = Paper()
        self.now = START
        self.bags: Counter[Bag] = Counter()
        self.holds: dict[str, tuple[str, datetime, Counter[Bag]]] = {}
        self.debt = dict.fromkeys(MEMBERS, 0)
        self.issued = self.redeemed = self.lapsed = 0
        self.broken: Counter[Bag] = Counter()  # what lapsed of each, and nobody returned since
        self.put: Counter[str] = Counter()  # what an earning put into its lot, less the same
        self.earned: dict[str, tuple[Bag, int]] = {}  # what is left to reverse
        self.burned: dict[str, Counter[Bag]] = {}  # what is still spent
        self.asked: dict[str, tuple[Asked, Told]] = {}
        self.closed: list[str] = []

    # --- the rules under test --------------------------------------------------------------------

    def key(self) -> str:
        return f"k{len(self.asked) + 1}"

    def post(self, request: Asked) -> Told:
        key = self.key()
        told = self.paper.post(key, request, self.now)
        assert told is not None
        self.asked[key] = (request, told)
        self.sweep(told.member_id)
        return told

    def refused(self, request: Asked, kind: type[LoyaltyError], key: str | None = None) -> None:
        before = self.paper.state()
        with pytest.raises(kind):
            self.paper.post(key or self.key(), request, self.now)
        assert self.paper.state() == before

    # --- the model ------------------------------------------------------------------------------

    def sweep(self, member: str) -> None:
        """A member's holds past their deadline are given back."""
        for id, (who, deadline, _) in list(self.holds.items()):
            if who == member and deadline <= self.now:
                del self.holds[id]
                self.closed.append(id)

    def free(self, bag: Bag) -> int:
        return self.bags[bag] - sum(parts[bag] for _, _, parts in self.holds.values())

    def live(self, member: str) -> list[Bag]:
        """What can be spent, soonest first."""
        return [
            bag
            for bag in sorted(self.bags)
            if bag.member == member and bag.available_at <= self.now < bag.expires_at
        ]

    def available(self, member: str) -> int:
        return max(0, sum(map(self.free, self.live(member))) - self.debt[member])

    def as_swept(self, member: str) -> int:
        """What is available once overdue holds are given back, as the next posting will."""
        kept, self.holds = self.holds, {k: h for k, h in self.holds.items() if h[1] > self.now}
        there = self.available(member)
        self.holds = kept
        return there

    def draw(self, bags: list[Bag], points: int) -> Counter[Bag]:
        parts: Counter[Bag] = Counter()
        for bag in bags:
            if part := min(points, self.free(bag)):
                parts[bag] = part
                points -= part
        return parts

    def breaks(self, gone: Counter[Bag], paid: int) -> None:
        """Points whose time is over; the soonest pay what is owed, and did not lapse."""
        self.lapsed += gone.total() - paid
        for bag in sorted(gone):
            used = min(paid, gone[bag])
            paid -= used
            self.broken[bag] += gone[bag] - used

    def amount(self, data: st.DataObject, member: str) -> int:
        """An amount near what the member has: all of it, a part, a little more."""
        there = self.as_swept(member)
        return max(1, data.draw(st.sampled_from([there, there * 2 // 3, there // 3, there + 1])))

    # --- what may happen ------------------------------------------------------------------------

    @initialize(lives=st.lists(days, min_size=3, max_size=3))
    def everybody_has_something(self, lives: list[int]) -> None:
        for life in lives:
            for member in MEMBERS:
                self.earn(member, 20, life, "purchase", 0)

    @rule(
        member=members,
        points=st.integers(1, 30),
        life=days,
        source=st.sampled_from(["purchase", "welcome"]),
        wait=st.sampled_from([0, 0, 1, 2, 5]),
    )
    def earn(self, member: str, points: int, life: int, source: str, wait: int) -> None:
        """Some of it is pending until a return window closes."""
        since = START + timedelta(days=wait) if wait else AT_ONCE
        bag = Bag(member, START + timedelta(days=life), since, source)
        kind = "earn" if source == "purchase" else "grant"
        told = self.post(Earn(member, points, kind, bag.expires_at, source, available_at=since))
        repaid = min(points, self.debt[member])
        self.debt[member] -= repaid
        self.bags[bag] += points - repaid
        self.issued += points
        self.earned[told.key] = (bag, points)
        self.put[told.key] = points - repaid
        assert told.debt_change == -repaid

    @rule(member=members, data=st.data())
    def burn(self, member: str, data: st.DataObject) -> None:
        points = self.amount(data, member)
        request = Burn(member, points)
        if self.as_swept(member) < points:
            self.refused(request, NotEnoughPoints)
            return
        told = self.post(request)
        parts = self.draw(self.live(member), points)
        self.bags -= parts
        self.redeemed += points
        self.burned[told.key] = parts

    @rule(member=members, data=st.data(), life=st.integers(1, 4))
    def hold(self, member: str, data: st.DataObject, life: int) -> None:
        points, deadline = self.amount(data, member), self.now + timedelta(days=life)
        request = Reserve(member, points, self.key(), deadline)
        if self.as_swept(member) < points:
            self.refused(request, NotEnoughPoints)
            return
        told = self.post(request)
        self.holds[told.key] = (member, deadline, self.draw(self.live(member), points))

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        """All or a part, once; the rest goes back."""
        id = data.draw(st.sampled_from(sorted(self.holds)))
        _, deadline, parts = self.holds[id]
        points = data.draw(st.integers(1, parts.total() + 1))
        request = Confirm(id, points)
        if deadline <= self.now:
            self.refused(request, HoldClosed)
            return
        if points > parts.total():
            self.refused(request, NotEnoughPoints)
            return
        told = self.post(request)
        del self.holds[id]
        spent: Counter[Bag] = Counter()
        for bag in sorted(parts):
            spent[bag] = min(parts[bag], points - spent.total())
        self.bags -= spent
        self.redeemed += points
        self.burned[told.key] = +spent
        self.closed.append(id)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.holds)))
        self.post(Release(id))
        if self.holds.pop(id, None):
            self.closed.append(id)

    @precondition(lambda self: self.closed)
    @rule(data=st.data(), points=st.sampled_from([None, 1]))
    def settle_again(self, data: st.DataObject, points: int | None) -> None:
        """A hold that is settled stays so: it is neither spent nor spent twice."""
        self.refused(Confirm(data.draw(st.sampled_from(self.closed)), points), HoldClosed)

    @precondition(lambda self: self.earned)
    @rule(data=st.data(), policy=st.sampled_from(["debt", *POLICIES]))
    def take_back(self, data: st.DataObject, policy: str) -> None:
        original = data.draw(st.sampled_from(sorted(self.earned)))
        own, left = self.earned[original]
        points = data.draw(st.sampled_from([left, left, max(1, left // 2), left + 1]))
        request = Reverse(original, points, policy)
        if points > left:
            self.refused(request, ReversalTooLarge)
            return
        holds, self.holds = self.holds, {k: h for k, h in self.holds.items() if h[1] > self.now}
        mine = [own] if original in self.with_lot() else []
        parts = self.draw(mine, points)
        # What lapsed of its lot is gone already: nobody owes it, and nothing else pays for it.
        gone = min(points - parts.total(), self.broken[own], self.put[original])
        others = [bag for bag in self.live(own.member) if bag != own or not mine]
        parts += self.draw(others, points - gone - parts.total())
        self.holds = holds
        taken = parts.total() + gone
        if taken < points and policy == "stop":
            self.refused(request, NotEnoughPoints)
            return
        told = self.post(request)
        owed = points - taken if policy == "debt" else 0
        self.bags -= parts
        self.debt[own.member] += owed
        self.issued -= taken + owed
        self.broken[own] -= gone
        self.put[original] -= gone
        self.lapsed -= gone
        self.earned[original] = (own, left - points)
        if left == points:
            del self.earned[original]
        assert (told.shortfall, told.debt_change) == (points - taken - owed, owed)
        assert told.lapsed == gone

    def with_lot(self) -> set[str]:
        """Postings that put points into a lot: not all went into a debt."""
        return {key for key, line in self.paper.lines.items() if line.moves}

    @precondition(lambda self: self.burned)
    @rule(data=st.data(), reinstated=st.none() | days)
    def give_back(self, data: st.DataObject, reinstated: int | None) -> None:
        """To the lots it came from, last spent first; what lapsed meanwhile breaks or lives on."""
        original = data.draw(st.sampled_from(sorted(self.burned)))
        spent = self.burned[original]
        points = data.draw(st.integers(1, spent.total()))
        until = self.now + timedelta(days=reinstated) if reinstated else None
        if until and data.draw(st.booleans()):
            # Often a date that other lots have: the end of the same month, say.
            until = max(START + timedelta(days=20), self.now + timedelta(days=1))
        told = self.post(Reverse(original, points, reinstate_until=until))
        left = lapsed = points
        for bag in sorted(spent, reverse=True):
            part = min(left, spent[bag])
            left -= part
            spent[bag] -= part
            if bag.expires_at > self.now:
                self.bags[bag] += part
                lapsed -= part
            elif until:
                self.bags[bag._replace(expires_at=until)] += part
                lapsed -= part
        self.redeemed -= points
        self.lapsed += lapsed
        assert told.lapsed == lapsed
        if not spent.total():
            del self.burned[original]

    @rule(giver=st.sampled_from(MEMBERS), data=st.data())
    def transfer(self, giver: str, data: st.DataObject) -> None:
        """Points change hands with their expiry."""
        points = self.amount(data, giver)
        taker = MEMBERS[1 - MEMBERS.index(giver)]
        request = Transfer(giver, taker, points)
        if self.as_swept(giver) < points:
            self.refused(request, NotEnoughPoints)
            return
        self.post(request)
        self.sweep(taker)
        parts = self.draw(self.live(giver), points)
        self.bags -= parts
        for bag, part in parts.items():
            self.bags[bag._replace(member=taker)] += part

    @precondition(lambda self: len(self.asked) > 15)
    @rule(giver=st.sampled_from(MEMBERS))
    def merge(self, giver: str) -> None:
        """All of it changes hands, pending and lapsed; what is owed is taken from what is there."""
        taker = MEMBERS[1 - MEMBERS.index(giver)]
        request = Transfer(giver, taker, 0, "merge", True)
        if any(who == giver and at > self.now for who, at, _ in self.holds.values()):
            self.refused(request, WrongState)
            return
        self.post(request)
        self.sweep(taker)
        theirs = Counter({bag: n for bag, n in self.bags.items() if bag.member == giver})
        self.bags -= theirs
        for bag, n in theirs.items():
            self.bags[bag._replace(member=taker)] += n
        owed = self.debt[giver] + self.debt[taker]
        paid = self.draw(self.live(taker), owed)
        self.bags -= paid
        self.debt = {giver: 0, taker: owed - paid.total()}

    @rule(member=members, points=st.integers(-30, 30), life=days)
    def adjust(self, member: str, points: int, life: int) -> None:
        at = START + timedelta(days=life)
        request = Adjust(member, points, at)
        if points == 0:
            self.refused(request, Invalid)
            return
        if points < 0 and self.as_swept(member) < -points:
            self.refused(request, NotEnoughPoints)
            return
        self.post(request)
        self.issued += points
        if points < 0:
            self.bags -= self.draw(self.live(member), -points)
            return
        repaid = min(points, self.debt[member])
        self.debt[member] -= repaid
        self.bags[Bag(member, at, AT_ONCE, "adjustment")] += points - repaid

    @precondition(lambda self: len(self.asked) > 25)
    @rule(member=members)
    def forfeit(self, member: str) -> None:
        """Who leaves, leaves the points; what is owed is forgiven with it."""
        if any(who == member and at > self.now for who, at, _ in self.holds.values()):
            self.refused(Forfeit(member), WrongState)
            return
        self.post(Forfeit(member))
        left = {bag: n for bag, n in self.bags.items() if bag.member == member}
        self.breaks(Counter(left), self.debt[member])
        self.debt[member] = 0
        self.bags -= Counter(left)

    @rule(member=members)
    def expire(self, member: str) -> None:
        """Breaks what lapsed and is not held, less what is owed; again, it breaks nothing."""
        holds, self.holds = self.holds, {k: h for k, h in self.holds.items() if h[1] > self.now}
        gone = Counter(
            {
                bag: self.free(bag)
                for bag in self.bags
                if bag.member == member and bag.expires_at <= self.now
            }
        )
        self.holds = holds
        # Only a posting gives overdue holds back: without one, they still keep what they hold.
        if not any(self.free(bag) for bag in gone):
            return
        told = self.post(Expire(member, self.now))
        repaid = min(gone.total(), self.debt[member])
        assert (told.points, told.debt_change) == (gone.total(), -repaid)
        self.bags -= gone
        self.debt[member] -= repaid
        self.breaks(gone, repaid)
        assert self.paper.post("again", Expire(member, self.now), self.now) is None

    @rule(hours=st.sampled_from([12, 24, 24, 48, 72]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        """Any earlier request, now: the same answer and nothing changed; otherwise refused."""
        key = data.draw(st.sampled_from(sorted(self.asked)))
        request, told = self.asked[key]
        before = self.paper.state()
        assert self.paper.post(key, request, self.now) == told
        assert self.paper.state() == before
        self.refused(Earn("lee", 777), KeyReused, key)

    # --- what always holds ----------------------------------------------------------------------

    @invariant()
    def the_books_say_what_the_model_says(self) -> None:
        self.bags = +self.bags
        for member in MEMBERS:
            book = self.paper.books.get(member)
            if book is None:
                continue
            lots = book.lots.values()
            assert all(0 <= lot.held <= lot.remaining for lot in lots)
            assert book.balance == sum(lot.remaining for lot in lots) >= book.held
            held = sum(p.total() for who, _, p in self.holds.values() if who == member)
            assert book.held == sum(lot.held for lot in lots) == held
            assert book.debt == self.debt[member] >= 0
            found = {
                Bag(member, lot.expires_at, lot.available_at, lot.source): lot.remaining
                for lot in lots
                if lot.remaining
            }
            assert found == {bag: n for bag, n in self.bags.items() if bag.member == member}
            assert available(lots, book.debt, self.now) == self.available(member) >= 0

    @invariant()
    def no_point_comes_from_nowhere(self) -> None:
        sums = self.paper.sums
        assert sum(sums.values()) == sums["transfer"] == sums["none"] == 0
        assert (-sums["issuance"], sums["redemption"], sums["breakage"]) == (
            self.issued,
            self.redeemed,
            self.lapsed,
        )

    def teardown(self) -> None:
        """Everything reversed, everybody is back where only expiry and gifts have left them."""
        for key, spent in self.burned.items():
            until = START + timedelta(days=900)
            self.paper.post(f"back:{key}", Reverse(key, spent.total(), "debt", until), self.now)
        for key, (_, left) in self.earned.items():
            self.paper.post(f"back:{key}", Reverse(key, left), self.now)
        sums = self.paper.sums
        assert sums["redemption"] == 0
        adjusted = sum(r.points for r, _ in self.asked.values() if isinstance(r, Adjust))
        forgiven = sum(line.told.shortfall for line in self.paper.lines.values())
        assert -sums["issuance"] == adjusted + forgiven


def test_any_sequence_of_postings_agrees_with_the_model() -> None:
    """Whatever customers, cashiers and clocks do, no point is lost, doubled or below zero."""
    run_state_machine_as_test(
        RulesMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=60,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
