"""`ledger verify` passes a healthy ledger, and names the first row of any other."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Table, and_, delete, select, text, update

from loyalty.errors import Unknown, WrongState
from loyalty.sealing import merkle
from loyalty.sealing.signing_keys import SigningKey
from storage.checkpoints import latest_checkpoint, make_checkpoint
from storage.database import Database
from storage.ledger import WritingLedger
from storage.tables import (
    accounts,
    checkpoints,
    entries,
    holds,
    log_head,
    log_pages,
    lots,
    transactions,
)
from storage.verify.run import Report, Wanted, verify
from tests.conftest import DatabaseMaker

NOW = datetime(2026, 10, 7, 12, tzinfo=UTC)
SOON, LATER = NOW + timedelta(days=5), NOW + timedelta(days=90)
KEY = SigningKey("shop.example/log", bytes(range(32)))
THIEF = SigningKey("shop.example/log", bytes(32))
WANTED = Wanted(keys=(KEY.verifier,))
TABLES = (transactions, entries, accounts, lots, holds, log_head)
MEANINGLESS = {("checkpoints", "at"), ("checkpoints", "pushed")}
COLUMNS = [
    (table, column.name)
    for table in (*TABLES, checkpoints)
    for column in table.columns
    if (table.name, column.name) not in MEANINGLESS
]


def first_week(connection: Connection, burned: int = 30) -> None:
    """Every kind of posting, for members who buy, give, return and leave."""
    ledger = WritingLedger(connection, NOW)
    ledger.earn("e1", "lee", 1000, expires_at=LATER, campaign_id="c1", meta={"rule": "积分"})
    ledger.earn("e2", "lee", 500, expires_at=NOW + timedelta(hours=1), source="welcome")
    ledger.burn("b1", "lee", burned, meta={"order": "o-1"})
    ledger.hold("h1", "lee", 20, expires_at=SOON)
    ledger.hold("h2", "lee", 10, expires_at=SOON)
    ledger.hold("h3", "lee", 40, expires_at=SOON)
    ledger.hold("h4", "lee", 5, expires_at=NOW + timedelta(hours=2))
    ledger.confirm("h1", "c1", 5)
    ledger.release("h3", "l1")
    ledger.reverse("v1", "b1", 10)
    ledger.transfer("t1", "lee", "ann", 100)


def second_week(connection: Connection) -> None:
    """Debt, expiry, corrections, a hold that ran out, and somebody who leaves."""
    ledger = WritingLedger(connection, NOW + timedelta(hours=3))
    ledger.expire("lee", NOW + timedelta(hours=1))
    ledger.earn("e3", "kim", 40, available_at=NOW)
    ledger.burn("b2", "kim", 40)
    ledger.reverse("v2", "e3", 25)
    ledger.earn("e4", "kim", 60)
    ledger.adjust("a1", "lee", -7, meta={"reason": "counted twice"})
    ledger.adjust("a2", "lee", 9, meta={"reason": "counted once"}, expires_at=LATER)
    ledger.forfeit("f1", "ann")


def seal(connection: Connection, key: SigningKey = KEY) -> None:
    make_checkpoint(connection, key.name, key, NOW)


def fill(database: Database) -> Database:
    database.run(first_week)
    database.run(seal)
    database.run(second_week)
    database.run(seal)
    return database


@pytest.fixture
def used(database: Database) -> Database:
    return fill(database)


@pytest.fixture
def on_file(new_database: DatabaseMaker) -> Database:
    return fill(new_database("sqlite"))


def found(database: Database, wanted: Wanted = WANTED) -> Report:
    return verify(database.url, wanted)


def note_of(database: Database) -> str:
    with database.read() as connection:
        last = latest_checkpoint(connection)
    assert last is not None
    return last.note


def test_a_healthy_used_ledger_passes_on_both_databases(used: Database) -> None:
    """Earned, spent, held, confirmed, released, returned, owed, given, lapsed, corrected, left."""
    report = found(used)

    assert report.first_broken is None
    assert [each.state for each in report.findings] == ["ok"] * len(report.findings)
    with used.read() as connection:
        kinds = {row[0] for row in connection.execute(select(transactions.c.kind))}
    assert kinds == {
        "earn", "burn", "hold", "confirm", "release", "reverse", "transfer", "expire", "adjust",
        "forfeit",
    }  # fmt: skip
    assert (report.size, report.sealed, report.checkpoints) == (report.transactions, report.size, 2)
    assert report.signatures == "checked"
    assert json.loads(json.dumps(report.to_json()))["ok"] is True


def test_both_databases_have_the_same_root(new_database: DatabaseMaker) -> None:
    """What is sealed does not depend on where it is kept."""
    roots = {found(fill(new_database(kind))).root for kind in ("sqlite", "postgres")}

    assert len(roots) == 1


def test_an_empty_ledger_passes(database: Database) -> None:
    """Before the first purchase there is nothing to prove, and nothing wrong."""
    assert found(database).ok


# --- one field ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "column"), COLUMNS, ids=[f"{table.name}.{name}" for table, name in COLUMNS]
)
def test_one_changed_field_is_found(on_file: Database, table: Table, column: str) -> None:
    """Whatever field of whatever table somebody changes behind the ledger's back."""
    for changed in values_for(on_file, table, column):
        with tampered(on_file, table, column, changed):
            report = found(on_file)
        assert report.first_broken is not None, f"{table.name}.{column} = {changed!r} passed"
    assert found(on_file).ok


