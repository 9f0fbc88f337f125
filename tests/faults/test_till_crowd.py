"""Many tills hold, confirm and release the same members' points at once, from two processes."""

import json
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

from sqlalchemy import text

from loyalty.ports import Transaction
from loyalty.programme import Programme
from loyalty.registration import Registration, register
from storage.proof import prove
from storage.store import SqlStore
from tests.conftest import DatabaseMaker
from tests.faults.till_clerk import HOLDS, MEMBERS, POINTS
from tests.storage.rows import StillClock

ROOT = Path(__file__).parents[2]
SETTLED = {"confirm": "confirmed", "release": "released"}


def test_tills_of_two_processes_settle_each_hold_once_and_overdraw_nobody(
    new_database: DatabaseMaker, tmp_path: Path
) -> None:
    """Both ask for the same holds; who confirms and who releases is decided once, for both."""
    database = new_database("postgres")
    store = SqlStore(database, StillClock(), Programme())
    for member in MEMBERS:
        store.run(partial(_join, member=member))
    url = database.engine.url.render_as_string(hide_password=False)
    files = [tmp_path / name for name in ("left", "right")]
    command = [sys.executable, "-m", "tests.faults.till_clerk", url]
    tills = [subprocess.Popen([*command, file.name, str(file)], cwd=ROOT) for file in files]
    assert [each.wait(50) for each in tills] == [0, 0]
    told = [json.loads(file.read_text()) for file in files]

    with database.read() as connection:
        assert prove(connection).first_broken is None
        rows = connection.execute(
            text("SELECT id, member_id, status, confirmed_points FROM till_holds")
        ).all()
        kinds = Counter(connection.execute(text("SELECT kind FROM transactions")).scalars())
    status = {row.id: row.status for row in rows}
    met: Counter[tuple[str, str]] = Counter()
    for number in range(HOLDS):
        ended = status.get(f"till:till:h{number}")
        for clerk in told:
            sale = clerk[str(number)]
            met.update((name, answer) for name, answer in sale)
            placed = {answer for name, answer in sale if name == "place"}
            assert placed <= {"open", "not_enough_points"}
            for name, answer in sale[2:]:
                if answer in SETTLED.values():
                    assert answer == ended == SETTLED[name]
                elif answer == "unknown":  # not placed when it was asked for
                    assert placed == {"not_enough_points"}
                else:  # somebody else was first
                    assert answer == "wrong_state"
                    assert ended not in (None, SETTLED[name])

    # Everything that can happen did.
    wanted = {("place", "open"), ("place", "not_enough_points")}
    wanted |= {(name, answer) for name in SETTLED for answer in (SETTLED[name], "wrong_state")}
    assert wanted <= met.keys(), met
    assert not set(status.values()) - set(SETTLED.values())
    ends = Counter(status.values())
    assert (kinds["hold"], kinds["confirm"], kinds["release"]) == (
        len(rows),
        ends["confirmed"],
        ends["released"],
    )
    balances = store.read(lambda tx: tx.ledger.balances(MEMBERS))
    for member in MEMBERS:
        balance = balances[member]
        spent = sum(row.confirmed_points for row in rows if row.member_id == member)
        assert (balance.posted, balance.held) == (POINTS - spent, 0)
        assert 0 <= balance.posted < 700  # less than the dearest hold asks for


def _join(tx: Transaction, member: str) -> None:
    register(tx, Registration(id=member))
    tx.ledger.earn(f"first/{member}", member, POINTS)
