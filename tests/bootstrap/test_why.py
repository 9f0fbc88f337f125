"""`milepost why`: the slip that says why points moved, as a clerk reads it out."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner, Result

from bootstrap.cli import app
from bootstrap.clock import SystemClock
from bootstrap.settings import read_settings
from bootstrap.wiring import Parts
from loyalty.earning.earn import earn
from loyalty.earning.facts import Facts
from loyalty.earning.rule_set import Base, Cap, Rule, RuleSet
from loyalty.events import Line, Purchase, Refund, RefundLine
from loyalty.gifting import Gift, give
from loyalty.intake import record_purchase
from loyalty.merging import Merger, merge
from loyalty.ports import Transaction
from loyalty.refunds import record_refund
from loyalty.registration import Registration, register
from loyalty.slips.earned import earned
from loyalty.slips.paper import Paper, Text
from loyalty.slips.words import EN, ZH
from loyalty.till import flow
from loyalty.till.requests import HoldConfirm, HoldRelease, HoldRequest
from storage.migrate import upgrade

RULES = """
earning:
  weekend_bonus_bp: 0
  rules:
    - {id: always, when: {}, bonus_bp: 5000}
    - {id: big, when: {from_minor: 50000}, bonus_bp: 10000}
    - {id: gold-days, when: {tiers: [gold]}, bonus_bp: 2000}
    - {id: snacks, when: {categories: [snacks]}, points: 15, caps: [{points: 10, per: day}]}
