"""Members rise and fall on a real database: receipts, refunds, reviews, and what is told of it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event as listening

from loyalty.earning.activate import activate
from loyalty.earning.load import load_rules
from loyalty.errors import Unknown
from loyalty.intake import purchase_wants, record_purchase
from loyalty.tiers.settings import Period, Rung
from storage.database import Database
from tests.conftest import DatabaseMaker
from tests.storage.tier_desk import LADDER, SHANGHAI, Opened, day, opening


@pytest.fixture
def opened(database: Database) -> Opened:
    return opening(database)


# --- up -----------------------------------------------------------------------------------------


def test_a_receipt_raises_the_member_at_once(opened: Opened) -> None:
    """Silver with the receipt that reaches it; its gift and its event in the same transaction."""
    desk = opened()
    desk.spends(99_900, "r1")
    assert desk.tier() == "ordinary"

    earned = desk.spends(100, "r2")["points"]

    assert desk.tier() == "silver"
    [row] = desk.history()
    assert (row.reason, row.came_from, row.metric) == ("reached", "ordinary", 100_000)
    before = desk.balance("lee").available - earned
    assert before == desk.store.read(lambda tx: tx.inbox.find("till", "r1")).answer["points"] + 10  # type: ignore[union-attr]
    [said] = desk.told("tier.changed")
    assert said == {
        "tier": "silver", "before": "ordinary", "direction": "up", "reason": "reached",
    }  # fmt: skip


def test_a_receipt_sent_twice_raises_once(opened: Opened) -> None:
    """The till repeats itself; gift, history and event do not."""
    desk = opened()
    for _ in range(2):
        desk.spends(100_000, "r1", occurred_at=day("2026-03-01", 9))

    assert len(desk.history()) == 1
    assert len(desk.told("tier.changed")) == 1


def test_a_journey_may_begin_with_a_rise(opened: Opened) -> None:
    """A campaign entered on `tier.changed` admits who becomes gold, and not who becomes silver."""
    desk = opened()
    desk.launch_written(
        enter="{on: tier.changed, where: \"event.attributes['tier'] == 'gold'\"}",
        reentry="{again_after: P1D}",
    )
    desk.spends(100_000, "r1")
    assert desk.enrolments("lee") == []

    desk.spends(400_000, "r2")

    [entered] = desk.enrolments("lee")
    assert entered.campaign_id == "written"
    assert desk.verdicts("lee", "written")[-1] == "admitted:admitted"


def test_spending_points_never_lowers_a_tier(opened: Opened) -> None:
    """All points are gone, and the tier and what counted for it are as before."""
    desk = opened(downgrade="by_metric")
    desk.spends(100_000, "r1")
    before = desk.standing()
    points = desk.balance("lee").available

    desk.store.run(lambda tx: tx.ledger.burn("all", "lee", points))
    desk.night()

    assert desk.balance("lee").available == 0
    assert desk.standing().metric == before.metric == 100_000
    assert desk.tier() == "silver"


def test_many_tills_at_once_raise_once(opened: Opened) -> None:
    """Eight receipts in the same moment: each tier once, each gift once."""
    desk = opened()
    start = threading.Barrier(8)

    def buy(n: int) -> int:
        start.wait()
        return int(desk.spends(62_500, f"r{n}")["points"])

    with ThreadPoolExecutor(8) as tills:
        earned = sum(tills.map(buy, range(8)))

    assert [row.tier for row in desk.history()] == ["silver", "gold"]
    assert desk.balance("lee").available == earned + 10 + 50
    assert [said["tier"] for said in desk.told("tier.changed")] == ["silver", "gold"]


def test_receipts_that_are_committed_together_raise_as_if_alone(
    opened: Opened, database: Database, new_database: DatabaseMaker
) -> None:
    """Four members and twice the same one in one group: tiers, gifts and points are the same."""
    other = new_database("sqlite" if database.dialect == "sqlite" else "postgres")
    alone, grouped = opened(), opened(on=other)
    figures = []
    for desk in (alone, grouped):
        desk.crowd(3)
        receipts = [
            desk.receipt(who, f"r{n}", [("grocery", minor)])
            for n, (who, minor) in enumerate(
                [("lee", 99_000), ("m000", 100_000), ("m001", 1_000), ("lee", 1_000),
                 ("m002", 500_000), ("lee", 400_000)]
            )
        ]  # fmt: skip
        poster = desk.store.group() if desk is grouped else None
        line = [
            desk.store.submit(partial(record_purchase, purchase=each), purchase_wants(each))
            for each in receipts
        ]
        for future in line:
            future.result()
        if poster is not None:
            poster.close()
        people = ("lee", "m000", "m001", "m002")
        figures.append([(desk.member(who).tier, desk.balance(who).available) for who in people])

    assert figures[0] == figures[1]
    assert [tier for tier, _ in figures[1]] == ["gold", "silver", "ordinary", "gold"]


def test_a_tier_given_at_registration_is_where_the_member_starts(opened: Opened) -> None:
    """Who was silver in the old system stays so with a small receipt, and rises to gold from it."""
    desk = opened()
    desk.joins("wu", tier="silver")
    desk.buys("wu", "r1", ("grocery", 1_000))
    assert desk.member("wu").tier == "silver"

    desk.buys("wu", "r2", ("grocery", 499_000))

    assert desk.member("wu").tier == "gold"
    [row] = desk.store.read(lambda tx: tx.tiers.history("wu"))
    assert (row.came_from, row.tier) == ("silver", "gold")


def test_without_a_ladder_tiers_are_the_shops(opened: Opened) -> None:
    """Nothing is counted, raised or lowered; the member's tier is still shown."""
    desk = opened(ladder=())
    desk.spends(9_000_000, "r1")
    desk.returns("r1")
    desk.night()

    assert desk.history() == []
    standing = desk.standing()
    assert (standing.tier, standing.next_tier, standing.to_stay) == ("ordinary", None, None)


