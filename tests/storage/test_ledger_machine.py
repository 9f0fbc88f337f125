"""Any day at the tills: one by one or in batches, on SQLite or PostgreSQL, the rows are the same.

What is right is told by the rules on paper, which have a machine of their own beside them; here it
is whether the databases record just that, and seal it the same, however the day was cut up.
"""

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from loyalty import ledger as asked
from loyalty.errors import LoyaltyError
from loyalty.ledger import POLICIES, Posted
from loyalty.ports import Ledger, Transaction, Wants
from loyalty.programme import Programme
from storage.batch import Batch
from storage.database import passes
from storage.proof import prove
from storage.store import SqlStore
from tests.conftest import DatabaseMaker
from tests.loyalty.paper import Asked, Paper, Told
from tests.storage.rows import NOON, StillClock

MEMBERS = ("lee", "kim", "ann")
TABLES = ("accounts", "transactions", "entries", "lots", "holds", "log_head", "audit")
ZONES = (ZoneInfo("UTC"), ZoneInfo("Asia/Shanghai"))
EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "150")) // 5


class Fire(Exception):
    """A bug in whatever called the ledger."""


class Call(NamedTuple):
    """One request with its key."""

    key: str
    request: Asked


class Step(NamedTuple):
    """One unit of work: its calls, the instant it is judged by, and what else it does."""

    calls: tuple[Call, ...]
    now: datetime
    looks: bool = False  # asks the database for what it has just changed
    burns: bool = False  # breaks off at its end


Answer = Told | str | None


def told(posted: Posted | None) -> Told | None:
    return None if posted is None else Told(*(getattr(posted, name) for name in Told._fields))


def ask(ledger: Ledger, call: Call) -> Posted | None:  # noqa: C901 - ten requests
    """The request as a call of the port."""
    key = call.key
    match call.request:
        case asked.Earn(m, n, kind, at, source, _, _, since):
            return ledger.earn(
                key, m, n, kind=kind, expires_at=at, source=source, available_at=since
            )
        case asked.Burn(m, n):
            return ledger.burn(key, m, n, meta={"at": "till"})
        case asked.Reserve(m, n, _, at):
            return ledger.hold(key, m, n, expires_at=at)
        case asked.Confirm(hold, some):
            return ledger.confirm(hold, key, some)
        case asked.Release(hold):
            return ledger.release(hold, key)
        case asked.Reverse(original, some, policy, until):
            return ledger.reverse(key, original, some, policy, reinstate_until=until)
        case asked.Expire(m, before):
            return ledger.expire(m, before, key)
        case asked.Transfer(m, other, n, kind, all_of_it):
            return ledger.transfer(key, m, other, n, kind=kind, everything=bool(all_of_it))
        case asked.Adjust(m, n, at):
            return ledger.adjust(key, m, n, expires_at=at, meta={"reason": "counted again"})
        case asked.Forfeit(m):
            return ledger.forfeit(key, m)
    raise AssertionError(call)


# --- a day, written on paper -------------------------------------------------------------------


