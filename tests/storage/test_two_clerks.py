"""Two clerks of a process at one line: who came later is judged by what those before did."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, text

from loyalty.events import Line, Purchase, Refund
from loyalty.intake import purchase_wants, record_purchase
from loyalty.ledger import NotEnoughPoints
from loyalty.ports import Transaction, Wants
from loyalty.programme import Programme
from loyalty.refunds import record_refund, refund_wants
from loyalty.registration import Registration, register
from storage.store import SqlStore
from tests.conftest import DatabaseMaker
from tests.storage.line import PATIENCE
from tests.storage.rows import NOON, StillClock

MEMBERS = [f"m{number}" for number in range(20)]


@pytest.fixture
def shop(new_database: DatabaseMaker) -> Iterator[SqlStore]:
    """A shop with twenty members on PostgreSQL, where two clerks work."""
    store = SqlStore(new_database("postgres"), StillClock(), Programme())
    for each in MEMBERS:
        store.run(partial(register, registration=Registration(id=each)))
    store.group()
    yield store
    store.close()


def bought(id: str, member: str) -> Purchase:
    return Purchase(
        source="till",
        id=id,
        member_id=member,
        occurred_at=NOON - timedelta(hours=1),
        currency="CNY",
        lines=(Line(sku="s", category="grocery", net_minor=10_000),),
    )


def sells(shop: SqlStore, purchase: Purchase) -> Any:
    return shop.submit(lambda tx: record_purchase(tx, purchase), purchase_wants(purchase))


def takes_back(shop: SqlStore, id: str, purchase_id: str) -> Any:
    refund = Refund(source="till", id=id, purchase_id=purchase_id, occurred_at=NOON)
    return shop.submit(lambda tx: record_refund(tx, refund), refund_wants(refund))


def test_returns_that_are_uploaded_right_behind_their_receipts_find_them(shop: SqlStore) -> None:
    """A till that was offline sends its whole day: nobody keeps points of what came back."""
    answers = []
    for day in range(10):
        answers += [sells(shop, bought(f"{day}-{each}", each)) for each in MEMBERS]
        answers += [takes_back(shop, f"back-{day}-{each}", f"{day}-{each}") for each in MEMBERS]

    assert [answer.exception(PATIENCE) for answer in answers] == [None] * len(answers)
    balances = shop.run(lambda tx: tx.ledger.balances(MEMBERS))
    assert {balance.posted for balance in balances.values()} == {0}


def test_a_return_sent_again_at_once_is_a_repeat(shop: SqlStore) -> None:
    """The till hears its first answer, not that everything came back already."""
    for each in MEMBERS:
        sells(shop, bought(each, each)).result(PATIENCE)

    twice = [takes_back(shop, f"back-{each}", each) for _ in range(2) for each in MEMBERS]

    answers = [answer.result(PATIENCE) for answer in twice]
    assert [answer["replayed"] for answer in answers] == [False] * 20 + [True] * 20


def test_a_return_sent_again_to_another_server_is_a_repeat(shop: SqlStore) -> None:
    """The first is written and not committed yet: the second waits for it, and is told the same."""
    sells(shop, bought("p", "m0")).result(PATIENCE)
    refund = Refund(source="till", id="back", purchase_id="p", occurred_at=NOON)
    wants = refund_wants(refund)
    servers = [SqlStore(shop.database, StillClock(), Programme()) for _ in range(2)]
    written, heard, told = threading.Event(), threading.Event(), []

    def slowly(tx: Transaction) -> dict[str, Any]:
        answer = record_refund(tx, refund)
        assert tx.connection  # type: ignore[attr-defined]  # all of it is written by now
        written.set()
        heard.wait(PATIENCE)
        return answer

    first = threading.Thread(target=lambda: told.append(servers[0].run(slowly, wants=wants)))
    first.start()
    assert written.wait(PATIENCE)
    again = threading.Thread(
        target=lambda: told.append(
            servers[1].run(lambda tx: record_refund(tx, refund), wants=wants)
        )
    )
    again.start()
    again.join(0.5)
    assert again.is_alive()
    heard.set()
    for each in (first, again):
        each.join(PATIENCE)

    assert [answer["replayed"] for answer in told] == [False, True]


def test_a_refusal_costs_nobody_the_connection(shop: SqlStore) -> None:
    """A refusal is an answer: who is refused alone in line leaves the clerk's connection as it is,
    with all that was prepared on it, though others wrote by that connection before.
    """
    made: list[object] = []
    event.listen(shop.database.engine, "connect", lambda *_: made.append(1))

    for number in range(20):
        for _ in range(2):  # one for each clerk
            refused = shop.submit(lambda tx: tx.ledger.burn("b", "m1", 9_999), Wants(("m1",)))
            assert isinstance(refused.exception(PATIENCE), NotEnoughPoints)
        assert sells(shop, bought(f"p{number}", "m1")).exception(PATIENCE) is None

    assert len(made) <= 4  # two clerks, and whoever asks beside them


def test_who_comes_while_a_batch_is_halved_is_judged_after_it(shop: SqlStore) -> None:
    """One unit spoils the writing of its batch; who comes meanwhile comes after all of it."""
    busy, heard = threading.Event(), threading.Event()
    later: list[Any] = []
    times = dict.fromkeys(MEMBERS, 0)

    def earns(member: str) -> Any:
        def work(tx: Transaction) -> None:
            times[member] += 1
            if member == "m0":
                busy.set()
                heard.wait(PATIENCE)
            tx.ledger.earn(f"k-{member}", member, 5)
            if member == "m4":
                tx.ledger.earn("spoilt", member, 5, source="s" * 65)  # no row can hold it
            if member == "m1" and times[member] == 2:
                latecomer = Wants(members=("m9",))
                later.append(shop.submit(lambda tx: tx.ledger.earn("late", "m9", 1), latecomer))

        return shop.submit(work, Wants(members=(member,)))

    answers = [earns("m0")]
    assert busy.wait(PATIENCE)
    answers += [earns(member) for member in ("m1", "m2", "m3", "m4")]
    heard.set()

    assert [bool(answer.exception(PATIENCE)) for answer in answers] == [False] * 4 + [True]
    later[0].result(PATIENCE)
    with shop.database.read() as connection:
        posted = connection.execute(text("SELECT key FROM transactions ORDER BY id")).scalars()
        assert list(posted) == ["k-m0", "k-m1", "k-m2", "k-m3", "late"]