def test_one_changed_field_is_found_on_postgresql(new_database: DatabaseMaker) -> None:
    """The same for every column, on the other database."""
    database = fill(new_database("postgres"))
    for table, column in COLUMNS:
        for changed in values_for(database, table, column):
            with tampered(database, table, column, changed):
                report = found(database)
            assert report.first_broken is not None, f"{table.name}.{column} = {changed!r} passed"
    assert found(database).ok


def victim(database: Database, table: Table, column: str) -> Any:
    """The row to change: one where the field says something, and there is room for a change."""
    with database.read() as connection:
        rows = list(connection.execute(select(table)).mappings())
    size = "remaining" if table is lots else "balance" if table is accounts else None
    if size:
        rows.sort(key=lambda row: -row[size])
    telling = [row for row in rows if row[column] is not None]
    return (telling or rows)[0]


def values_for(database: Database, table: Table, column: str) -> list[Any]:
    """Other values for a field: a neighbour, and nothing where that is allowed."""
    value = victim(database, table, column)[column]
    others: list[Any] = [_other(table.c[column], value)]
    if table.c[column].nullable and value is not None:
        others.append(None)
    return others


def _other(column: Column[Any], value: Any) -> Any:
    if value is None:
        return 1 if column.type.python_type is int else "x"
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, datetime):
        back = value.year == 9999
        return value - timedelta(seconds=1) if back else value + timedelta(microseconds=1)
    if isinstance(value, int):
        return value + 1000 if column.primary_key else value + 1
    return f"{value}x"


@contextmanager
def tampered(database: Database, table: Table, column: str, changed: Any) -> Iterator[None]:
    row = dict(victim(database, table, column))
    changes = row | {column: changed}
    with database.write() as connection:
        connection.execute(update(table).where(_is(table, row)).values({column: changed}))
    yield
    with database.write() as connection:
        connection.execute(update(table).where(_is(table, changes)).values({column: row[column]}))


def _is(table: Table, row: Any) -> Any:
    return and_(*(column == row[column.name] for column in table.primary_key.columns))


