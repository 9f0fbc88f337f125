"""Many units of work in one transaction: each whole or not at all, and none notices the others."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from loyalty import intake
from loyalty.errors import KeyReused
from loyalty.events import Line, Purchase
from loyalty.ledger import NotEnoughPoints
from loyalty.ports import Transaction, Wants
from loyalty.programme import Programme
from storage.batch import Batch, Done
from storage.database import Database, passes
from storage.proof import prove
from storage.store import SqlStore
from tests.conftest import DatabaseMaker
from tests.storage.line import plugged
from tests.storage.rows import NOON, StillClock, member

Work = Callable[[Transaction], Any]
LATER = NOON + timedelta(days=90)


def together(store: SqlStore, *units: Work, wants: Wants = Wants()) -> list[Done[Any]]:  # noqa: B008
    """All units in one transaction."""
    with store.database.write() as connection:
        batch = Batch(connection, units=len(units))
        batch.load([wants])
        tx = store.transactions(batch)(None)
        done: list[Done[Any]] = [
            batch.run(lambda unit=unit: unit(tx), passes)  # type: ignore[misc]
            for unit in units
        ]
        batch.finish()
    return done


def rows(store: SqlStore, table: str) -> list[Any]:
    with store.database.read() as connection:
        return list(connection.execute(text(f"SELECT * FROM {table} ORDER BY 1")))


def everything(store: SqlStore) -> dict[str, list[Any]]:
    return {
        table: rows(store, table)
        for table in (
            "accounts", "transactions", "entries", "lots", "holds", "log_head", "members",
            "audit", "outbox", "cards",
        )
    }  # fmt: skip


def sound(store: SqlStore) -> None:
    with store.database.read() as connection:
        assert prove(connection).first_broken is None


def earn(key: str, member_id: str = "lee", points: int = 10) -> Work:
    return lambda tx: tx.ledger.earn(key, member_id, points, expires_at=LATER)


def joined(*ids: str) -> Work:
    def work(tx: Transaction) -> None:
        for id in ids:
            tx.members.add(member(id), "h" * 64, {})

    return work


class Fire(Exception):
    """A bug."""


def _refused(tx: Transaction) -> None:
    tx.ledger.burn("refused", "lee", 999)


def _burnt(tx: Transaction) -> None:
    tx.members.save(member("lee", spend_minor=777))
    tx.ledger.earn("burnt", "lee", 5, expires_at=LATER)
    tx.ledger.hold("burnt-hold", "lee", 3, expires_at=LATER)
    tx.outbox.add("nudge_journey", "j/x", {})
    raise Fire


def _burnt_in_a_statement(tx: Transaction) -> None:
    tx.ledger.earn("burnt", "lee", 5, expires_at=LATER)
    tx.audit.add("mia", "adjust", "lee")
    tx.connection.execute(text("SELECT 1 FROM nowhere"))  # type: ignore[attr-defined]


def _burnt_after_other_ports(tx: Transaction) -> None:
    tx.audit.add("mia", "adjust", "lee", "a reason")
    tx.members.add(member("ghost"), "h" * 64, {})
    tx.ledger.earn("burnt", "ghost", 5, expires_at=LATER)
    raise Fire


def _burnt_alone(tx: Transaction) -> None:
    """What it changed went out as rows before it failed."""
    tx.members.save(member("lee", spend_minor=777))
    tx.ledger.earn("burnt", "lee", 5, expires_at=LATER)
    assert [m.spend_minor for m in tx.members.page("", 9) if m.id == "lee"] == [777]
    tx.ledger.burn("burnt-too", "lee", 5)
    raise Fire


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (_refused, NotEnoughPoints),
        (_burnt, Fire),
        (_burnt_in_a_statement, DBAPIError),
        (_burnt_after_other_ports, Fire),
        (_burnt_alone, Fire),
    ],
)
def test_a_unit_that_fails_leaves_nothing_and_its_neighbours_commit(
    store: SqlStore, new_database: DatabaseMaker, bad: Work, why: type[Exception]
) -> None:
    """The rows are those of the same day without it, to the last byte of the log."""
    before: list[Work] = [earn("a"), lambda tx: tx.ledger.hold("h", "lee", 4, expires_at=LATER)]
    after: list[Work] = [
        lambda tx: tx.ledger.burn("b", "lee", 3),
        lambda tx: tx.ledger.confirm("h", "c"),
        lambda tx: tx.outbox.add("nudge_journey", "j/y", {"n": 1}),
        earn("d", "kim"),
    ]
    calm = SqlStore(new_database(store.database.dialect), StillClock(), Programme())
    for each in (store, calm):
        each.run(joined("kim", "lee"))
    done = together(store, *before, bad, *after)
    for unit in (*before, *after):
        calm.run(unit)

    assert isinstance(done[len(before)].error, why)
    assert [d.error for d in done if d is not done[len(before)]] == [None] * 6
    assert _without_ids(everything(store)) == _without_ids(everything(calm))
    assert store.read(lambda tx: tx.ledger.balance("lee")).posted == 3
    sound(store)


def _without_ids(tables: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """PostgreSQL does not give a number back that a rolled back row had."""
    return tables | {name: [row[1:] for row in tables[name]] for name in ("audit", "outbox")}


@pytest.mark.parametrize("several", [True, False])
def test_a_unit_that_needs_its_changes_as_rows_sees_them(store: SqlStore, several: bool) -> None:
    """Alone or among others, a question to the database counts what the unit has just changed."""
    store.run(joined("kim", "lee"))

    def spends(tx: Transaction) -> list[tuple[str, int]]:
        tx.members.save(member("lee", spend_minor=500))
        tx.ledger.earn("own", "lee", 1, expires_at=LATER)
        return [(m.id, m.spend_minor) for m in tx.members.page("", 9)]

    def renames(tx: Transaction) -> None:
        tx.members.save(member("kim", spend_minor=40))

    if several:
        done = together(store, renames, earn("a"), spends, earn("b"))
        assert [d.error for d in done] == [None] * 4
        found = done[2].result
    else:
        for unit in (renames, earn("a")):
            store.run(unit)
        found = store.run(spends)
        store.run(earn("b"))

    assert found == [("kim", 40), ("lee", 500)]
    assert [row.key for row in rows(store, "transactions")] == ["a", "own", "b"]
    sound(store)


def test_the_same_key_twice_in_one_batch_is_posted_once_and_told_again(store: SqlStore) -> None:
    """A till that retries while its first attempt is still in line hears the same, as a repeat."""
    first, second, other = together(store, earn("k"), earn("k"), earn("k", points=11))

    assert first.result is not None
    assert second.result is not None
    assert (first.result.replayed, second.result.replayed) == (False, True)
    assert first.result.balance_after == second.result.balance_after == 10
    assert isinstance(other.error, KeyReused)
    assert [row.key for row in rows(store, "transactions")] == ["k"]


def test_a_key_whose_first_user_failed_is_free_again(store: SqlStore) -> None:
    """Only success uses a key up."""
    done = together(store, _burnt_then("k"), earn("k"))

    assert isinstance(done[0].error, Fire)
    assert done[1].result is not None
    assert not done[1].result.replayed


def _burnt_then(key: str) -> Work:
    def work(tx: Transaction) -> None:
        tx.ledger.earn(key, "lee", 99, expires_at=LATER)
        raise Fire

    return work


def receipt(id: str, net: int = 2000) -> Work:
    purchase = Purchase(
        source="till",
        id=id,
        member_id="lee",
        occurred_at=NOON,
        currency="CNY",
        store="riverside",
        lines=[Line(sku="s", category="food", net_minor=net, quantity=1)],
    )
    return lambda tx: intake.record_purchase(tx, purchase)


def test_the_same_receipt_twice_in_one_batch_counts_once(store: SqlStore) -> None:
    """The second gets the first's answer; another receipt under its number is refused."""
    store.run(joined("lee"))
    first, second, other, next_ = together(
        store, receipt("r1"), receipt("r1"), receipt("r1", 3000), receipt("r2")
    )

    assert first.result is not None
    assert second.result == first.result | {"replayed": True}
    assert isinstance(other.error, KeyReused)
    assert next_.error is None
    lee = store.read(lambda tx: tx.members.get("lee"))
    assert lee is not None
    assert (lee.purchases, lee.spend_minor) == (2, 4000)
    sound(store)