def test_members_start_at_the_foot_of_whatever_ladder_there_is(opened: Opened) -> None:
    """Bronze is everybody's where the ladder begins with it; a tier off the ladder was named."""
    desk = opened(ladder=(Rung(tier="bronze", threshold=0), LADDER[1]))
    desk.joins("staff", tier="crew")
    assert desk.tier() == "bronze"

    desk.spends(100_000, "r1")
    desk.buys("staff", "r2", ("grocery", 100_000))

    assert desk.tier() == "silver"
    [said] = desk.told("tier.changed")
    assert (said["before"], said["tier"]) == ("bronze", "silver")
    assert desk.member("staff").tier == "crew"


@pytest.fixture
def statements(database: Database) -> Iterator[list[str]]:
    """Every statement that reaches the database, while the test runs."""
    seen: list[str] = []

    def note(c: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    listening.listen(database.engine, "before_cursor_execute", note)
    yield seen
    listening.remove(database.engine, "before_cursor_execute", note)


def test_a_receipt_that_cannot_raise_costs_nothing(opened: Opened, statements: list[str]) -> None:
    """Where spend counts, no statement about tiers is sent until a rise is possible."""
    desk = opened()
    desk.spends(1_000, "r1")
    assert not [each for each in statements if "tier_" in each]

    desk.spends(99_000, "r2")

    assert [each for each in statements if "INSERT INTO tier_history" in each]


# --- what counts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "paid_minor", "counts"),
    [
        ([("grocery", 60_000)], 0, 60_000),
        ([("gift_card", 60_000)], 0, 0),  # it will be spent again, and counts then
        ([("top_up", 60_000), ("grocery", 20_000)], 0, 20_000),
        ([("shipping", 1_000), ("grocery", 20_000)], 0, 20_000),
        ([("grocery", 60_000)], 15_000, 45_000),  # what points paid was no spending
        # Points pay no gift card: what they paid was of the groceries, and the card was money.
        ([("gift_card", 40_000), ("grocery", 40_000)], 20_000, 20_000),
    ],
)
def test_spend_is_what_earns_points_and_no_gift_card(
    opened: Opened, lines: list[Any], paid_minor: int, counts: int
) -> None:
    """Whoever buys a gift card and shops with it has spent once; returned, nothing is left."""
    desk = opened()
    desk.buys("lee", "r1", *lines, paid_with_points_minor=paid_minor)

    assert desk.standing().metric == counts
    desk.returns("r1")
    assert desk.standing().metric == 0


def test_gift_cards_raise_nobody_and_come_back_line_by_line(opened: Opened) -> None:
    """5,000 yuan of gift cards leave lee ordinary; parts that return take off only their own."""
    desk = opened()
    desk.buys("lee", "r1", ("gift_card", 500_000, 5), ("grocery", 99_999, 3))
    assert (desk.tier(), desk.standing().metric) == ("ordinary", 99_999)
    desk.returns("r1", {1: 2})
    assert desk.standing().metric == 99_999
    desk.returns("r1", {1: 1, 2: 1})
    assert desk.standing().metric == 66_666

    desk.spends(33_334, "r2")

    assert desk.tier() == "silver"


