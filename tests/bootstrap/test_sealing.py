"""Sealing: the log is signed when it grew, and what was signed reaches those who keep it."""

import json
import stat
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from bootstrap.cli import app
from bootstrap.seal_key import signing_key
from bootstrap.sealing import Seal, Sealed
from bootstrap.settings import SettingsError, read_settings
from delivery.checkpoint_sinks import CheckpointFile, CheckpointWebhook, NotTaken
from loyalty.sealing import merkle
from loyalty.sealing.broken import SealBroken
from loyalty.sealing.checkpoint import open_checkpoint
from loyalty.sealing.merkle import Frontier
from loyalty.sealing.signing_keys import SigningKey, VerifierKey
from storage.checkpoints import latest_checkpoint
from storage.database import Database
from storage.ledger import WritingLedger
from storage.migrate import upgrade
from storage.queries.pages import View
from storage.verifications import last_verification
from tests.conftest import DatabaseMaker
from tests.storage.rows import StillClock

NOW = datetime(2026, 10, 7, 12, tzinfo=UTC)
KEY = SigningKey("milepost", bytes(range(32)))


def earn(database: Database, key: str) -> None:
    database.run(lambda found: WritingLedger(found, NOW).earn(key, "lee", 10))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


class Receiver:
    """A real receiver; `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[dict[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if receiver.status == 200:
                    receiver.got.append(json.loads(body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Nothing on the test's output."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/checkpoints"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_the_log_is_signed_when_it_grew_and_only_then(database: Database, tmp_path: Path) -> None:
    """Each round looks; a quiet night makes no notes."""
    file = tmp_path / "kept" / "checkpoints.jsonl"
    seal = Seal(database, StillClock(), KEY, [CheckpointFile(file)])
    assert seal() == Sealed()
    earn(database, "e1")
    earn(database, "e2")

    assert seal() == Sealed(2, pushed=1)
    assert seal() == Sealed()
    earn(database, "e3")
    assert seal() == Sealed(3, pushed=1)
    kept = lines(file)
    found = [open_checkpoint(each["note"], "milepost", [KEY.verifier]) for each in kept]
    assert [each.size for each in found] == [2, 3]
    assert [each.root.hex() for each in found] == [each["root"] for each in kept]


TAMPERED = {
    "the tail was cut": [
        "DELETE FROM transactions WHERE id > 3",
        "UPDATE log_head SET size = 3, frontier = :three",
    ],
    "an old row was changed": [
        "UPDATE transactions SET leaf = :other WHERE id = 2",
        "DELETE FROM log_pages",
    ],
    "a new row was changed": ["UPDATE transactions SET leaf = :other WHERE id = 7"],
    "a row is gone": ["DELETE FROM transactions WHERE id = 6"],
    "rewritten, head and all": [
        "UPDATE transactions SET leaf = :other WHERE id = 2",
        "DELETE FROM log_pages",
        "UPDATE log_head SET frontier = :rewritten",
    ],
    "rewritten, checkpoint and all": [
        "UPDATE transactions SET leaf = :other WHERE id = 2",
        "DELETE FROM log_pages",
        "UPDATE log_head SET frontier = :rewritten",
        "UPDATE checkpoints SET root = :root",
    ],
    "a page was changed": ["UPDATE log_pages SET root = :other WHERE page = 0"],
}


@pytest.mark.parametrize("what", list(TAMPERED))
def test_nothing_is_signed_on_top_of_a_log_that_was_tampered_with(
    database: Database, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five were signed and two came after; whatever was done since, the signer refuses."""
    monkeypatch.setattr(merkle, "PAGE", 4)
    seal = Seal(database, StillClock(), KEY, [])
    for n in range(5):
        earn(database, f"e{n}")
    assert seal().size == 5
    for n in range(5, 7):
        earn(database, f"e{n}")
    with database.write() as connection:
        kept = connection.execute(text("SELECT leaf FROM transactions ORDER BY id")).scalars()
        found = [bytes(leaf) for leaf in kept]
        other = bytes(32)
        values = {
            "other": other,
            "three": frontier_of(found[:3]).to_bytes(),
            "rewritten": frontier_of([found[0], other, *found[2:]]).to_bytes(),
            "root": frontier_of([found[0], other, *found[2:5]]).root(),
        }
        for statement in TAMPERED[what]:
            connection.execute(
                text(statement), {k: v for k, v in values.items() if f":{k}" in statement}
            )

    with pytest.raises(SealBroken):
        seal()
    with database.read() as connection:
        latest = latest_checkpoint(connection)
    assert latest is not None
    assert latest.size == 5


