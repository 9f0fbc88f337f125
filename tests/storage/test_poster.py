"""The one writer of a process: everybody is answered, and nobody is posted twice."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from loyalty.errors import KeyReused
from loyalty.ledger import NotEnoughPoints, Posted
from loyalty.ports import Transaction, Wants
from loyalty.programme import Programme
from storage.database import Database
from storage.poster import Busy, Poster, Stopped
from storage.proof import prove
from storage.store import SqlStore
from tests.conftest import DatabaseMaker
from tests.storage.line import PATIENCE, plugged
from tests.storage.rows import NOON, StillClock

LATER = NOON + timedelta(days=90)
LEE = Wants(members=("lee",))


@pytest.fixture
def poster(store: SqlStore) -> Iterator[Poster]:
    poster = store.group()
    yield poster
    poster.close()


@pytest.fixture
def server_store(new_database: DatabaseMaker) -> SqlStore:
    """A store on PostgreSQL, for what only a server can do."""
    return SqlStore(new_database("postgres"), StillClock(), Programme())


def earns(key: str, points: int = 10, member: str = "lee") -> Callable[[Transaction], Posted]:
    return lambda tx: tx.ledger.earn(key, member, points, expires_at=LATER)


def keys(database: Database) -> list[str]:
    """Posted keys in the order of the log, which is proved on the way."""
    with database.read() as connection:
        assert prove(connection).first_broken is None
        return list(connection.execute(text("SELECT key FROM transactions ORDER BY id")).scalars())


def test_work_is_done_in_the_order_it_came_and_everybody_hears_their_own_answer(
    store: SqlStore, poster: Poster
) -> None:
    """A hundred earns and burns in line: each is decided on what those before it left."""
    with plugged(poster):
        answers: list[Future[Posted]] = []
        for n in range(50):
            answers.append(poster.submit(earns(f"e{n}", 3), LEE))
            answers.append(
                poster.submit(lambda tx, n=n: tx.ledger.burn(f"b{n}", "lee", 2), LEE)  # type: ignore[misc]
            )
    posted = [answer.result(PATIENCE) for answer in answers]

    expected = [f"{kind}{n}" for n in range(50) for kind in "eb"]
    assert [p.key for p in posted] == keys(store.database) == expected
    assert [p.balance_after for p in posted[:4]] == [3, 1, 4, 2]
    assert posted[-1].balance_after == 50


def test_a_refusal_is_heard_by_whoever_asked_and_by_nobody_else(
    store: SqlStore, poster: Poster
) -> None:
    """The one who asks for too much is told what is there; the line goes on."""
    with plugged(poster):
        rich = poster.submit(earns("a"), LEE)
        poor = poster.submit(lambda tx: tx.ledger.burn("b", "lee", 11), LEE)
        last = poster.submit(lambda tx: tx.ledger.burn("c", "lee", 10), LEE)

    assert rich.result(PATIENCE).balance_after == 10
    with pytest.raises(NotEnoughPoints):
        poor.result(PATIENCE)
    assert last.result(PATIENCE).balance_after == 0
    assert keys(store.database) == ["a", "c"]


def test_a_refusal_keeps_nothing_of_its_batch_alive(store: SqlStore, poster: Poster) -> None:
    """What is left to the collector holds every caller up when it comes by."""
    seen: list[weakref.ref[Any]] = []

    def too_much(tx: Transaction) -> Posted:
        seen.append(weakref.ref(tx))
        return tx.ledger.burn("b", "lee", 11)

    gc.disable()
    try:
        with plugged(poster):
            poster.submit(earns("a"), LEE)
            refused = poster.submit(too_much, LEE)
        assert isinstance(refused.exception(PATIENCE), NotEnoughPoints)
        for key in "cd":  # until the clerk who refused has turned to something else
            poster.submit(earns(key), LEE).result(PATIENCE)
        assert [each() for each in seen] == [None]
    finally:
        gc.enable()


def test_a_full_line_says_so_at_once(store: SqlStore) -> None:
    """Whoever comes when the line is full is told to come again, and nothing of it is done."""
    poster = store.group(waiting=2)
    with plugged(poster):
        first = [poster.submit(earns(key), LEE) for key in "ab"]
        assert poster.waiting == 2
        with pytest.raises(Busy):
            poster.submit(earns("c"), LEE)
    assert [f.result(PATIENCE).key for f in first] == ["a", "b"]
    poster.submit(earns("d"), LEE).result(PATIENCE)
    poster.close()

    assert keys(store.database) == ["a", "b", "d"]


def test_a_line_longer_than_a_batch_goes_out_in_several(store: SqlStore) -> None:
    """The bound of a batch is not a bound of the line."""
    poster = store.group(most=3)
    with plugged(poster):
        answers = [poster.submit(earns(f"k{n}"), LEE) for n in range(10)]
    assert [a.result(PATIENCE).balance_after for a in answers] == list(range(10, 101, 10))
    poster.close()


def test_a_process_that_stops_finishes_its_line_first(store: SqlStore) -> None:
    """What was taken is done; what comes after is refused."""
    poster = store.group()
    with plugged(poster):
        answers = [poster.submit(earns(f"k{n}"), LEE) for n in range(5)]
        closing = threading.Thread(target=poster.close)
        closing.start()
    closing.join(PATIENCE)

    assert not closing.is_alive()
    assert [a.result(0).key for a in answers] == keys(store.database)
    with pytest.raises(Stopped):
        poster.submit(earns("late"), LEE)


def test_what_nobody_waits_for_any_more_is_left_out(store: SqlStore, poster: Poster) -> None:
    """A caller who gave up while in line is not served; the writer goes on."""
    with plugged(poster):
        gone = [poster.submit(earns(key), LEE) for key in "ab"]
        assert all(answer.cancel() for answer in gone)
    assert poster.submit(earns("c"), LEE).result(PATIENCE).balance_after == 10
    assert keys(store.database) == ["c"]


def test_a_line_of_people_who_left_does_not_stop_the_writer(
    store: SqlStore, poster: Poster
) -> None:
    """Also while the database is away."""
    away = threading.Event()

    @event.listens_for(store.database.engine, "do_connect")
    def refuse(*_: Any) -> None:
        if away.is_set():
            raise store.database.engine.dialect.loaded_dbapi.OperationalError("refused")

    with plugged(poster):
        store.database.engine.dispose()
        away.set()
        gone = poster.submit(earns("a"), LEE)
        assert gone.cancel()
    waits = poster.submit(lambda tx: None, Wants())
    waits.exception(PATIENCE)
    away.clear()

    assert poster.submit(earns("c"), LEE).result(PATIENCE).balance_after == 10


def test_while_the_database_is_away_it_is_not_asked_again_for_everybody(
    server_store: SqlStore,
) -> None:
    """A hundred in line hear within one or two attempts that it is away, not after a hundred."""
    poster = server_store.group()
    attempts = []

    @event.listens_for(server_store.database.engine, "do_connect")
    def refuse(_dialect: Any, _record: Any, _args: Any, to: dict[str, Any]) -> None:
        attempts.append(1)
        to.update(host="127.0.0.1", port=1)

    server_store.database.engine.dispose()
    with plugged_in_memory(poster):
        answers = [poster.submit(earns(f"k{n}"), LEE) for n in range(100)]
    ended = [answer.exception(PATIENCE) for answer in answers]
    poster.close()

    assert all(isinstance(error, DBAPIError) for error in ended)
    assert len(attempts) < 10


@contextmanager
def plugged_in_memory(poster: Poster) -> Iterator[None]:
    """Hold the line itself, where the database cannot be reached for a plug."""
    with poster._there:
        yield


POISON: list[Callable[[Transaction], object]] = [
    # Longer than the column that every row of it needs.
    lambda tx: tx.ledger.earn("bad", "m" * 130, 1, expires_at=LATER),
    lambda tx: tx.ledger.earn("bad", "lee", 1, expires_at=LATER, source="s" * 65),
    lambda tx: tx.ledger.earn("bad", "lee", 2**63, expires_at=LATER),
    lambda tx: tx.ledger.earn("bad\x00", "lee", 1, expires_at=LATER),
    lambda tx: tx.ledger.earn("bad", "lee", 1, expires_at=LATER, meta={"note": "\udc00"}),
]


@pytest.mark.parametrize("poison", POISON, ids=["member", "source", "points", "nul", "text"])
def test_what_the_database_refuses_spoils_only_itself(
    server_store: SqlStore, poison: Callable[[Transaction], object]
) -> None:
    """Rows that cannot be written are found by halves; the line before and behind is posted."""
    poster = server_store.group()
    with plugged(poster):
        answers = [poster.submit(earns(f"k{n}"), LEE) for n in range(5)]
        bad = poster.submit(poison, Wants())
        answers += [poster.submit(earns(f"k{n}"), LEE) for n in range(5, 9)]

    assert [a.result(PATIENCE).key for a in answers] == keys(server_store.database)
    assert bad.exception(PATIENCE) is not None
    poster.close()


def test_a_key_that_another_program_posted_meanwhile_is_a_repeat(server_store: SqlStore) -> None:
    """Both looked and found nothing; the second is told what the first was, and not an error."""
    other = SqlStore(server_store.database, StillClock(), Programme())
    poster = server_store.group()
    first_time = iter([True])

    def slowly(tx: Transaction) -> Posted:
        """Between looking and writing, somebody else posts the same key for the same reason."""
        posted = tx.ledger.earn("k", "lee", 10, expires_at=LATER)
        if next(first_time, False):
            other.run(earns("k"))
            other.run(earns("other", 5))
        return posted

    with plugged(poster):
        before = poster.submit(earns("a", member="kim"), Wants())
        answer = poster.submit(slowly, Wants(keys=("k", "other")))
        differs = poster.submit(earns("other", 6), Wants())

    assert before.result(PATIENCE).balance_after == 10
    assert answer.result(PATIENCE).replayed
    assert isinstance(differs.exception(PATIENCE), KeyReused)
    poster.close()
    assert sorted(keys(server_store.database)) == ["a", "k", "other"]


def test_programs_that_lock_each_other_out_both_get_through(server_store: SqlStore) -> None:
    """One hands from lee to kim while another asks for kim, then lee: PostgreSQL ends one of them,
    and it is done again."""
    server_store.run(earns("lee", member="lee"))
    server_store.run(earns("kim", member="kim"))
    here = server_store.group()
    there = SqlStore(server_store.database, StillClock(), Programme()).group()
    meet = threading.Barrier(2)
    rounds: list[str] = []

    def crosswise(mine: str, yours: str) -> Callable[[Transaction], int]:
        def work(tx: Transaction) -> int:
            tx.ledger.burn(f"{mine}-1", mine, 1)
            rounds.append(mine)
            if len(rounds) <= 2:
                meet.wait(PATIENCE)
            return tx.ledger.burn(f"{mine}-2", yours, 1).balance_after

        return work

    answers = [
        here.submit(crosswise("lee", "kim"), Wants()),
        there.submit(crosswise("kim", "lee"), Wants()),
    ]
    assert sorted(answer.result(PATIENCE) for answer in answers) == [8, 9]
    for poster in (here, there):
        poster.close()

    assert len(rounds) > 2
    assert len(keys(server_store.database)) == 6


# --- a connection lost at the commit -----------------------------------------------------------


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("crowd", [1, 10])  # more would be two batches
def test_a_connection_lost_at_the_commit_leaves_nobody_in_doubt(
    server_store: SqlStore, committed: bool, crowd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the server had committed or not, everybody is answered, and posted exactly once."""
    database = server_store.database
    admin = Database(database.url)
    lost: list[int] = []

    def commit(raw: Any) -> None:
        if lost or not armed.is_set():
            raw.commit()
            return
        lost.append(1)
        if committed:
            raw.commit()
        # A busy machine may take longer to end it than this waits: until then nothing is lost.
        pid = {"pid": raw.driver_connection.info.backend_pid}
        while True:
            with admin.write() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), pid)
            with admin.read() as other:
                there = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
                if not other.execute(there, pid).scalar_one():
                    break
        # What the client hears of its COMMIT, either way: the connection is closed.
        raw.execute("COMMIT")

    monkeypatch.setattr(database.engine.dialect, "do_commit", commit)
    armed = threading.Event()
    poster = server_store.group()

    def first(tx: Transaction) -> Posted:
        armed.set()  # the commit of this batch, not of the plug before it
        return earns("k0")(tx)

    with plugged(poster):
        answers = [poster.submit(first, LEE)]
        answers += [poster.submit(earns(f"k{n}"), LEE) for n in range(1, crowd)]
        refused = poster.submit(lambda tx: tx.ledger.burn("x", "lee", 10_000), LEE)
    assert isinstance(refused.exception(PATIENCE), NotEnoughPoints)
    posted = [answer.result(PATIENCE) for answer in answers]
    poster.close()
    admin.dispose()

    assert lost
    assert [p.balance_after for p in posted] == [10 * (n + 1) for n in range(crowd)]
    assert {p.replayed for p in posted} == {committed}
    assert keys(database) == [f"k{n}" for n in range(crowd)]