"""
BILL = (
    Line(sku="leek", category="fresh", quantity=2, net_minor=10_000),
    Line(sku="soap", category="grocery", net_minor=12_000),
    Line(sku="chips", category="snacks", net_minor=3_000),
)
Why = Callable[..., Result]


def sale(at: datetime) -> Callable[[Transaction], None]:
    """1,500 points, of which 1,000 pay a part of 250 yuan; then one bunch of leek comes back."""

    def work(tx: Transaction) -> None:
        register(tx, Registration(id="lee"))
        tx.ledger.earn(
            "gift/1", "lee", 600, kind="grant", source="welcome", campaign_id="welcome",
            expires_at=at + timedelta(days=20), meta={"step": "gift", "reason": "told"},
        )  # fmt: skip
        tx.ledger.earn("before", "lee", 900, expires_at=at + timedelta(days=90))
        placed = HoldRequest(
            source="till", id="p1", member_id="lee", points=1_000, currency="CNY", lines=BILL
        )
        flow.place(tx, placed)
        flow.confirm(tx, "till:till:p1", HoldConfirm(purchase_id="r1"))
        bought = Purchase(
            source="till", id="r1", member_id="lee", occurred_at=at, currency="CNY",
            store="riverside", paid_with_points_minor=1_000, lines=BILL,
        )  # fmt: skip
        record_purchase(tx, bought)
        back = Refund(
            source="till", id="b1", purchase_id="r1", occurred_at=at,
            lines=(RefundLine(line=1, quantity=1),),
        )  # fmt: skip
        record_refund(tx, back)

    return work


@pytest.fixture
def why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Why:
    """Runs `milepost why` after that sale."""
    rules = tmp_path / "programme.yaml"
    rules.write_text(RULES)
    monkeypatch.setenv("MILEPOST_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MILEPOST_PROGRAMME_FILE", str(rules))
    monkeypatch.setenv("MILEPOST_TEMPORAL_ADDRESS", "127.0.0.1:1")  # nobody there
    monkeypatch.setenv("COLUMNS", "120")
    settings = read_settings()
    settings.data_dir.mkdir()
    upgrade(settings.database)
    parts = Parts(settings)
    parts.store.run(sale(SystemClock().now()))
    parts.close()
    return lambda *words: CliRunner().invoke(app, ["why", *words])


def test_a_receipt_is_explained_figure_by_figure(why: Why) -> None:
    """Base, lines, what applied, limits, what did not apply and why, rounding, lots."""
    said = why("purchase:till:r1")

    assert said.exit_code == 0, said.output
    lines = [line.strip() for line in said.output.splitlines()]
    assert lines[0] == "Earned 60 points"
    assert "Earning rules, version 1" in lines
    assert "base: every 10.00 CNY that counts is worth 1, before rates and bonuses" in lines
    assert any(line.startswith("1     leek fresh ×2  100.00 CNY   96.00 CNY") for line in lines)
    for told in (
        "10.00 CNY of the bill were paid with points and earn nothing.",
        "always                   +50%",
        "snacks                   +15 points on line 3  (10 of 15 granted)",
        "bonuses together: ×1.5 (added up, never above ×5)",
        "snacks per day: 15 wished, 10 granted",
        "big                      too little was bought  (only from 500.00 CNY on)",
        "gold-days                for other tiers",
        "= 50.40 rounded down once to 50, then shared over the lines",
        "= 50 for the money + 10 on top = 60 points",
    ):
        assert told in lines
    assert any(line.startswith("+60 purchase, lapse 20") for line in lines)
    assert any("taken back since:" in line and "by refund:till:b1" in line for line in lines)


def test_a_return_says_what_is_kept_earns_and_what_is_taken(why: Why) -> None:
    """Each line that is kept, the rules on it, and the figures that the points come from."""
    lines = [line.strip() for line in why("refund:till:b1").output.splitlines()]

    assert "What is kept, by the rules of the purchase" in lines
    assert any(line.startswith("1     leek fresh     50.00 CNY   48.00 CNY") for line in lines)
    for told in (
        "big                      too little was bought  (only from 500.00 CNY on)",
        "snacks                   +15 points on line 3  (10 of 15 granted)",
        "= 36.00 rounded down once to 36, then shared over the lines",
        "= 36 for the money + 10 on top = 46 points",
        "= 60 earned − 46 for what is kept − 0 taken back before = 14 points",
    ):
        assert told in lines


@pytest.mark.parametrize(
    ("cap", "told"),
    [
        (30, "bonuses together, before limits: ×1.5 (added up, never above ×5)"),
        (50, "bonuses together: ×1.5 (added up, never above ×5)"),
    ],
)
def test_bonuses_that_a_limit_cut_are_shown_as_before_it(cap: int, told: str) -> None:
    """Nobody multiplies 100 by 1.5 and wonders about 130."""
    always = Rule(id="always", bonus_bp=5_000, caps=(Cap(points=cap, per="day"),))
    bought = Purchase(
        source="till", id="r1", member_id="lee", occurred_at=datetime(2026, 3, 2, tzinfo=UTC),
        currency="CNY", lines=(Line(sku="s", category="a", net_minor=10_000),),
    )  # fmt: skip
    made = earn(bought, RuleSet(base=Base(minor=100), rules=(always,)), Facts(), ZoneInfo("UTC"))

    slip = list(earned(Paper(EN, "CNY", ZoneInfo("UTC")), made))

    assert [row.text for row in slip if isinstance(row, Text) and "together" in row.text] == [told]


def test_spent_points_name_their_lots_and_the_bill(why: Why) -> None:
    """The soonest to lapse first, what they were worth, and what came back since."""
    said = why("confirm:till:till:p1").output

    assert said.startswith("Spent 1,000 points at the till")
    assert "1,000 points paid 10.00 CNY of 250.00 CNY, purchase r1" in said
    assert said.index("-600 welcome, lapse") < said.index("-400 purchase, lapse")
    assert "taken back since: 200 points by refund-points:till:b1" in said


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("till:till:p1", ("Set 1,000 points aside", "worth 10.00 CNY\n", "+600 welcome")),
        ("gift/1", ("Given 600 points", "campaign welcome (welcome), step gift (told)")),
        (
            "refund-points:till:b1",
            (
                "Gave 200 spent points back",
                "goods for 50.00 CNY came back; 48.00 CNY of it in money",
                "takes back confirm:till:till:p1",
                "+200 purchase, lapse",
            ),
        ),
        ("refund:till:b1", ("earned points back", "What they were taken from", "-1")),
    ],
)
def test_every_kind_of_movement_is_a_slip(why: Why, key: str, told: tuple[str, ...]) -> None:
    """Holds, gifts, and what a refund gives back and takes."""
    said = why(key)

    assert said.exit_code == 0, said.output
    assert [words for words in told if words not in said.output] == []


def test_a_hold_says_what_became_of_it(why: Why) -> None:
    """Its worth stands with its own bill; what was paid stands with the bill that was paid."""
    parts = Parts(read_settings())

    def work(tx: Transaction) -> None:
        for id in ("open", "less", "back"):
            placed = HoldRequest(
                source="till", id=id, member_id="lee", points=200, currency="CNY", lines=BILL
            )
            flow.place(tx, placed)
        fewer = HoldConfirm(purchase_id="r2", points=100, bill_minor=24_000)
        flow.confirm(tx, "till:till:less", fewer)
        flow.release(tx, "till:till:back", HoldRelease(reason="no_sale"))

    parts.store.run(work)
    parts.close()

    for id, told in {
        "open": ("worth 2.00 CNY of a bill of 250.00 CNY\n", "unless confirmed before"),
        "less": ("worth 2.00 CNY\n", "100 points paid 1.00 CNY of 240.00 CNY, purchase r2"),
        "back": ("worth 2.00 CNY of a bill of 250.00 CNY\n", "they were released"),
    }.items():
        said = why(f"till:till:{id}").output
        assert [words for words in told if words not in said] == []


def test_what_was_only_set_free_again_was_not_spent(why: Why) -> None:
    """400 were set aside of two lots, and 100 paid: the slip's lots add up to the 100."""
    parts, now = Parts(read_settings()), SystemClock().now()

    def work(tx: Transaction) -> None:
        register(tx, Registration(id="ann"))
        tx.ledger.earn("a/1", "ann", 100, source="review", expires_at=now + timedelta(days=9))
        tx.ledger.earn("a/2", "ann", 300, source="check_in", expires_at=now + timedelta(days=10))
        tx.ledger.hold("h1", "ann", 400, expires_at=now + timedelta(days=1))
        tx.ledger.confirm("h1", "c1", 100)

    parts.store.run(work)
    parts.close()

    said = why("c1").output
    assert "-100 review" in said
    assert "check_in" not in said
    assert "balance after: 300, of which 300 can be spent" in said
    assert "+300 check_in" in why("h1").output


