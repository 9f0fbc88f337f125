"""Two tills post over the same members while PostgreSQL's backends are killed under them."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import create_engine, text

from storage.database import Database
from storage.proof import prove
from tests.conftest import DatabaseMaker

ROOT = Path(__file__).parents[2]
SECONDS = 6
PAUSE = 0.15
"""Between two kills: most transactions live, many do not."""
THEIRS = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid"
)
OWN_REASONS = {
    "burn": {"not_enough_points"},
    "transfer": {"not_enough_points"},
    "hold": {"not_enough_points"},
}


def test_two_tills_and_a_killer_lose_and_double_nothing(
    new_database: DatabaseMaker, tmp_path: Path
) -> None:
    """Earning never fails for good, spending only for want of points, and all sums hold."""
    database = new_database("postgres")
    url = database.engine.url.render_as_string(hide_password=False)
    files = [tmp_path / name for name in ("left", "right")]
    clerk = [sys.executable, "-m", "tests.faults.ledger_clerk", url]
    tills = [
        subprocess.Popen([*clerk, file.name, str(SECONDS), str(file)], cwd=ROOT) for file in files
    ]
    killed = _kill_at_random(url, tills)
    assert [till.wait(30) for till in tills] == [0, 0]
    told: list[dict[str, Any]] = [json.loads(file.read_text()) for file in files]

    assert killed > 5
    assert [till["failed"] for till in told] == [[], []]
    for kind, _, code in (refusal for till in told for refusal in till["refused"]):
        assert code in OWN_REASONS.get(kind, set()), (kind, code)
    _posted_exactly(database, told)


def _kill_at_random(url: str, tills: list[subprocess.Popen[bytes]]) -> int:
    """End one backend after the other until the tills go home."""
    random, killed = Random(7), 0
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as admin:
        while tills[0].poll() is None:
            if theirs := admin.execute(THEIRS).scalars().all():
                admin.execute(
                    text("SELECT pg_terminate_backend(:pid)"), {"pid": random.choice(theirs)}
                )
                killed += 1
            try:
                tills[0].wait(PAUSE)
            except subprocess.TimeoutExpired:
                continue
    engine.dispose()
    return killed


def _posted_exactly(database: Database, told: list[dict[str, Any]]) -> None:
    with database.read() as connection:
        assert prove(connection).first_broken is None
        found = Counter(connection.execute(text("SELECT key FROM transactions")).scalars())
    posted = Counter(key for till in told for key in till["posted"])

    assert len(posted) > 100
    assert found == posted
    assert not found.keys() & {key for till in told for _, key, _ in till["refused"]}