# --- rows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["first", "middle", "last"])
@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_a_deleted_row_is_found(on_file: Database, table: Table, which: str) -> None:
    """A row that is gone is missed, also the last one."""
    with on_file.write() as connection:
        query = select(table).order_by(*table.primary_key.columns)
        rows = list(connection.execute(query).mappings())
        row = rows[{"first": 0, "middle": len(rows) // 2, "last": -1}[which]]
        connection.execute(delete(table).where(_is(table, row)))

    assert not found(on_file).ok


@pytest.mark.parametrize(
    "swaps",
    [
        ("UPDATE transactions SET id = -5 WHERE id = 5",
         "UPDATE transactions SET id = 5 WHERE id = 6",
         "UPDATE transactions SET id = 6 WHERE id = -5"),
        ("UPDATE entries SET seq = -2 WHERE account_id = 'member:lee' AND seq = 2",
         "UPDATE entries SET seq = 2 WHERE account_id = 'member:lee' AND seq = 3",
         "UPDATE entries SET seq = 3 WHERE account_id = 'member:lee' AND seq = -2"),
        ("UPDATE entries SET transaction_id = -5 WHERE transaction_id = 5",
         "UPDATE entries SET transaction_id = 5 WHERE transaction_id = 6",
         "UPDATE entries SET transaction_id = 6 WHERE transaction_id = -5"),
        ("UPDATE accounts SET id = 'x' WHERE id = 'member:lee'",
         "UPDATE accounts SET id = 'member:lee' WHERE id = 'member:kim'",
         "UPDATE accounts SET id = 'member:kim' WHERE id = 'x'"),
        ("UPDATE holds SET id = 'x' WHERE id = 'h1'",
         "UPDATE holds SET id = 'h1' WHERE id = 'h2'",
         "UPDATE holds SET id = 'h2' WHERE id = 'x'"),
    ],
    ids=["transactions", "entries", "entries between transactions", "accounts", "holds"],
)  # fmt: skip
def test_two_swapped_rows_are_found(used: Database, swaps: tuple[str, ...]) -> None:
    """The sums still hold, the order does not."""
    with used.write() as connection:
        for swap in swaps:
            connection.execute(text(swap))

    assert not found(used).ok


def test_the_first_broken_row_is_named(used: Database) -> None:
    """By table and key, in words and as JSON, so that somebody can go and look."""
    with used.write() as connection:
        connection.execute(text("UPDATE transactions SET points = 31 WHERE key = 'b1'"))
    report = found(used)

    assert report.first_broken is not None
    assert report.first_broken.sentence() == (
        "transactions 3: it or one of its entries is not what was sealed"
    )
    assert report.to_json()["first_broken"]["key"] == "3"


def test_points_given_to_a_lot_alone_are_found(used: Database) -> None:
    """A lot that no transaction ever filled."""
    with used.write() as connection:
        connection.execute(
            lots.insert().values(
                account_id="member:zoe", expires_at=LATER, available_at=NOW, source="gift",
                remaining=5, held=0,
            )
        )  # fmt: skip

    broken = found(used).first_broken
    assert broken is not None
    assert (broken.table, broken.what) == ("lots", "no transaction ever moved it")


# --- everything rewritten ----------------------------------------------------------------------


def test_a_cut_off_tail_is_found_by_a_checkpoint_from_elsewhere(
    new_database: DatabaseMaker,
) -> None:
    """The ledger as it was a week ago is whole in itself; who holds a newer note knows better."""
    database = new_database("sqlite")
    database.run(first_week)
    database.run(seal)
    past = Path(database.url.removeprefix("sqlite:///"))
    shorter = past.with_suffix(".past")
    _checkpointed_copy(database, past, shorter)
    database.run(second_week)
    database.run(seal)
    kept = json.dumps({"note": note_of(database)}) + "\n"
    url = f"sqlite:///{shorter}"

    assert verify(url, WANTED).ok
    broken = verify(url, Wanted(WANTED.keys, (kept,))).first_broken
    assert broken is not None
    assert (broken.table, broken.key) == ("checkpoint file", "line 1")
    assert "cut off" in broken.what
    assert verify(url, Wanted(WANTED.keys, (note_of(database),))).first_broken is not None
    assert found(database, Wanted(WANTED.keys, (kept,))).ok


def _checkpointed_copy(database: Database, path: Path, copy: Path) -> None:
    database.dispose()  # the last connection writes the journal back into the file
    shutil.copy(path, copy)


def test_a_cut_off_tail_is_found_by_our_own_checkpoint(used: Database) -> None:
    """Rows, accounts and head of an earlier day, beside a checkpoint that says more."""
    with used.write() as connection:
        note = connection.execute(select(checkpoints).order_by(checkpoints.c.size.desc())).first()
        assert note is not None
        for table in (*TABLES, checkpoints):
            connection.execute(delete(table))
        first_week(connection)
        connection.execute(checkpoints.insert().values(note._mapping))

    broken = found(used).first_broken
    assert broken is not None
    assert (broken.table, broken.key) == ("checkpoints", str(note.size))
    assert "cut off" in broken.what


def rewrite(database: Database, key: SigningKey | None) -> list[Any]:
    """Another history, whole in itself: every leaf, chain, sum and head computed anew."""
    with database.write() as connection:
        kept = [dict(row) for row in connection.execute(select(checkpoints)).mappings()]
        for table in (*TABLES, checkpoints):
            connection.execute(delete(table))
        first_week(connection, burned=12)
        if key:
            seal(connection, key)
        second_week(connection)
        if key:
            seal(connection, key)
    return kept


def test_a_rewritten_history_does_not_fit_what_was_signed(used: Database) -> None:
    """The thief recomputes everything, but the checkpoints say what was there."""
    kept = rewrite(used, None)
    assert found(used).ok  # without any checkpoint nobody can tell
    with used.write() as connection:
        connection.execute(checkpoints.insert(), kept)

    broken = found(used).first_broken
    assert broken is not None
    assert "history was rewritten" in broken.what


def test_a_rewritten_history_signed_with_another_key_is_found(used: Database) -> None:
    """The thief signs anew, under our name, and has not our key."""
    rewrite(used, THIEF)

    broken = found(used).first_broken
    assert broken is not None
    assert broken.table == "checkpoints"
    assert "has signed" in broken.what


def test_a_rewritten_history_is_found_by_a_note_from_elsewhere(used: Database) -> None:
    """Even one rightly signed by a stolen key: two notes of one log do not fit together."""
    kept = note_of(used)
    rewrite(used, KEY)

    assert found(used).ok
    broken = found(used, Wanted(WANTED.keys, (kept,))).first_broken
    assert broken is not None
    assert broken.table == "checkpoint file"


def test_a_file_of_nonsense_is_no_checkpoint(used: Database) -> None:
    """A file that proves nothing must not look as if it did."""
    for nonsense in ("hello\n", '{"size": 3}\n', '{"note": 3}\n', "{"):
        assert not found(used, Wanted(WANTED.keys, (nonsense,))).ok


# --- parts -------------------------------------------------------------------------------------


def test_one_member_is_verified_alone(used: Database) -> None:
    """What is wrong with kim is not found while only lee is asked for."""
    with used.write() as connection:
        connection.execute(text("UPDATE accounts SET balance = 99 WHERE id = 'member:kim'"))

    assert found(used, Wanted(WANTED.keys, account="lee")).ok
    assert found(used, Wanted(WANTED.keys, account="member:lee")).ok
    assert not found(used, Wanted(WANTED.keys, account="kim")).ok
    with pytest.raises(Unknown, match="nobody"):
        found(used, Wanted(WANTED.keys, account="nobody"))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE transactions SET meta = '{}' WHERE key = 'b1'",
        "UPDATE entries SET balance = balance + 1 WHERE account_id = 'member:lee' AND seq = 1",
        "UPDATE lots SET remaining = remaining + 1 WHERE account_id = 'member:lee'",
        "UPDATE holds SET status = 'released' WHERE id = 'h2'",
    ],
)
def test_one_members_changed_rows_are_found(used: Database, change: str) -> None:
    """Each of the member's own tables is looked at."""
    with used.write() as connection:
        connection.execute(text(change))

    assert not found(used, Wanted(WANTED.keys, account="lee")).ok


