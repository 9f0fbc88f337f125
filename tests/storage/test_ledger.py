"""The ledger on both databases: each key once, nobody below zero, every reversal named."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import event

from loyalty.errors import Invalid, KeyReused, Unknown
from loyalty.ledger import Balance, HoldClosed, LotUse, NotEnoughPoints
from storage.database import Database
from storage.ledger import SqlLedger, WritingLedger
from storage.proof import Proof, prove

T = TypeVar("T")
NOW = datetime(2026, 10, 7, 12, tzinfo=UTC)
SOON = NOW + timedelta(days=5)
LATER = NOW + timedelta(days=90)


class Till:
    """Posts one thing per transaction, at a time the test sets."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW

    def do(self, work: Callable[[SqlLedger], T]) -> T:
        return self.database.run(lambda connection: work(WritingLedger(connection, self.now)))

    def balance(self, member: str = "lee") -> Balance:
        with self.database.read() as connection:
            return WritingLedger(connection, self.now).balance(member)

    def proof(self) -> Proof:
        with self.database.read() as connection:
            return prove(connection)


@pytest.fixture
def till(database: Database) -> Any:
    till = Till(database)
    yield till
    assert till.proof().first_broken is None


def test_a_posting_answers_with_everything_a_receipt_needs(till: Till) -> None:
    """Id, balance, what can be spent and the lots used come with the posting itself."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100, expires_at=LATER))
    till.do(lambda ledger: ledger.earn("e2", "lee", 50, expires_at=SOON, source="welcome"))
    posted = till.do(lambda ledger: ledger.burn("b1", "lee", 70, meta={"order": "o-1"}))

    assert (posted.balance_after, posted.available_after, posted.points) == (80, 80, 70)
    assert posted.lots == (LotUse(SOON, "welcome", 50), LotUse(LATER, "purchase", 20))
    assert posted.meta == {"order": "o-1"}
    assert till.balance() == Balance(80, 0, 80, 0, [(LATER, 80)])


def test_the_same_key_gives_the_same_answer_and_posts_nothing(till: Till) -> None:
    """A till that lost its connection asks again and learns what happened."""
    first = till.do(lambda ledger: ledger.earn("e1", "lee", 100, expires_at=LATER))
    till.do(lambda ledger: ledger.burn("b1", "lee", 40))
    again = till.do(lambda ledger: ledger.earn("e1", "lee", 100, expires_at=LATER))

    assert again.replayed
    assert (again.key, again.lots, again.balance_after, again.at) == (
        first.key,
        first.lots,
        100,
        NOW,
    )
    assert till.balance().posted == 60


def test_the_same_key_with_other_content_is_refused(till: Till) -> None:
    """Never a silent yes: other points, another member, another kind of posting."""
    till.do(lambda ledger: ledger.earn("k", "lee", 100))
    others: list[Callable[[SqlLedger], Any]] = [
        lambda ledger: ledger.earn("k", "lee", 101),
        lambda ledger: ledger.earn("k", "kim", 100),
        lambda ledger: ledger.burn("k", "lee", 100),
    ]
    for other in others:
        with pytest.raises(KeyReused):
            till.do(other)

    assert till.proof().transactions == 1


def test_a_refusal_writes_nothing_and_leaves_its_key_free(till: Till) -> None:
    """The same order may be tried again when the points are there."""
    with pytest.raises(NotEnoughPoints):
        till.do(lambda ledger: ledger.burn("b1", "lee", 10))
    till.do(lambda ledger: ledger.earn("e1", "lee", 10))

    assert not till.do(lambda ledger: ledger.burn("b1", "lee", 10)).replayed


@pytest.mark.parametrize("key", ["", "k" * 241])
def test_a_posting_needs_a_key_that_fits(till: Till, key: str) -> None:
    """No key, no promise that it happens once."""
    with pytest.raises(Invalid):
        till.do(lambda ledger: ledger.earn(key, "lee", 10))


def test_what_does_not_exist_is_said_by_name(till: Till) -> None:
    """A wrong hold or transaction id is told, not ignored."""
    asks: list[Callable[[SqlLedger], Any]] = [
        lambda ledger: ledger.confirm("nowhere", "k"),
        lambda ledger: ledger.release("nowhere", "k"),
        lambda ledger: ledger.reverse("k", "nowhere"),
        lambda ledger: ledger.transaction("nowhere"),
    ]
    for ask in asks:
        with pytest.raises(Unknown, match="nowhere"):
            till.do(ask)


def test_a_hold_is_shown_and_settled_once(till: Till) -> None:
    """Confirming part gives the rest back; a second settlement is refused, a repeat answered."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100, expires_at=LATER))
    held = till.do(lambda ledger: ledger.hold("h1", "lee", 80, expires_at=SOON))
    during = till.balance()
    done = till.do(lambda ledger: ledger.confirm("h1", "c1", 50))
    again = till.do(lambda ledger: ledger.confirm("h1", "c1", 50))
    refused: list[Callable[[SqlLedger], Any]] = [
        lambda ledger: ledger.confirm("h1", "c2"),
        lambda ledger: ledger.release("h1", "r1"),
    ]
    for ask in refused:
        with pytest.raises(HoldClosed):
            till.do(ask)

    assert (held.hold_id, held.available_after) == ("h1", 20)
    assert (during.posted, during.held, during.available) == (100, 80, 20)
    assert during.next_expiry == [(LATER, 20)]
    assert (done.balance_after, again.replayed) == (50, True)
    assert till.balance() == Balance(50, 0, 50, 0, [(LATER, 50)])