def test_points_earned_count_and_gifts_do_not(opened: Opened) -> None:
    """10,000 points of a campaign lift nobody; 100 points for purchases do."""
    ladder = (Rung(tier="ordinary", threshold=0), Rung(tier="silver", threshold=100))
    desk = opened(metric="points_earned", ladder=ladder)
    desk.store.run(lambda tx: tx.ledger.earn("gift", "lee", 10_000, kind="grant"))
    clock = desk.clock
    clock.instant = day("2026-03-02")  # a Monday: one point for ten yuan
    assert desk.spends(99_000, "r1")["points"] == 99
    assert desk.tier() == "ordinary"

    desk.spends(1_000, "r2")

    assert desk.tier() == "silver"
    assert desk.standing().metric == 100
    desk.returns("r2")
    assert desk.standing().metric == 99


def test_topped_up_money_counts_net_of_what_came_back(opened: Opened) -> None:
    """Only the top-up lines of a receipt count, and a returned part no longer does."""
    desk = opened(metric="top_up")
    desk.buys("lee", "r1", ("top_up", 90_000, 9), ("grocery", 500_000))
    assert (desk.tier(), desk.standing().metric) == ("ordinary", 90_000)
    desk.returns("r1", {1: 2})
    desk.returns("r1", {2: 1})

    assert desk.standing().metric == 70_000
    desk.buys("lee", "r2", ("top_up", 30_000))
    assert desk.tier() == "silver"
    desk.returns("r1")
    assert desk.standing().metric == 30_000


@pytest.mark.parametrize(
    ("hours_late", "tier"), [(0, "silver"), (15, "silver"), (72, "silver"), (73, "ordinary")]
)
def test_a_receipt_of_new_years_eve_counts_for_its_year(
    opened: Opened, hours_late: int, tier: str
) -> None:
    """900 and 600 yuan in 2026 are silver through 2027, whether online or uploaded in time."""
    desk = opened(period=Period(kind="calendar_year"), downgrade="one_down")
    desk.clock.instant = day("2026-12-20")
    points = desk.spends(90_000, "r1")["points"]
    eve = day("2026-12-31", 18)
    desk.clock.instant = eve + timedelta(hours=hours_late)

    points += desk.spends(60_000, "r2", occurred_at=eve)["points"]

    assert desk.tier() == tier
    if tier == "silver":
        assert desk.standing().valid_until == day("2028-01-01", 0)
        assert desk.tier_on(day("2027-01-01", 0)) == "silver"
    assert desk.balance("lee").posted == points + 10 * (tier == "silver")


@pytest.mark.parametrize("grouped", [False, True])
def test_a_till_that_uploads_at_night_posts_by_the_tier_of_the_hour(
    opened: Opened, grouped: bool
) -> None:
    """The morning's receipt makes silver; what was bought after it earns as silver, twice."""
    desk = opened()
    rules = "base: {minor: 1000}\nrules: [{id: r, when: {tiers: [silver]}, bonus_bp: 10000}]\n"
    silver = load_rules(rules, (), SHANGHAI)
    desk.store.run(lambda tx: activate(tx, silver, None, "mia", after_version=1))
    desk.clock.instant = day("2026-03-03", 22)
    receipts = [
        desk.receipt("lee", f"r{hour}", [("grocery", 100_000)], occurred_at=day("2026-03-03", hour))
        for hour in (10, 15)
    ]

    poster = desk.store.group() if grouped else None
    line = [
        desk.store.submit(partial(record_purchase, purchase=each), purchase_wants(each))
        for each in receipts
    ]

    assert [future.result()["points"] for future in line] == [100, 200]
    if poster is not None:
        poster.close()
    assert [desk.tier_on(each.occurred_at) for each in receipts] == ["ordinary", "silver"]


def test_a_late_receipt_is_judged_by_the_tier_of_its_day(opened: Opened) -> None:
    """Silver since today: a receipt of yesterday that comes in now was an ordinary member's."""
    desk = opened()
    assert desk.tier_on(day("2026-03-01")) == "ordinary"
    desk.clock.instant = day("2026-03-05")
    desk.spends(100_000, "r1")
    desk.clock.instant = day("2026-03-06")

    assert desk.tier_on(day("2026-03-04")) == "ordinary"
    assert desk.tier_on(day("2026-03-05")) == "silver"
    assert desk.tier_on(day("2026-03-06")) == "silver"
    with pytest.raises(Unknown):
        desk.store.read(lambda tx: tx.tiers.at("nobody", day("2026-03-06")))


def test_a_late_receipt_counts_for_the_day_it_was_bought(opened: Opened) -> None:
    """Bought on the last of December: it lifts nobody in the new year."""
    desk = opened(period=Period(kind="calendar_year"))
    desk.clock.instant = day("2027-01-02")
    desk.spends(60_000, "late", occurred_at=day("2026-12-31"))
    desk.spends(60_000, "new")

    assert desk.standing().metric == 60_000
    assert desk.tier() == "ordinary"