class Day:
    """Draws units of work that mean something, and what each must be told."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw
        self.paper = Paper()
        self.now = NOON
        self.number = 0
        self.steps: list[Step] = []
        self.answers: list[list[Answer]] = []
        self.done: list[Call] = []

    def write(self, units: int) -> "Day":
        for _ in range(units):
            self.now += timedelta(hours=self.draw(st.sampled_from([0, 0, 0, 1, 12, 36])))
            self.unit()
        return self

    def unit(self) -> None:
        calls: list[Call] = []
        burns, looks = (self.draw(st.integers(0, 9)) == 9 for _ in range(2))

        def work() -> list[Answer]:
            answers: list[Answer] = []
            for _ in range(self.draw(st.sampled_from([1, 1, 1, 2, 3]))):
                call = self.call()
                calls.append(call)
                answers.append(self.paper.post(call.key, call.request, self.now))
            if burns:
                raise Fire
            return answers

        try:
            answers = self.paper.whole(work)
            self.done += calls
        except (LoyaltyError, Fire) as error:
            answers = [f"{type(error).__name__}: {error}"]
        self.steps.append(Step(tuple(calls), self.now, looks, burns))
        self.answers.append(answers)

    def call(self) -> Call:
        draw, paper = self.draw, self.paper
        self.number += 1
        key = f"k{self.number}"
        kind = draw(st.sampled_from(KINDS))
        member = draw(st.sampled_from([*MEMBERS, "lee", "lee"]))
        points = draw(st.sampled_from([1, 5, 10, 20, 40]))
        zone = draw(st.sampled_from(ZONES))
        later = (NOON + timedelta(days=draw(st.integers(1, 6)))).astimezone(zone)
        if kind == "again" and self.done:
            again: Call = draw(st.sampled_from(self.done))
            return again
        if kind == "otherwise" and self.done:
            return Call(draw(st.sampled_from(self.done)).key, asked.Earn(member, 777))
        if kind in ("confirm", "release") and paper.holds:
            hold = draw(st.sampled_from(sorted(paper.holds)))
            some = draw(st.sampled_from([None, None, 1, 5]))
            settle = asked.Confirm(hold, some) if kind == "confirm" else asked.Release(hold)
            return Call(key, settle)
        if kind == "reverse" and paper.lines:
            original = draw(st.sampled_from(sorted(paper.lines)))
            some, policy = draw(st.sampled_from([None, 1, 3])), draw(st.sampled_from(POLICIES))
            until = later if later > self.now and draw(st.booleans()) else None
            return Call(key, asked.Reverse(original, some, policy, until))
        if kind == "hold":
            deadline = self.now + timedelta(hours=draw(st.sampled_from([1, 12, 48])))
            return Call(key, asked.Reserve(member, points, key, deadline.astimezone(zone)))
        if kind == "merge":
            other = draw(st.sampled_from(MEMBERS))
            return Call(key, asked.Transfer(member, other, 0, "merge", True))
        if kind == "transfer":
            return Call(key, asked.Transfer(member, draw(st.sampled_from(MEMBERS)), points))
        simple: dict[str, Asked] = {
            "burn": asked.Burn(member, points),
            "expire": asked.Expire(member, self.now.astimezone(zone)),
            "adjust": asked.Adjust(member, points if points != 5 else -5, later),
            "forfeit": asked.Forfeit(member),
        }
        since = NOON + timedelta(days=1) if points == 1 else None
        source = draw(st.sampled_from(["purchase", "welcome", "欢迎\t\\N"]))
        earn = asked.Earn(member, points * 2, "earn", later, source, available_at=since)
        return Call(key, simple.get(kind, earn))


KINDS = (
    "earn", "earn", "earn", "earn", "burn", "burn", "hold", "confirm", "release", "reverse",
    "reverse", "transfer", "merge", "adjust", "expire", "expire", "forfeit", "again", "otherwise",
)  # fmt: skip


# --- the same day, on a database ---------------------------------------------------------------


def take(step: Step, tx: Transaction) -> list[Answer]:
    answers: list[Answer] = []
    for number, call in enumerate(step.calls):
        if step.looks and number == 0:
            tx.audit.add("mia", "looks", call.key)
        posted = ask(tx.ledger, call)
        if step.looks:
            # The question goes to the rows: what this unit posted must be among them by now.
            seen = tx.connection.execute(  # type: ignore[attr-defined]
                text("SELECT count(*) FROM transactions WHERE key = :key"), {"key": call.key}
            )
            assert seen.scalar() == (posted is not None and posted.key == call.key)
        answers.append(told(posted))
    if step.burns:
        raise Fire
    return answers


def ended(result: Any, error: Exception | None) -> list[Answer]:
    if isinstance(error, LoyaltyError | Fire):
        return [f"{type(error).__name__}: {error}"]
    if error is not None:
        raise error
    answers: list[Answer] = result
    return answers


class Till:
    """One database that a day is recorded on."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store

    def wipe(self) -> None:
        with self.store.database.write() as connection:
            for table in TABLES:
                connection.exec_driver_sql(f"DELETE FROM {table}")

    def dump(self) -> dict[str, list[Any]]:
        """Every row; the audit's own number is the database's affair."""
        with self.store.database.read() as connection:
            assert prove(connection).first_broken is None
            return {
                table: sorted(
                    _plain(row[1:] if table == "audit" else row)
                    for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
                )
                for table in TABLES
            }

    def one_by_one(self, steps: Sequence[Step]) -> list[list[Answer]]:
        answers = []
        for step in steps:
            try:
                answers.append(ended(self.store.run(lambda tx: take(step, tx), now=step.now), None))  # noqa: B023
            except (LoyaltyError, Fire) as error:
                answers.append(ended(None, error))
        return answers

    def in_batches(
        self, steps: Sequence[Step], sizes: Sequence[int], told_before: bool
    ) -> list[list[Answer]]:
        """Cut into batches; `told_before`: with the books read for all, or as they are needed."""
        answers, rest, cut = [], list(steps), 0
        while rest:
            size = sizes[cut % len(sizes)]
            cut += 1
            batch_steps, rest = rest[:size], rest[size:]
            with self.store.database.write() as connection:
                batch = Batch(connection, units=len(batch_steps) + 1)
                if told_before:
                    batch.load([Wants(members=MEMBERS, keys=("k1", "k2", "k3"))])
                at = self.store.transactions(batch)
                for step in batch_steps:
                    done = batch.run(lambda: take(step, at(step.now)), passes)  # noqa: B023
                    answers.append(ended(done.result, done.error))
                batch.finish()
        return answers


