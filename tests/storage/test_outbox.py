"""The outbox: each line goes to one relay, urgent ones first, and none is forgotten."""

from datetime import timedelta

from sqlalchemy import Connection

from storage.database import Database
from storage.outbox import LEASE, SqlOutbox
from tests.storage.rows import StillClock


def test_urgent_rows_go_first_then_the_oldest(database: Database, clock: StillClock) -> None:
    """A purchase overtakes a wave of admissions; among equals the first written goes first."""
    now = clock.now()

    def write(connection: Connection) -> list[int]:
        outbox = SqlOutbox(connection, now)
        rows = [outbox.add("start_journey", f"j/a/{n}/once", {}, priority=5) for n in range(3)]
        return [outbox.add("nudge_journey", "j/a/9/once", {}, priority=1), *rows]

    written = database.run(write)
    taken = database.run(lambda c: SqlOutbox(c, now).take(10))

    assert [row.id for row in taken] == written


def test_a_row_waits_for_its_hour(database: Database, clock: StillClock) -> None:
    """A row planned for tomorrow is not due today."""
    now = clock.now()
    later = now + timedelta(days=1)
    database.run(lambda c: SqlOutbox(c, now).add("start_journey", "j", {}, available_at=later))

    assert database.run(lambda c: SqlOutbox(c, now).take(10)) == []
    assert database.run(lambda c: SqlOutbox(c, now).due()) == 0
    assert database.run(lambda c: SqlOutbox(c, later).due()) == 1


def test_a_sent_row_is_never_taken_again_and_a_failed_one_is(
    database: Database, clock: StillClock
) -> None:
    """Sent is sent; failed is tried again, until it is laid aside for good."""
    now = clock.now()
    add = lambda c: SqlOutbox(c, now).add("nudge_journey", "j", {})  # noqa: E731
    sent, failed, dead = (database.run(add) for _ in range(3))

    def mark(connection: Connection) -> None:
        outbox = SqlOutbox(connection, now)
        outbox.take(10)
        outbox.sent({sent: None})
        outbox.failed(failed, "UNAVAILABLE", for_good=False)
        outbox.failed(dead, "INVALID_ARGUMENT", for_good=True)

    database.run(mark)
    [again] = database.run(lambda c: SqlOutbox(c, now).take(10))

    assert (again.id, again.attempts) == (failed, 1)


def test_two_relays_never_share_a_row(database: Database, clock: StillClock) -> None:
    """On PostgreSQL a second relay sees other rows, and takes over those of a dead one later."""
    now = clock.now()
    for _ in range(4):
        database.run(lambda c: SqlOutbox(c, now).add("nudge_journey", "j", {}))
    if database.dialect == "sqlite":
        return  # one relay only: nothing to share

    with database.write() as first, database.write() as second:
        mine = SqlOutbox(first, now).take(2)
        theirs = SqlOutbox(second, now).take(10)
    assert len(mine) == len(theirs) == 2
    assert not {row.id for row in mine} & {row.id for row in theirs}
    assert database.run(lambda c: SqlOutbox(c, now).take(10)) == []
    assert len(database.run(lambda c: SqlOutbox(c, now + LEASE).take(10))) == 4