def test_each_unit_is_judged_by_its_own_instant(store: SqlStore) -> None:
    """A late turn in the same batch still finds the points that lapse before the others' now."""
    store.run(lambda tx: tx.ledger.earn("a", "lee", 10, expires_at=NOON + timedelta(hours=1)))
    with store.database.write() as connection:
        batch = Batch(connection, units=2)
        at = store.transactions(batch)
        late = batch.run(lambda: at(NOON + timedelta(hours=2)).ledger.burn("x", "lee", 4), passes)
        early = batch.run(lambda: at(None).ledger.burn("y", "lee", 4), passes)
        batch.finish()

    assert isinstance(late.error, NotEnoughPoints)
    assert early.error is None


def test_what_a_failed_unit_locked_is_looked_at_again(new_database: DatabaseMaker) -> None:
    """Going back to a savepoint frees its locks: another program may write before the next unit."""
    database = new_database("postgres")
    here, there = (SqlStore(database, StillClock(), Programme()) for _ in range(2))
    here.run(joined("kim"))
    here.run(lambda tx: tx.ledger.earn("first", "kim", 10, expires_at=LATER))

    def fails(tx: Transaction) -> None:
        tx.audit.add("mia", "adjust", "kim")
        tx.members.lock("kim")
        tx.ledger.burn("no", "kim", 999)

    def meanwhile(_: Transaction) -> None:
        there.run(lambda tx: tx.members.save(replace(tx.members.lock("kim"), spend_minor=1000)))
        there.run(lambda tx: tx.ledger.burn("elsewhere", "kim", 7))

    def spends(tx: Transaction) -> None:
        kim = tx.members.lock("kim")
        tx.members.save(replace(kim, spend_minor=kim.spend_minor + 1))

    burn: Work = lambda tx: tx.ledger.burn("here", "kim", 7)  # noqa: E731
    done = together(here, fails, meanwhile, spends, burn)

    assert [type(d.error) for d in done[1:]] == [type(None), type(None), NotEnoughPoints]
    kim = here.read(lambda tx: tx.members.get("kim"))
    assert kim is not None
    assert kim.spend_minor == 1001
    sound(here)