def test_a_hold_spent_in_part_used_the_lots_that_paid(till: Till) -> None:
    """400 were held of two lots and 100 are spent: the second gave nothing, told now or later."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100, expires_at=SOON))
    till.do(lambda ledger: ledger.earn("e2", "lee", 300, expires_at=LATER))
    held = till.do(lambda ledger: ledger.hold("h1", "lee", 400, expires_at=SOON))
    done = till.do(lambda ledger: ledger.confirm("h1", "c1", 100))
    again = till.do(lambda ledger: ledger.transaction("c1"))

    assert held.lots == (LotUse(SOON, "purchase", 100), LotUse(LATER, "purchase", 300))
    assert done.lots == again.lots == (LotUse(SOON, "purchase", 100),)


def test_releasing_twice_answers_the_first_release(till: Till) -> None:
    """The order and the cleaner may both give back; the member gets it once."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100))
    till.do(lambda ledger: ledger.hold("h1", "lee", 80, expires_at=SOON))
    first = till.do(lambda ledger: ledger.release("h1", "r1"))
    second = till.do(lambda ledger: ledger.release("h1", "r2"))

    assert (second.key, second.at, second.replayed) == (
        "r1",
        first.at,
        True,
    )
    assert till.balance().available == 100


def test_a_hold_past_its_deadline_counts_as_given_back(till: Till) -> None:
    """Readers see it at once, the next posting writes it down, and confirming is too late."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100))
    till.do(lambda ledger: ledger.hold("h1", "lee", 80, expires_at=SOON))
    till.now = SOON
    seen = till.balance()
    with pytest.raises(HoldClosed):
        till.do(lambda ledger: ledger.confirm("h1", "c1"))
    spent = till.do(lambda ledger: ledger.burn("b1", "lee", 100))

    assert (seen.held, seen.available) == (0, 100)
    assert spent.balance_after == 0
    assert till.do(lambda ledger: ledger.release("h1", "r1")).key == "overdue:h1"


def test_partial_reversals_name_the_original_and_end_with_it(till: Till) -> None:
    """Refund after refund, never more than the purchase gave."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100, expires_at=LATER))
    till.do(lambda ledger: ledger.reverse("r1", "e1", 30))
    rest = till.do(lambda ledger: ledger.reverse("r2", "e1"))
    with pytest.raises(Exception, match="0 of transaction 'e1' are left"):
        till.do(lambda ledger: ledger.reverse("r3", "e1", 1))

    assert (rest.points, rest.balance_after) == (70, 0)