# --- down ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("downgrade", ["keep", "one_down", "by_metric"])
def test_a_refund_takes_one_step_at_the_days_end(opened: Opened, downgrade: str) -> None:
    """Gold by one receipt that comes back whole: silver after midnight, and silver it stays."""
    desk = opened(downgrade=downgrade)
    desk.spends(500_000, "r1")
    desk.clock.instant += timedelta(hours=1)

    desk.returns("r1")
    assert desk.review() == 0
    assert desk.tier() == "gold"

    assert desk.night() == 1
    assert desk.tier() == "silver"
    assert desk.history()[-1].reason == "refunded"
    assert desk.told("tier.changed")[-1]["direction"] == "down"
    assert desk.night() == 0
    assert desk.tier() == "silver"


def test_an_upgrade_gift_comes_once_whatever_goes_down_and_up(opened: Opened) -> None:
    """Silver, brought back, ordinary, silver again: ten points of gift, once, never taken back."""
    desk = opened()
    desk.spends(100_000, "r1")
    desk.returns("r1")
    desk.night()
    assert (desk.tier(), desk.balance("lee").available) == ("ordinary", 10)

    second = desk.spends(100_000, "r2")

    assert desk.tier() == "silver"
    assert desk.balance("lee").available == 10 + second["points"]


def test_a_year_without_enough_lowers_by_the_policy_after_a_warning(opened: Opened) -> None:
    """Warned once a month before with what is missing, lowered after grace and late receipts."""
    desk = opened(downgrade="one_down", grace_days=7)
    desk.spends(500_000, "r1", occurred_at=day("2026-03-01", 9))
    desk.clock.instant = day("2027-01-29")
    assert desk.review() == 0

    desk.clock.instant = day("2027-01-31")
    assert [desk.review(), desk.review()] == [1, 0]
    [said] = desk.told("tier.at_risk")
    assert (said["tier"], said["missing"]) == ("gold", "500000")

    desk.clock.instant = day("2027-03-08")
    assert (desk.review(), desk.tier()) == (0, "gold")
    desk.clock.instant = day("2027-03-12")
    assert (desk.review(), desk.tier()) == (1, "silver")
    assert desk.review() == 0
    assert len(desk.told("tier.at_risk")) == 1


def test_who_requalifies_keeps_the_tier_for_another_year(opened: Opened) -> None:
    """The same tier, a new validity, and no gift for staying."""
    desk = opened(downgrade="by_metric")
    desk.spends(100_000, "r1", occurred_at=day("2026-03-01", 9))
    desk.clock.instant = day("2026-12-01")
    desk.spends(100_000, "r2")
    points = desk.balance("lee").available
    desk.clock.instant = day("2027-03-01", 11)

    desk.review()

    assert desk.history()[-1].reason == "retained"
    assert desk.standing().valid_until == day("2028-03-01")
    assert desk.standing().since == day("2026-03-01")
    assert desk.balance("lee").available == points
    assert len(desk.told("tier.changed")) == 1


def test_members_whom_no_review_knows_are_found(opened: Opened) -> None:
    """Tiers the shop brought along get a validity on the first night, and are judged at its end."""
    desk = opened(downgrade="by_metric")
    desk.joins("wu", tier="gold", registered_at=day("2020-01-01"))
    desk.joins("xi", tier="founder")
    assert desk.review() == 1
    assert desk.member("wu").tier == "gold"

    desk.clock.instant = day("2027-03-05")
    desk.review()

    assert desk.member("wu").tier == "ordinary"
    assert desk.member("xi").tier == "founder"


def test_a_review_that_was_killed_goes_on_where_it_was(opened: Opened) -> None:
    """Every member is a transaction of its own: who was done stays done, the rest comes later."""
    desk = opened(downgrade="by_metric")
    desk.crowd(3)
    for n in range(3):
        desk.buys(f"m{n:03}", f"r{n}", ("grocery", 100_000), occurred_at=day("2026-03-01", 9))
    desk.clock.instant = day("2027-03-10")
    whole, done = desk.store.run, 0

    def dies(work: Any, **more: Any) -> Any:
        nonlocal done
        if done == 2:
            raise KeyboardInterrupt
        done += 1
        return whole(work, **more)

    desk.store.run = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        desk.review()
    desk.store.run = whole  # type: ignore[method-assign]
    assert [desk.member(f"m{n:03}").tier for n in range(3)] == ["ordinary", "ordinary", "silver"]

    assert desk.review() == 1
    assert desk.member("m002").tier == "ordinary"
