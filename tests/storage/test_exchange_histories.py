"""Any history of an offer: claims come, end, run out and come again, and the sums always hold."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from storage.store import SqlStore
from tests.storage.exchange_desk import HOLD, PRICE, Desk
from tests.storage.rows import NOON, StillClock

STOCK, LIMIT = 5, 2
MEANS = {"lee": 0, "kim": PRICE, "ann": 3 * PRICE, "bob": 20 * PRICE, "eve": 20 * PRICE}

_numbers = count(1)
Members = st.sampled_from(sorted(MEANS))
Requests = st.sampled_from([f"r{n}" for n in range(8)])
Quantities = st.integers(1, 3)


@dataclass
class Expected:
    """A claim as the story says it should be."""

    member: str
    quantity: int
    deadline: datetime
    status: str = "reserved"


class History(RuleBasedStateMachine):
    """Plays acts against the real store and against a plain story of what should happen."""

    store: SqlStore
    clock: StillClock

    def __init__(self) -> None:
        super().__init__()
        self.number = next(_numbers)
        self.clock.instant = NOON
        self.desk = Desk(self.store, self.clock, f"offer-{self.number}")
        self.desk.members(**{self.named(who): points for who, points in MEANS.items()})
        self.desk.open(stock=STOCK, per_member=LIMIT)
        self.claims: dict[str, Expected] = {}

    def named(self, who: str) -> str:
        return f"{who}-{self.number}"

    def live(self, *statuses: str) -> list[Expected]:
        """Claims that count now: a reservation is over from its deadline."""
        return [
            claim
            for claim in self.claims.values()
            if claim.status in statuses
            and (claim.status != "reserved" or self.clock.instant < claim.deadline)
        ]

    def units(self, who: str | None = None) -> int:
        live = self.live("reserved", "confirmed")
        return sum(c.quantity for c in live if who in (None, c.member))

    def spendable(self, who: str) -> int:
        return MEANS[who] - self.units(who) * PRICE

    @rule(who=Members, request=Requests, quantity=Quantities)
    def reserve(self, who: str, request: str, quantity: int) -> None:
        known = self.claims.get(request)
        if known is not None:
            same = (known.member, known.quantity) == (who, quantity)
            expected = "accepted" if same else "key_reused"
        elif STOCK - self.units() < quantity:
            expected = "sold_out"
        elif self.units(who) + quantity > LIMIT:
            expected = "limit_reached"
        elif self.spendable(who) < quantity * PRICE:
            expected = "not_enough_points"
        else:
            expected = "accepted"
            self.claims[request] = Expected(who, quantity, self.clock.instant + HOLD)
        act = self.desk.refused(self.desk.reserve, self.named(who), request, quantity)
        assert act == expected

    @rule(request=Requests)
    def repeat(self, request: str) -> None:
        claim = self.claims.get(request)
        if claim is not None:
            answer = self.desk.reserve(self.named(claim.member), request, claim.quantity)
            assert answer["replayed"]
            assert answer["expires_at"] == claim.deadline.isoformat()

    @rule(request=Requests)
    def confirm(self, request: str) -> None:
        claim = self.claims.get(request)
        refused = self.desk.refused(self.desk.confirm, request)
        if claim is None:
            assert refused == "unknown"
        elif claim in self.live("reserved", "confirmed"):
            assert refused == "accepted"
            claim.status = "confirmed"
        else:
            assert refused == "wrong_state"

    @rule(request=Requests, merchant=st.booleans())
    def release(self, request: str, merchant: bool) -> None:
        claim = self.claims.get(request)
        fault = "merchant" if merchant else "member"
        refused = self.desk.refused(self.desk.release, request, fault, "cancelled")
        if claim is None:
            assert refused == "unknown"
        elif claim.status == "confirmed":
            assert refused == "wrong_state"
        else:
            assert refused == "accepted"
            if claim.status == "reserved":
                overdue = self.clock.instant >= claim.deadline
                claim.status = "expired" if overdue else "released"

    @rule(request=Requests, turn=st.integers(0, 3))
    def settle(self, request: str, turn: int) -> None:
        claim = self.claims.get(request)
        if claim is None:
            return
        outcome = self.desk.settle(request, turn)
        if claim in self.live("reserved"):
            left = (claim.deadline - self.clock.instant).total_seconds()
            assert (outcome["ended"], outcome["sleep_seconds"]) == (False, left)
            return
        if claim.status == "reserved":
            claim.status = "expired"
        assert (outcome["ended"], outcome["outcome"]) == (True, claim.status)

    @rule(part=st.sampled_from([0.2, 0.5, 1.0]))
    def time_passes(self, part: float) -> None:
        self.desk.later(HOLD * part)

    @invariant()
    def stock_is_whole(self) -> None:
        standing = self.desk.standing()
        parts = (standing.remaining, standing.reserved, standing.confirmed, standing.overdue)
        assert sum(parts) == STOCK
        assert min(parts) >= 0
        assert standing.remaining + standing.overdue == STOCK - self.units()

    @invariant()
    def limits_are_what_is_claimed(self) -> None:
        assert self.desk.counted() == self.desk.claimed()
        assert max(self.desk.counted().values(), default=0) <= LIMIT

    @invariant()
    def points_held_are_those_of_open_claims(self) -> None:
        for who in MEANS:
            balance = self.desk.balance(self.named(who))
            held = sum(c.quantity for c in self.live("reserved") if c.member == who) * PRICE
            assert (balance.held, balance.available) == (held, self.spendable(who))

    def teardown(self) -> None:
        """When every order had its last turn, only confirmed claims have cost anybody anything."""
        self.desk.later(HOLD + timedelta(seconds=1))
        for request in self.claims:
            assert self.desk.settle(request, 9)["ended"]
        confirmed = sum(c.quantity for c in self.live("confirmed"))
        assert self.desk.standing().remaining == STOCK - confirmed
        for who in MEANS:
            balance = self.desk.balance(self.named(who))
            assert (balance.posted, balance.held) == (self.spendable(who), 0)


@pytest.mark.timeout(120)
def test_no_history_of_an_offer_breaks_its_sums(store: SqlStore, clock: StillClock) -> None:
    """Whatever members, shops, orders and the clock do, in any order and any number of times."""
    machine = type("Played", (History,), {"store": store, "clock": clock})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