def test_points_refunded_after_they_were_spent_become_debt(till: Till) -> None:
    """Burning is blocked until later earns have repaid it."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100))
    till.do(lambda ledger: ledger.burn("b1", "lee", 70))
    taken = till.do(lambda ledger: ledger.reverse("r1", "e1"))
    owing = till.balance()
    repaid = till.do(lambda ledger: ledger.earn("e2", "lee", 100))

    assert (taken.debt_change, owing.debt, owing.available) == (70, 70, 0)
    assert (repaid.debt_change, repaid.available_after) == (-70, 30)
    assert till.proof().owed == 0


@pytest.mark.parametrize("booked", [True, False], ids=["care came by", "care is late"])
def test_points_that_lapsed_are_not_taken_again_for_a_refund(till: Till, booked: bool) -> None:
    """Rules 1 and 6: 70 of 100 were spent, 30 lapsed: 70 are owed, whenever care came by."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100, expires_at=SOON))
    till.do(lambda ledger: ledger.burn("b1", "lee", 70))
    till.now = SOON
    if booked:
        till.do(lambda ledger: ledger.expire("lee", SOON))
    taken = till.do(lambda ledger: ledger.reverse("r1", "e1"))

    assert (taken.points, taken.debt_change, taken.lapsed) == (100, 70, 30 if booked else 0)
    assert till.balance() == Balance(0, 0, 0, 70, [])
    proof = till.proof()
    assert proof.ok
    assert (proof.issued, proof.lapsed, proof.redeemed) == (0, 0, 70)


def test_of_one_lot_that_lapsed_each_refund_leaves_out_its_own_part(till: Till) -> None:
    """Two purchases of one month: half of their points were spent, so half are owed, in parts."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100, expires_at=SOON))
    till.do(lambda ledger: ledger.earn("e2", "lee", 100, expires_at=SOON))
    till.do(lambda ledger: ledger.burn("b1", "lee", 100))
    till.now = SOON
    till.do(lambda ledger: ledger.expire("lee", SOON))
    parts = (("r1", "e1", 60), ("r2", "e2", 50), ("r3", "e1", 40), ("r4", "e2", 50))
    taken = till.do(lambda ledger: [ledger.reverse(*part) for part in parts])

    assert [(each.lapsed, each.debt_change) for each in taken] == [
        (60, 0),
        (40, 10),
        (0, 40),
        (0, 50),
    ]
    assert till.proof().ok


def test_points_that_were_given_more_time_and_lapsed_then_are_not_owed(till: Till) -> None:
    """Nobody was warned of the first date, so they lived on to another; then they were gone."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100, expires_at=SOON))
    till.do(lambda ledger: ledger.prolong("p1", "lee", SOON, LATER, 100))
    till.now = LATER
    till.do(lambda ledger: ledger.expire("lee", LATER))
    taken = till.do(lambda ledger: ledger.reverse("r1", "e1"))

    assert (taken.lapsed, taken.debt_change) == (100, 0)


def test_who_left_and_whose_points_were_broken_owes_nothing(till: Till) -> None:
    """Rule 19: what leaves by name is not asked for again when the goods come back."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100))
    till.do(lambda ledger: ledger.forfeit("left", "lee"))
    taken = till.do(lambda ledger: ledger.reverse("r1", "e1"))

    assert (taken.lapsed, taken.debt_change) == (100, 0)


def test_points_refunded_within_the_balance_forgive_the_rest(till: Till) -> None:
    """The answer says how much was not there, and it is not asked for again."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100))
    till.do(lambda ledger: ledger.burn("b1", "lee", 70))
    taken = till.do(lambda ledger: ledger.reverse("r1", "e1", 60, policy="within_balance"))
    last = till.do(lambda ledger: ledger.reverse("r2", "e1", policy="within_balance"))

    assert (taken.points, taken.shortfall) == (60, 30)
    assert (last.points, last.shortfall) == (40, 40)
    assert till.balance() == Balance(0, 0, 0, 0, [])


def test_a_cancelled_burn_returns_to_its_lots_part_by_part(till: Till) -> None:
    """The same lots, the same dates, and no part twice."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 20, expires_at=SOON))
    till.do(lambda ledger: ledger.earn("e2", "lee", 20, expires_at=LATER))
    till.do(lambda ledger: ledger.burn("b1", "lee", 30))
    till.do(lambda ledger: ledger.reverse("r1", "b1", 15))
    part = till.balance()
    till.do(lambda ledger: ledger.reverse("r2", "b1"))

    assert part.next_expiry == [(SOON, 5), (LATER, 20)]
    assert till.balance().next_expiry == [(SOON, 20), (LATER, 20)]


def test_expiry_takes_what_lapsed_once(till: Till) -> None:
    """The night run may be killed and run again; held points outlive the date."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 100, expires_at=SOON))
    till.do(lambda ledger: ledger.earn("e2", "lee", 40, expires_at=LATER))
    till.do(lambda ledger: ledger.hold("h1", "lee", 30, expires_at=LATER))
    till.now = SOON
    before = till.balance()
    swept = till.do(lambda ledger: ledger.expire("lee", SOON))
    again = till.do(lambda ledger: ledger.expire("lee", SOON))
    nobody = till.do(lambda ledger: ledger.expire("kim", SOON))

    assert (before.posted, before.available) == (140, 40)
    assert swept is not None
    assert again is not None
    assert (swept.points, swept.balance_after, again.replayed) == (70, 70, True)
    assert nobody is None
    assert till.proof().lapsed == 70


