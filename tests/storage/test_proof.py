"""The proof finds what does not add up, and names the row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from storage.database import Database
from storage.ledger import WritingLedger
from storage.proof import prove

NOW = datetime(2026, 10, 7, 12, tzinfo=UTC)


@pytest.fixture
def used(database: Database) -> Database:
    """A ledger with every kind of posting in it."""
    soon, later = NOW + timedelta(days=5), NOW + timedelta(days=90)

    def month(connection: Any) -> None:
        ledger = WritingLedger(connection, NOW)
        ledger.earn("e1", "lee", 100, expires_at=later)
        ledger.earn("e2", "lee", 50, expires_at=NOW)
        ledger.burn("b1", "lee", 30)
        ledger.hold("h1", "lee", 20, expires_at=soon)
        ledger.hold("h2", "lee", 10, expires_at=soon)
        ledger.confirm("h1", "c1", 5)
        ledger.expire("lee", NOW)
        ledger.earn("e3", "kim", 40)
        ledger.burn("b2", "kim", 40)
        ledger.reverse("r1", "e3")

    database.run(month)
    return database


def test_an_honest_ledger_is_proved_with_its_sums(used: Database) -> None:
    """What was issued is what members have, spent, let lapse, less what they owe."""
    with used.read() as connection:
        proof = prove(connection)

    assert proof.ok
    assert (proof.issued, proof.redeemed, proof.lapsed) == (150, 75, 50)
    assert (proof.outstanding, proof.held, proof.owed) == (65, 10, 40)
    assert proof.issued == proof.redeemed + proof.lapsed + proof.outstanding - proof.owed
    assert proof.to_json()["ok"] is True


@pytest.mark.parametrize(
    ("tampering", "named"),
    [
        ("UPDATE entries SET amount = amount + 1 WHERE account_id = 'member:lee' AND seq = 1",
         "entry 1 of member:lee"),
        ("UPDATE entries SET balance = balance + 1 WHERE account_id = 'member:lee' AND seq = 2",
         "entry 2 of member:lee"),
        ("DELETE FROM entries WHERE transaction_id = 3", "member:lee"),
        ("DELETE FROM transactions WHERE id = 2", "the last is"),
        ("UPDATE accounts SET balance = balance + 5 WHERE id = 'member:lee'", "member:lee"),
        ("UPDATE accounts SET held = 0 WHERE id = 'member:lee'", "member:lee"),
        ("UPDATE lots SET remaining = remaining + 1 WHERE account_id = 'member:lee'", "member:lee"),
        ("UPDATE holds SET status = 'released' WHERE id = 'h2'", "member:lee holds 10"),
        ("UPDATE holds SET amount = 11 WHERE id = 'h2'", "member:lee holds 10"),
    ],
)  # fmt: skip
def test_any_change_behind_the_ledgers_back_is_found(
    used: Database, tampering: str, named: str
) -> None:
    """One figure changed or one row gone, and the first broken row is named."""
    with used.write() as connection:
        connection.execute(text(tampering))
    with used.read() as connection:
        proof = prove(connection)

    assert not proof.ok
    assert proof.first_broken is not None
    assert named in proof.first_broken
