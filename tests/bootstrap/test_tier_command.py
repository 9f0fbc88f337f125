"""`milepost tier`: what a clerk on the telephone reads out; and the nightly care behind it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bootstrap.cli import app
from bootstrap.clock import FileClock
from bootstrap.settings import read_settings
from bootstrap.upkeep import Care
from bootstrap.wiring import Parts
from loyalty.events import Line, Purchase
from loyalty.intake import record_purchase
from loyalty.ports import Transaction
from loyalty.programme import Programme
from loyalty.registration import Registration, register
from loyalty.tiers.settings import Tiers
from storage.store import SqlStore
from tests.conftest import DatabaseMaker

RULES = """
tiers:
  downgrade: one_down
  ladder:
    - {tier: ordinary, threshold: 0}
    - {tier: silver, threshold: 100000}
    - {tier: gold, threshold: 500000}
"""
Milepost = Callable[..., Result]


def buys(store: SqlStore, minor: int, at: datetime) -> None:
    line = Line(sku="s", category="grocery", net_minor=minor)
    receipt = Purchase(
        source="till", id="r1", member_id="lee", occurred_at=at, currency="CNY", lines=(line,)
    )

    def work(tx: Transaction) -> None:
        register(tx, Registration(id="lee"))
        record_purchase(tx, receipt)

    store.run(work)


@pytest.fixture
def milepost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Milepost:
    """Runs `milepost` on a migrated database of this test's own, with rules from a file."""
    rules = tmp_path / "programme.yaml"
    rules.write_text(RULES)
    monkeypatch.setenv("MILEPOST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MILEPOST_PROGRAMME_FILE", str(rules))
    monkeypatch.setenv("MILEPOST_TEMPORAL_ADDRESS", "127.0.0.1:1")  # nobody there
    monkeypatch.setenv("COLUMNS", "140")
    runner = CliRunner()

    def run(*words: str) -> Result:
        return runner.invoke(app, list(words))

    assert run("migrate").exit_code == 0
    return run


def test_the_command_says_what_is_missing(milepost: Milepost) -> None:
    """Silver, so much to gold, so much to stay, and how it came to be."""
    parts = Parts(read_settings())
    buys(parts.store, 120_000, parts.clock.now())

    shown = milepost("tier", "lee").output

    assert shown.startswith("lee  silver  since ")
    assert "to reach gold: 380,000 more" in shown
    assert "to keep silver: " in shown
    assert "reached" in shown
    assert "at risk" not in shown


def test_an_unknown_member_is_said_so(milepost: Milepost) -> None:
    """No traceback, and a code of its own for scripts."""
    refused = milepost("tier", "nobody")

    assert refused.exit_code == 1
    assert "There is no member 'nobody'." in refused.output


def test_the_help_can_be_typed_as_it_stands(milepost: Milepost) -> None:
    """The example is the command."""
    assert "milepost tier m-1001" in milepost("tier", "--help").output.partition("Example")[2]


def test_a_mistake_in_the_ladder_is_told_at_the_start(milepost: Milepost, tmp_path: Path) -> None:
    """The file, the place and what would be right, before anything runs."""
    (tmp_path / "programme.yaml").write_text(RULES.replace("500000", "100000"))

    refused = milepost("tier", "lee")

    assert refused.exit_code == 2
    assert "tiers: gold (100000) must need more than silver (100000)" in refused.output


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_regular_care_reviews_tiers(
    new_database: DatabaseMaker, tmp_path: Path, kind: str
) -> None:
    """A year without a receipt: warned in one round, lowered in another, nothing in between."""
    clock = FileClock(tmp_path / "clock")
    start = datetime(2026, 3, 1, 4, tzinfo=UTC)
    clock.set(start)
    programme = Programme(tiers=Tiers(downgrade="one_down"))
    store = SqlStore(new_database(kind), clock, programme)
    care = Care(store, clock)
    buys(store, 1_000_000, start - timedelta(hours=1))
    assert care().reviewed_tiers == 0

    clock.set(start + timedelta(days=340))
    assert [care().reviewed_tiers, care().reviewed_tiers] == [1, 0]
    clock.set(start + timedelta(days=369))
    assert [care().reviewed_tiers, care().reviewed_tiers] == [1, 0]

    member = store.read(lambda tx: tx.members.get("lee"))
    assert member is not None
    assert member.tier == "silver"