def test_a_present_leads_to_both_balances(why: Why) -> None:
    """Read out to whoever got it, the slip says what that member has; and nothing was set aside."""
    parts, now = Parts(read_settings()), SystemClock().now()

    def work(tx: Transaction) -> None:
        for id, points in (("ann", 12_340), ("kim", 10)):
            register(tx, Registration(id=id, registered_at=now - timedelta(days=90)))
            tx.ledger.earn(f"had/{id}", id, points)
        give(tx, "ann", Gift(id="g1", to="kim", points=50))

    parts.store.run(work)
    parts.close()

    said = [line.strip() for line in why("gift:g1").output.splitlines()]
    assert said[0] == "Gave 50 points to kim as a present"
    assert said[-5:] == [
        "Which points moved",
        "-50 ann, never lapse",
        "+50 kim, never lapse",
        "balance of ann after: 12,290",
        "balance of kim after: 60",
    ]


def test_a_merger_says_what_paid_the_debt_that_came_along(why: Why) -> None:
    """The old card owed 171 and had nothing: the survivor's points paid, and 329 are left."""
    parts = Parts(read_settings())

    def work(tx: Transaction) -> None:
        for id, points in (("old", 171), ("ann", 500)):
            register(tx, Registration(id=id))
            tx.ledger.earn(f"had/{id}", id, points)
        tx.ledger.burn("b1", "old", 171)
        tx.ledger.reverse("back", "had/old")
        merge(tx, "old", "ann", Merger(id="u1", reason="same person"), "ola")

    parts.store.run(work)
    parts.close()

    said = [line.strip() for line in why("merge:u1").output.splitlines()]
    assert said[-6:] == [
        "Which points moved",
        "-171 ann, never lapse",
        "A debt of 171 went along.",
        "171 points of ann repaid a debt at once.",
        "balance of old after: 0",
        "balance of ann after: 329",
    ]


def test_points_of_an_exchange_were_spent_at_no_till(why: Why) -> None:
    """A claim is confirmed too, but no till has to do with it."""
    parts = Parts(read_settings())
    ends = SystemClock().now() + timedelta(days=1)
    parts.store.run(lambda tx: tx.ledger.hold("claim:cup:1", "lee", 100, expires_at=ends))
    parts.store.run(lambda tx: tx.ledger.confirm("claim:cup:1", "confirm:claim:cup:1", 100))
    parts.close()

    assert why("confirm:claim:cup:1").output.startswith("Spent 100 points\n")


def test_lapsed_points_are_a_slip(why: Why) -> None:
    """What was left of the gift lapsed: from which lot, and what is left."""
    parts = Parts(read_settings())
    later = SystemClock().now() + timedelta(days=91)
    parts.store.run(lambda tx: tx.ledger.expire("lee", later, "lapse/1"), now=later)
    parts.close()

    said = why("lapse/1").output

    assert said.startswith("700 points lapsed")
    assert "-700 purchase, lapse" in said


def test_the_same_slip_in_chinese(why: Why) -> None:
    """Every word of it: no code of a reason is left untranslated."""
    said = why("purchase:till:r1", "--locale", "zh").output

    for told in ("获得 60 积分", "金额未达门槛", "限其他等级", "品类倍率", "实得 10，应得 15"):
        assert told in said
    assert "too little" not in said


def test_what_never_happened_has_no_slip(why: Why) -> None:
    """One sentence, and a failure for scripts."""
    said = why("purchase:till:r9")

    assert said.exit_code == 1
    assert "There is no transaction 'purchase:till:r9'" in said.output


def test_both_languages_say_the_same_things() -> None:
    """No line, reason or figure is missing in one of them."""

    def figures(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for words in ("kinds", "lines", "reasons", "stacking", "periods"):
        english, chinese = getattr(EN, words), getattr(ZH, words)
        assert english.keys() == chinese.keys()
        for name, text in english.items():
            assert figures(text) == figures(chinese[name]), name
    assert len(EN.columns) == len(ZH.columns)


def test_instants_are_shown_in_the_programmes_zone(why: Why) -> None:
    """Points lapse at the end of a month in Shanghai: at midnight there."""
    said = why("purchase:till:r1").output

    assert "-01 00:00" in said
