"""Any sequence of requests, checked after each step against a ledger kept in plain dictionaries."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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

from loyalty.errors import KeyReused, LoyaltyError
from loyalty.ledger import POLICIES, HoldClosed, NotEnoughPoints, Posted, ReversalTooLarge
from storage.database import Database
from storage.ledger import SqlLedger, WritingLedger
from storage.migrate import upgrade
from storage.proof import prove

START = datetime(2026, 10, 7, 12, tzinfo=UTC)
MEMBERS = ("lee", "kim")
Work = Callable[[SqlLedger], Any]
points = st.integers(1, 30)
# Mostly one member, so that many things happen to the same points.
members = st.sampled_from(["lee", "lee", "lee", "kim"])
days = st.integers(1, 20)


class LedgerMachine(RuleBasedStateMachine):
    """The ledger beside a model that is too simple to be wrong."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        path = Path(self.folder) / "ledger.sqlite3"
        shutil.copy(self.template, path)
        self.database = Database(f"sqlite:///{path}", synchronous="OFF")
        self.now = START
        self.number = 0
        # The model: lots as {(member, day, source): points}, holds as {id: (deadline, parts)}.
        self.lots: dict[tuple[str, datetime, str], int] = {}
        self.holds: dict[str, tuple[str, datetime, dict[tuple[str, datetime, str], int]]] = {}
        self.debt = dict.fromkeys(MEMBERS, 0)
        self.issued = self.redeemed = self.lapsed = 0
        self.earned: dict[str, list[Any]] = {}  # key: member, lot, left to reverse
        self.burned: dict[str, list[Any]] = {}  # key: member, parts still spent
        self.done: list[tuple[Work, Posted, datetime]] = []

    def teardown(self) -> None:
        self.check_proof()
        self.database.dispose()
        shutil.rmtree(self.folder)

    # --- the ledger under test -------------------------------------------------------------------

    def key(self) -> str:
        self.number += 1
        return f"k{self.number}"

    def post(self, work: Work) -> Any:
        posted = self.database.run(lambda c: work(WritingLedger(c, self.now)))
        if posted is not None:
            assert not posted.replayed or posted.kind == "release"
            self.done.append((work, posted, self.now))
        return posted

    def refused(self, work: Work, kind: type[LoyaltyError]) -> None:
        before = self.dump()
        with pytest.raises(kind):
            self.database.run(lambda c: work(WritingLedger(c, self.now)))
        assert self.dump() == before

    def dump(self) -> list[Any]:
        with self.database.read() as connection:
            return [
                connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2").all()
                for table in ("accounts", "transactions", "entries", "lots", "log_head", "holds")
            ]

    # --- the model ------------------------------------------------------------------------------

    def held(self, lot: tuple[str, datetime, str]) -> int:
        return sum(parts.get(lot, 0) for _, _, parts in self.holds.values())

    def free(self, member: str) -> list[tuple[tuple[str, datetime, str], int]]:
        """Live lots with what is free of them, soonest first."""
        return [
            (lot, n - self.held(lot))
            for lot, n in sorted(self.lots.items())
            if lot[0] == member and lot[1] > self.now
        ]

    def available(self, member: str) -> int:
        return max(0, sum(n for _, n in self.free(member)) - self.debt[member])

    def about(self, data: st.DataObject, member: str) -> int:
        """An amount near what the member has: all of it, a part, a little more."""
        self.sweep(member)
        there = self.available(member)
        return max(1, data.draw(st.sampled_from([there, there * 2 // 3, there // 3, there + 1])))

    def draw(self, lots: list[tuple[tuple[str, datetime, str], int]], n: int) -> dict[Any, int]:
        parts = {}
        for lot, free in lots:
            if part := min(free, n):
                parts[lot] = part
                n -= part
        return parts

    def sweep(self, member: str) -> None:
        """A member's holds past their deadline are given back."""
        self.holds = {
            key: hold for key, hold in self.holds.items() if hold[0] != member or hold[1] > self.now
        }

    # --- what may happen ------------------------------------------------------------------------

    @initialize(lives=st.lists(days, min_size=3, max_size=3))
    def everybody_has_something(self, lives: list[int]) -> None:
        for life in lives:
            for member in MEMBERS:
                self.earn(member, 20, life, "purchase")

    @rule(member=members, n=points, life=days, source=st.sampled_from(["purchase", "welcome"]))
    def earn(self, member: str, n: int, life: int, source: str) -> None:
        key, at = self.key(), START + timedelta(days=life)
        posted = self.post(lambda ledger: ledger.earn(key, member, n, expires_at=at, source=source))
        self.sweep(member)
        repaid = min(n, self.debt[member])
        self.debt[member] -= repaid
        self.issued += n
        lot = (member, at, source)
        if n > repaid:
            self.lots[lot] = self.lots.get(lot, 0) + n - repaid
        self.earned[key] = [member, lot if n > repaid else None, n]
        assert posted.available_after == self.available(member)

    @rule(member=members, data=st.data())
    def burn(self, member: str, data: st.DataObject) -> None:
        key, n = self.key(), self.about(data, member)

        def work(ledger: SqlLedger) -> Any:
            return ledger.burn(key, member, n)

        self.sweep(member)
        if self.available(member) < n:
            self.refused(work, NotEnoughPoints)
            return
        posted = self.post(work)
        parts = self.draw(self.free(member), n)
        assert [(u.expires_at, u.source, u.points) for u in posted.lots] == [
            (lot[1], lot[2], part) for lot, part in parts.items()
        ]
        for lot, part in parts.items():
            self.lots[lot] -= part
        self.redeemed += n
        self.burned[key] = [member, parts]

    @rule(member=members, data=st.data(), life=st.integers(1, 4))
    def hold(self, member: str, data: st.DataObject, life: int) -> None:
        key, deadline, n = self.key(), self.now + timedelta(days=life), self.about(data, member)

        def work(ledger: SqlLedger) -> Any:
            return ledger.hold(key, member, n, expires_at=deadline)

        self.sweep(member)
        if self.available(member) < n:
            self.refused(work, NotEnoughPoints)
            return
        self.post(work)
        self.holds[key] = (member, deadline, self.draw(self.free(member), n))

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        hold_id = data.draw(st.sampled_from(sorted(self.holds)))
        member, deadline, parts = self.holds[hold_id]
        n = data.draw(st.integers(1, sum(parts.values())))
        key = self.key()

        def work(ledger: SqlLedger) -> Any:
            return ledger.confirm(hold_id, key, n)

        if deadline <= self.now:
            self.refused(work, HoldClosed)
            return
        self.post(work)
        self.sweep(member)
        del self.holds[hold_id]
        spent = self.draw(sorted(parts.items()), n)
        for lot, part in spent.items():
            self.lots[lot] -= part
        self.redeemed += n
        self.burned[key] = [member, spent]
        self.refused(lambda ledger: ledger.confirm(hold_id, f"{key}-again"), HoldClosed)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        hold_id = data.draw(st.sampled_from(sorted(self.holds)))
        member = self.holds[hold_id][0]
        key = self.key()
        self.post(lambda ledger: ledger.release(hold_id, key))
        self.sweep(member)
        self.holds.pop(hold_id, None)

    @precondition(lambda self: self.earned)
    @rule(data=st.data(), policy=st.sampled_from(["debt", *POLICIES]))
    def take_back(self, data: st.DataObject, policy: str) -> None:
        original = data.draw(st.sampled_from(sorted(self.earned)))
        member, own, left = self.earned[original]
        n = data.draw(st.sampled_from([left, left, max(1, left // 2), left + 1]))
        key = self.key()

        def work(ledger: SqlLedger) -> Any:
            return ledger.reverse(key, original, n, policy)

        self.sweep(member)
        first = [(own, self.lots.get(own, 0) - self.held(own))] if own else []
        parts = self.draw([*first, *(x for x in self.free(member) if x[0] != own)], n)
        taken = sum(parts.values())
        if n > left:
            self.refused(work, ReversalTooLarge)
            return
        if taken < n and policy == "stop":
            self.refused(work, NotEnoughPoints)
            return
        posted = self.post(work)
        for lot, part in parts.items():
            self.lots[lot] -= part
        owed = n - taken if policy == "debt" else 0
        self.debt[member] += owed
        self.issued -= taken + owed
        self.earned[original][2] -= n
        if not self.earned[original][2]:
            del self.earned[original]
        assert (posted.shortfall, posted.debt_change) == (n - taken - owed, owed)

    @precondition(lambda self: self.burned)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        original = data.draw(st.sampled_from(sorted(self.burned)))
        member, spent = self.burned[original]
        n = data.draw(st.integers(1, sum(spent.values())))
        key = self.key()
        self.post(lambda ledger: ledger.reverse(key, original, n))
        self.sweep(member)
        self.redeemed -= n
        left = n
        for lot in sorted(spent, reverse=True):
            part = min(left, spent[lot])
            left -= part
            spent[lot] -= part
            self.lots[lot] += part
        if not sum(spent.values()):
            del self.burned[original]

    @rule(member=members)
    def expire(self, member: str) -> None:
        key, before = self.key(), self.now
        self.sweep(member)
        gone = {
            lot: n - self.held(lot)
            for lot, n in self.lots.items()
            if lot[0] == member and lot[1] <= before
        }
        posted = self.post(lambda ledger: ledger.expire(member, before, key))
        for lot, part in gone.items():
            self.lots[lot] -= part
            self.lapsed += part
        assert (posted.points if posted else 0) == sum(gone.values())

    @rule(hours=st.integers(1, 72))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        """Any earlier request, now: the same answer, and not a byte changed."""
        work, first, _ = data.draw(st.sampled_from(self.done))
        before = self.dump()
        again = self.database.run(lambda c: work(WritingLedger(c, self.now)))

        assert again.replayed
        assert again == replace(first, replayed=True)
        assert self.dump() == before

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def ask_otherwise(self, data: st.DataObject) -> None:
        """An earlier key with other content: refused, and not a byte changed."""
        _, first, _ = data.draw(st.sampled_from(self.done))
        self.refused(lambda ledger: ledger.earn(first.key, "lee", 777), KeyReused)

    # --- what always holds ----------------------------------------------------------------------

    def check_proof(self) -> None:
        with self.database.read() as connection:
            proof = prove(connection)
        assert proof.first_broken is None
        assert (proof.issued, proof.redeemed, proof.lapsed, proof.owed) == (
            self.issued,
            self.redeemed,
            self.lapsed,
            sum(self.debt.values()),
        )

    @invariant()
    def members_have_what_the_model_says(self) -> None:
        with self.database.read() as connection:
            found = WritingLedger(connection, self.now).balances(MEMBERS)
        # As a reader sees it: overdue holds count as given back.
        holds, self.holds = self.holds, {k: h for k, h in self.holds.items() if h[1] > self.now}
        for member, balance in found.items():
            assert balance.posted == sum(n for lot, n in self.lots.items() if lot[0] == member)
            assert balance.held == sum(
                sum(parts.values()) for who, _, parts in self.holds.values() if who == member
            )
            assert balance.available == self.available(member) >= 0
            assert balance.debt == self.debt[member]
            dated: dict[datetime, int] = {}
            for lot, n in self.free(member):
                dated[lot[1]] = dated.get(lot[1], 0) + n
            assert dict(balance.next_expiry) == {at: n for at, n in dated.items() if n}
        self.holds = holds


def test_any_sequence_of_postings_agrees_with_the_model(tmp_path: Path) -> None:
    """Whatever customers, cashiers and clocks do, no point is lost, doubled or below zero."""
    LedgerMachine.template = tmp_path / "template.sqlite3"
    upgrade(f"sqlite:///{LedgerMachine.template}")
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