def test_one_members_cut_end_is_found(used: Database) -> None:
    """Her last entry and its lot are gone, and her account says again what it said before."""
    with used.write() as connection:
        ledger = WritingLedger(connection, NOW + timedelta(hours=4))
        ledger.earn("z1", "zoe", 1000, expires_at=LATER)
        before = connection.execute(select(accounts).where(accounts.c.id == "member:zoe")).one()
        ledger.earn("z2", "zoe", 500, expires_at=LATER, source="welcome")
    assert found(used, Wanted(WANTED.keys, account="zoe")).ok

    with used.write() as connection:
        hers = entries.c.account_id == "member:zoe"
        connection.execute(delete(entries).where(hers, entries.c.seq > before.seq))
        row = update(accounts).where(accounts.c.id == before.id)
        connection.execute(row.values(before._asdict()))
        gone = (lots.c.account_id == "member:zoe") & (lots.c.source == "welcome")
        connection.execute(delete(lots).where(gone))

    assert not found(used, Wanted(WANTED.keys, account="zoe")).ok


def test_what_came_after_a_checkpoint_is_verified_alone(used: Database) -> None:
    """The old part is taken as it was sealed; the new part is hashed again."""
    with used.read() as connection:
        size = connection.execute(select(checkpoints.c.size)).scalars().first()
    assert size is not None
    since = Wanted(WANTED.keys, since=size)
    assert found(used, since).ok
    with used.write() as connection:
        connection.execute(text("UPDATE transactions SET points = 1 WHERE key = 'e1'"))
    assert found(used, since).ok
    with used.write() as connection:
        connection.execute(text("UPDATE transactions SET points = 1 WHERE key = 'e3'"))

    assert not found(used, since).ok
    assert not found(used, Wanted(WANTED.keys, since=10_000)).ok