def _plain(row: Any) -> tuple[str, ...]:
    """Values as both databases mean them."""
    return tuple(
        value.replace(tzinfo=None).isoformat(" ", "microseconds")
        if isinstance(value, datetime)
        else value.hex()
        if isinstance(value, bytes)
        else str(value)
        for value in row
    )


@pytest.fixture
def tills(new_database: DatabaseMaker) -> dict[str, Till]:
    kinds = {"alone": "sqlite", "sqlite": "sqlite", "postgres": "postgres"}
    return {
        name: Till(SqlStore(new_database(kind), StillClock(), Programme()))
        for name, kind in kinds.items()
    }


cuts = st.lists(st.integers(1, 12), min_size=1, max_size=4)


def test_a_day_is_recorded_the_same_however_it_is_cut_up(tills: dict[str, Till]) -> None:
    """Rows, seals and answers are those of one posting after the other, on either database."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data(), units=st.integers(5, 40), here=cuts, there=cuts)
    def any_day(data: st.DataObject, units: int, here: list[int], there: list[int]) -> None:
        day = Day(data.draw).write(units)
        for till in tills.values():
            till.wipe()
        alone = tills["alone"]
        assert alone.one_by_one(day.steps) == day.answers
        dumped = alone.dump()
        sqlite, postgres = tills["sqlite"], tills["postgres"]
        assert sqlite.in_batches(day.steps, here, told_before=True) == day.answers
        assert sqlite.dump() == dumped
        assert postgres.in_batches(day.steps, there, told_before=False) == day.answers
        assert postgres.dump() == dumped
        _the_books_are_those_on_paper(alone, day)
        _asked_again_nothing_changes(postgres, day, dumped)

    any_day()


def _the_books_are_those_on_paper(till: Till, day: Day) -> None:
    found = till.store.run(lambda tx: tx.ledger.balances(MEMBERS), now=day.now)
    for member, balance in found.items():
        book = day.paper.books.get(member)
        if book is not None:
            assert (balance.posted, balance.debt) == (book.balance, book.debt)
            assert balance.available >= 0


def _asked_again_nothing_changes(till: Till, day: Day, dumped: dict[str, list[Any]]) -> None:
    """All of the day's postings once more, in one batch: each a repeat, and not a byte changed."""
    lines = day.paper.lines
    calls = [c for c in day.done if c.key in lines and lines[c.key].request == c.request]

    def again(tx: Transaction) -> None:
        for call in calls:
            posted = ask(tx.ledger, call)
            assert posted is not None
            assert posted.replayed
            assert told(posted) == lines[call.key].told
            with pytest.raises(LoyaltyError, match="other content"):
                tx.ledger.earn(call.key, "lee", 778)

    till.store.run(again, now=day.now + timedelta(days=400))
    assert till.dump() == dumped