def test_a_statement_that_fails_before_its_unit_wrote_does_not_take_the_others_along(
    new_database: DatabaseMaker,
) -> None:
    """PostgreSQL undoes all of a transaction after an error: nobody may be told that it held."""
    store = SqlStore(new_database("postgres"), StillClock(), Programme())
    store.run(joined("lee"))
    store.run(earn("first", "kim"))
    url = store.database.engine.url.update_query_dict({"options": "-c lock_timeout=50"})
    impatient = Database(url.render_as_string(hide_password=False))
    hasty = SqlStore(impatient, StillClock(), Programme())
    poster = hasty.group()
    with store.database.write() as other:
        other.execute(text("SELECT 1 FROM accounts WHERE id = 'member:kim' FOR UPDATE"))
        with plugged(poster):
            answers = [
                poster.submit(earn("a"), Wants()),
                poster.submit(lambda tx: tx.members.page("", 9), Wants()),
                poster.submit(lambda tx: tx.ledger.burn("b", "kim", 1), Wants()),
            ]
        ended = [answer.exception(20) for answer in answers]
    poster.close()
    impatient.dispose()

    assert ended[:2] == [None, None]
    assert isinstance(ended[2], DBAPIError)
    assert [row.key for row in rows(store, "transactions")] == ["first", "a"]