def test_a_copy_is_verified_without_being_written_to(on_file: Database, tmp_path: Path) -> None:
    """A file of last night, read-only, on somebody else's machine."""
    source = Path(on_file.url.removeprefix("sqlite:///"))
    copy = tmp_path / "copy.sqlite3"
    _checkpointed_copy(on_file, source, copy)
    before = copy.read_bytes()
    copy.chmod(0o400)

    assert verify(f"sqlite:///{copy}", WANTED).ok
    assert copy.read_bytes() == before


def test_what_is_no_ledger_is_said(tmp_path: Path) -> None:
    """A wrong address must never look like a healthy ledger."""
    empty = tmp_path / "empty.sqlite3"
    empty.touch()
    with pytest.raises(WrongState, match="no ledger"):
        verify(f"sqlite:///{empty}", WANTED)
    with pytest.raises(WrongState, match="no file"):
        verify(f"sqlite:///{tmp_path / 'nowhere'}", WANTED)


# --- a large ledger ----------------------------------------------------------------------------


def test_two_processes_find_what_one_finds(used: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large ledger is read by two at once; the report is the same."""
    alone = found(used)
    monkeypatch.setattr("storage.verify.run.BIG", 0)
    assert found(used) == alone
    with used.write() as connection:
        connection.execute(text("UPDATE accounts SET balance = 99 WHERE id = 'member:kim'"))
    broken = found(used).first_broken

    assert broken is not None
    assert (broken.table, broken.key) == ("accounts", "member:kim")


def test_what_cannot_be_read_is_named_by_two_processes_too(
    on_file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the text of a transaction is nonsense, sums over it are left out."""
    monkeypatch.setattr("storage.verify.run.BIG", 0)
    with on_file.write() as connection:
        connection.execute(text("UPDATE transactions SET moves = '[[' WHERE id = 4"))
    report = found(on_file)

    assert report.first_broken is not None
    assert (report.first_broken.table, report.first_broken.key) == ("transactions", "4")
    assert [each.state for each in report.findings if each.check.startswith("lots")] == ["skipped"]


# --- what only saves work -----------------------------------------------------------------------


@pytest.fixture
def paged(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A log of several full pages, whose roots are kept."""
    monkeypatch.setattr(merkle, "PAGE", 4)
    return fill(database)


def test_a_kept_root_that_is_not_of_its_page_is_named(paged: Database) -> None:
    """Proofs and the next checkpoint go by it, and would blame the transactions."""
    assert found(paged).ok
    paged.run(lambda c: c.execute(update(log_pages).where(log_pages.c.page == 1).values(root=b"x")))

    broken = found(paged).first_broken

    assert broken is not None
    assert broken.sentence() == "log_pages 1: its root is not that of its transactions"


def test_a_kept_root_that_is_gone_is_named(paged: Database) -> None:
    """Those behind it are of no use then."""
    paged.run(lambda c: c.execute(delete(log_pages).where(log_pages.c.page == 0)))

    broken = found(paged).first_broken

    assert broken is not None
    assert broken.sentence() == "log_pages 0: is missing: 1 follows"


def test_a_copy_without_the_kept_roots_is_verified_all_the_same(paged: Database) -> None:
    """They save work and prove nothing."""
    paged.run(lambda c: c.execute(text("DROP TABLE log_pages")))

    assert found(paged).ok


def test_the_log_has_one_head(used: Database) -> None:
    """A second row is named, and signing and proving go by the first."""
    used.run(lambda c: c.execute(log_head.insert().values(id=2, size=0, frontier=b"")))

    broken = found(used).first_broken

    assert broken is not None
    assert (broken.table, broken.key) == ("log_head", "2")
    used.run(seal)