def test_a_statement_lists_every_line_without_a_gap(till: Till) -> None:
    """Newest first, page after page, with the balance after each."""
    for n in range(1, 6):
        till.do(lambda ledger, n=n: ledger.earn(f"e{n}", "lee", n, campaign_id="c1"))  # type: ignore[misc]
    with till.database.read() as connection:
        ledger = WritingLedger(connection, NOW)
        newest = ledger.statement("lee", limit=2)
        rest = ledger.statement("lee", limit=9, before_seq=newest[-1].seq)

    assert [line.seq for line in newest + rest] == [5, 4, 3, 2, 1]
    assert [line.balance for line in newest + rest] == [15, 10, 6, 3, 1]
    assert newest[0].campaign_id == "c1"


def test_balances_of_many_members_come_together(till: Till) -> None:
    """An audience is judged in a few queries; who never earned has nothing."""
    for name in ("lee", "kim"):
        till.do(lambda ledger, name=name: ledger.earn(f"e-{name}", name, 10))  # type: ignore[misc]
    with till.database.read() as connection:
        found = WritingLedger(connection, NOW).balances(["lee", "kim", "nobody"])

    assert {name: b.available for name, b in found.items()} == {"lee": 10, "kim": 10, "nobody": 0}


def test_a_purchase_costs_few_statements(till: Till) -> None:
    """Earning is on the way of every receipt: ten statements, whatever the member has."""
    for n in range(30):
        expires = NOW + timedelta(days=n + 1)
        till.do(lambda ledger: ledger.earn(f"e{n}", "lee", 1, expires_at=expires))  # noqa: B023
    seen: list[str] = []
    event.listen(till.database.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    till.do(lambda ledger: ledger.earn("last", "lee", 10, expires_at=LATER))

    assert len([statement for statement in seen if not statement.startswith("BEGIN")]) <= 10


def _crowd(size: int, work: Callable[[int], Any]) -> list[Any]:
    """Everybody at once; what each got, an answer or a refusal."""
    results: list[Any] = [None] * size
    start = threading.Barrier(size)

    def one(number: int) -> None:
        start.wait()
        try:
            results[number] = work(number)
        except Exception as refusal:
            results[number] = refusal

    threads = [threading.Thread(target=one, args=(n,)) for n in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_hundred_spend_the_last_points_and_nobody_below_zero(till: Till) -> None:
    """Of 200 orders for ten points each, on a balance of 500, exactly fifty go through."""
    till.do(lambda ledger: ledger.earn("e1", "lee", 500))
    results = _crowd(200, lambda n: till.do(lambda ledger: ledger.burn(f"b{n}", "lee", 10)))

    refused = [result for result in results if isinstance(result, NotEnoughPoints)]
    assert len(refused) == 150
    assert len([result for result in results if not isinstance(result, Exception)]) == 50
    assert till.balance().posted == 0


def test_one_key_from_many_sides_is_posted_once(till: Till) -> None:
    """A member's first points, sent forty times at once, are given once."""
    results = _crowd(40, lambda n: till.do(lambda ledger: ledger.earn("welcome", "lee", 500)))

    assert sorted(result.replayed for result in results) == [False] + [True] * 39
    assert till.balance().posted == 500


def test_one_key_for_two_members_goes_to_the_first(till: Till) -> None:
    """Different books have different locks; the key still belongs to one."""
    results = _crowd(20, lambda n: till.do(lambda ledger: ledger.earn("k", f"member-{n}", 10)))

    assert len([result for result in results if isinstance(result, KeyReused)]) == 19
    assert till.proof().issued == 10


def test_members_first_points_at_once_are_all_counted(till: Till) -> None:
    """Opening a book twice at the same moment loses nothing."""
    _crowd(40, lambda n: till.do(lambda ledger: ledger.earn(f"e{n}", f"m{n % 4}", 10)))

    assert till.proof().outstanding == 400