def test_who_signs_with_a_new_key_goes_on_from_what_the_old_one_signed(database: Database) -> None:
    """A change of keys stops nothing; what was signed before is compared as it is stored."""
    earn(database, "e1")
    assert Seal(database, StillClock(), KEY, [])().size == 1
    earn(database, "e2")
    new = SigningKey("milepost", bytes(range(1, 33)))

    assert Seal(database, StillClock(), new, [])().size == 2


def frontier_of(leaves: Sequence[bytes]) -> Frontier:
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier


def test_a_receiver_that_is_away_gets_everything_later(
    database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    """Signing goes on meanwhile, the file has each line once, and the order is kept."""
    file = tmp_path / "checkpoints.jsonl"
    seal = Seal(
        database, StillClock(), KEY, [CheckpointFile(file), CheckpointWebhook(receiver.url)]
    )
    receiver.status = 503
    earn(database, "e1")
    assert seal() == Sealed(1, waiting=1)
    earn(database, "e2")
    assert seal() == Sealed(2, waiting=2)
    receiver.status = 200

    assert seal() == Sealed(None, pushed=2)
    assert [each["data"]["size"] for each in receiver.got] == [1, 2]
    assert [each["size"] for each in lines(file)] == [1, 2]


def test_nobody_there_is_no_answer() -> None:
    """A refused connection is put off like any other failure."""
    with pytest.raises(NotTaken, match="no answer"):
        CheckpointWebhook("http://127.0.0.1:1/").take({"size": 1})


def test_a_torn_line_does_not_spoil_the_next(tmp_path: Path) -> None:
    """A full disk left half a line; what comes after begins on its own."""
    file = tmp_path / "checkpoints.jsonl"
    file.write_text('{"size":1,"no')
    CheckpointFile(file).take({"size": 2})

    assert file.read_text().splitlines() == ['{"size":1,"no', '{"size":2}']


def test_without_a_key_nothing_is_signed(database: Database) -> None:
    """A log without a key grows on; nobody is told that it is signed."""
    earn(database, "e1")

    assert Seal(database, StillClock(), None, [])() == Sealed()


# --- keys --------------------------------------------------------------------------------------


@pytest.fixture
def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An embedded set-up in a folder of this test's own."""
    monkeypatch.setenv("MILEPOST_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def test_the_embedded_database_gets_a_key_only_its_owner_can_read(settled: Path) -> None:
    """Made once, kept, and named like the log."""
    first = signing_key(read_settings())
    second = signing_key(read_settings())

    assert first is not None
    assert first == second
    assert first.name == "milepost"
    assert stat.S_IMODE((settled / "seal.key").stat().st_mode) == 0o600
    assert [each.name for each in settled.iterdir()] == ["seal.key"]


def test_another_database_is_only_signed_with_a_key_that_was_given(
    settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two workers that each made a key of their own would be two logs."""
    monkeypatch.setenv("MILEPOST_DATABASE_URL", "postgresql://db/milepost")
    assert signing_key(read_settings()) is None
    monkeypatch.setenv("MILEPOST_SEAL_KEY", KEY.encode())
    assert signing_key(read_settings()) == KEY


@pytest.mark.parametrize("wrong", ["hush-7", SigningKey("other", bytes(32)).encode()])
def test_a_key_that_cannot_be_used_is_said_and_never_shown(
    settled: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """A broken key, or one of another log."""
    monkeypatch.setenv("MILEPOST_SEAL_KEY", wrong)
    with pytest.raises(SettingsError, match="MILEPOST_SEAL_KEY") as refused:
        signing_key(read_settings())

    assert wrong not in str(refused.value)


# --- the command -------------------------------------------------------------------------------


@pytest.fixture
def shop(settled: Path, new_database: DatabaseMaker) -> Database:
    settled.mkdir()
    upgrade(f"sqlite:///{settled / 'milepost.db'}")
    database = Database(f"sqlite:///{settled / 'milepost.db'}", synchronous="OFF")
    earn(database, "e1")
    earn(database, "e2")
    database.dispose()
    return database


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["ledger", *words])


def test_an_operator_seals_and_a_stranger_verifies(shop: Database, settled: Path) -> None:
    """With the file, the key that was handed out, and a copy of the database: nothing else."""
    assert "signed at 2 transactions" in run("seal").output
    key = run("key").output.strip()
    assert VerifierKey.decode(key).name == "milepost"
    copy = settled.parent / "copy.db"
    copy.write_bytes((settled / "milepost.db").read_bytes())
    words = ["--database", f"sqlite:///{copy}", "--key", key,
             "--checkpoints", str(settled / "checkpoints.jsonl"), "--json"]  # fmt: skip
    answer = run("verify", *words)
    report = json.loads(answer.stdout)

    assert answer.exit_code == 0, answer.output
    assert (report["ok"], report["sealed"], report["signatures"]) == (True, 2, "checked")


def test_a_key_that_was_lost_or_changed_is_said_and_verify_names_the_way_out(
    shop: Database,
    settled: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No row is wrong: with the public key of before, everything is checked again."""
    run("seal")
    assert not caplog.messages
    before = run("key").output.strip()
    (settled / "seal.key").unlink()
    earn(shop, "e3")

    run("seal")
    said, doubted = list(caplog.messages), run("verify")
    monkeypatch.setenv("MILEPOST_SEAL_OLD_KEYS", f"{before} {KEY.verifier.encode()}")
    earn(shop, "e4")
    run("seal")
    sound = run("verify")
    monkeypatch.setenv("MILEPOST_SEAL_OLD_KEYS", "hush-7")
    wrong = run("verify")

    assert "before was signed with another key" in said[0]
    assert "MILEPOST_SEAL_OLD_KEYS" in said[0]
    assert caplog.messages == said, "once is enough"
    assert doubted.exit_code == 1
    assert "MILEPOST_SEAL_OLD_KEYS" in doubted.output
    assert sound.exit_code == 0, sound.output
    assert "3 checkpoints cover 4" in sound.output
    assert (wrong.exit_code, "hush-7" in wrong.output) == (2, False)
    assert "MILEPOST_SEAL_OLD_KEYS: " in wrong.output


def test_a_broken_row_ends_with_1_and_is_named(shop: Database) -> None:
    """In words for people, as JSON for programs."""
    with shop.write() as connection:
        connection.exec_driver_sql("UPDATE entries SET balance = 99 WHERE seq = 2")
    spoken, written = run("verify"), run("verify", "--json")

    assert (spoken.exit_code, written.exit_code) == (1, 1)
    assert "first broken: transactions 2:" in spoken.output
    report = json.loads(written.stdout)
    assert report["first_broken"]["table"] == "transactions"
    assert report["first_broken"]["key"] == "2"


def noted(database: Database) -> View | None:
    with database.read() as connection:
        return last_verification(connection, "log")


def test_how_a_verification_of_everything_ended_is_kept(shop: Database, settled: Path) -> None:
    """For the page of health; a part of the ledger, or a copy of it, is no word on the whole."""
    copy = settled.parent / "copy.db"
    copy.write_bytes((settled / "milepost.db").read_bytes())
    for words in (["--account", "lee"], ["--since", "1"], ["--database", f"sqlite:///{copy}"]):
        assert run("verify", *words).exit_code == 0
    assert noted(shop) is None

    run("verify")

    kept = noted(shop)
    assert kept is not None
    assert (kept["ok"], kept["transactions"], kept["findings"]) == (True, 2, [])
    with shop.write() as connection:
        connection.exec_driver_sql("UPDATE entries SET balance = 99 WHERE seq = 2")
    run("verify")
    broken = noted(shop)
    assert broken is not None
    assert (broken["ok"], bool(broken["findings"])) == (False, True)


def test_the_verdict_counts_where_nothing_can_be_noted(shop: Database) -> None:
    """Such as on a database that an auditor may only read."""
    with shop.write() as connection:
        connection.exec_driver_sql("DROP TABLE verifications")

    answer = run("verify")

    assert answer.exit_code == 0, answer.output
    assert "could not be noted" in answer.output


def test_what_cannot_be_asked_is_refused_in_words(shop: Database, tmp_path: Path) -> None:
    """A wrong key, what is no address, a file that is not there, two scopes at once."""
    for words in (
        ["--key", "x"],
        ["--database", "foo"],
        ["--checkpoints", str(tmp_path / "no")],
        ["--full", "--since", "1"],
    ):
        answer = run("verify", *words)
        assert answer.exit_code == 1
        assert words[0] in answer.output


def test_a_new_key_is_of_this_log(settled: Path) -> None:
    """What is printed can be used as it is."""
    made = SigningKey.decode(run("key", "--new").output.strip())

    assert made.name == "milepost"
