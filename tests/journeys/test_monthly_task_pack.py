"""The monthly task pack: three tasks a month, each with its points, and the month's every end."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loyalty.programme import Programme
from tests.stories import SHANGHAI, Told

FEBRUARY = datetime(2027, 2, 1, 9, 0, tzinfo=SHANGHAI)
MARCH = datetime(2027, 3, 1, tzinfo=SHANGHAI)
# Three purchases, five check-ins, a review with a photo.
PACK = 1000 + 100 + 200


@pytest.fixture
def starts() -> datetime:
    """The evening before a month begins."""
    return datetime(2027, 1, 31, 20, 0, tzinfo=SHANGHAI)


async def open_pack(told: Told, *names: str, **more: Any) -> str:
    """The campaign is launched, the members are there, and the month begins."""
    campaign = await told.launch("monthly_task_pack", **more)
    for name in names:
        await told.joins(name)
    await told.until(FEBRUARY)
    return campaign


async def buys_on(told: Told, name: str, days: Sequence[int]) -> list[dict[str, object]]:
    """A purchase of 50 yuan at noon on each of these days of February."""
    bought = []
    for day in days:
        at = datetime(2027, 2, day, 12, 0, tzinfo=SHANGHAI)
        await told.until(at)
        bought.append(await told.buys(name))
    return bought


async def granted(told: Told, name: str, campaign: str) -> int:
    return sum(e.granted_points for e in await told.enrolments(name, campaign))


async def test_who_does_all_three_tasks_gets_all_the_points(told: Told) -> None:
    """Each task pays by itself, at once, and the month ends with thanks."""
    pack = await open_pack(told, "lee")
    await buys_on(told, "lee", (2, 4, 6))
    assert await granted(told, "lee", pack) == 1000
    for day in range(7, 12):
        await told.until(datetime(2027, 2, day, 10, 0, tzinfo=SHANGHAI))
        await told.does("lee", "check_in")
    assert await granted(told, "lee", pack) == 1100
    await told.does("lee", "review", photo="yes")
    assert await granted(told, "lee", pack) == PACK

    assert (await told.enrolment("lee", pack)).state == "waiting"  # a refund may still come
    await told.until(MARCH + timedelta(days=4))

    assert (await told.enrolments("lee", pack))[0].outcome == "all_done"
    assert await told.messages("lee") == [
        "pack_open", "one_purchase_to_go", "task_done", "one_check_in_to_go", "task_done",
        "task_done",
        "pack_open",  # March has begun when February is settled
        "all_done",
    ]  # fmt: skip
    await told.books_balance()


async def test_one_missing_purchase_is_told_once(told: Told) -> None:
    """After the second of three, and not again when the second comes back and is made good."""
    pack = await open_pack(told, "lee")
    bought = await buys_on(told, "lee", (2, 4))
    assert (await told.messages("lee"))[-1] == "one_purchase_to_go"
    said = await told.says("lee", "one_purchase_to_go")
    assert (said["wait.count"], said["wait.needed"], said["wait.missing"]) == (2, 3, 1)

    await told.returns(bought[1])
    await buys_on(told, "lee", (5,))

    assert (await told.messages("lee")).count("one_purchase_to_go") == 1
    assert "done:goal_met" not in await told.reasons("lee", pack)


async def test_nobody_reads_of_one_more_purchase_after_it_was_made(told: Told) -> None:
    """Held back over the night, and in the morning the purchase came first."""
    await open_pack(told, "lee", values={"purchases": 2})
    evening = datetime(2027, 2, 2, 22, 30, tzinfo=SHANGHAI)
    await told.until(evening)
    await told.buys("lee")
    [row] = [r for r in await told.message_rows("lee") if r.message == "one_purchase_to_go"]
    assert (row.status, row.held_back_by) == ("deferred", "quiet_hours")
    assert evening + timedelta(hours=10) < row.due_at < row.expires_at

    await told.until(evening + timedelta(hours=10))
    await told.buys("lee")

    [row] = [r for r in await told.message_rows("lee") if r.message == "one_purchase_to_go"]
    assert row.expires_at == told.clock.now() < row.due_at  # when the gate drops it


async def test_the_mid_month_reminder_says_how_far_everybody_is(told: Told) -> None:
    """At ten in the morning, fourteen days in, to those with open tasks only."""
    await open_pack(told, "lee", "kim", values={"purchases": 2, "check_ins": 2})
    await buys_on(told, "lee", (2,))
    await buys_on(told, "kim", (3, 4))
    for day in (5, 6):
        await told.until(datetime(2027, 2, day, 10, 0, tzinfo=SHANGHAI))
        await told.does("kim", "check_in")
    await told.does("kim", "review", photo="yes")

    await told.until(datetime(2027, 2, 15, 9, 59, 59, tzinfo=SHANGHAI))
    assert "mid_month" not in await told.messages("lee")
    await told.until(datetime(2027, 2, 15, 10, 0, tzinfo=SHANGHAI))

    assert "mid_month" in await told.messages("lee")
    assert "mid_month" not in await told.messages("kim")
    said = await told.says("lee", "mid_month")
    assert [said[f"goals.purchases.{part}"] for part in ("count", "needed", "missing")] == [1, 2, 1]
    assert said["goals.photo_review.count"] == 0
    assert said["wait.ends_on"] == MARCH.astimezone(UTC).isoformat()


async def test_the_last_second_of_the_month_counts_and_midnight_does_not(told: Told) -> None:
    """What happens at midnight belongs to March's pack, also when it is uploaded in one go."""
    pack = await open_pack(told, "lee", values={"purchases": 2, "check_ins": 2})
    await told.until(MARCH + timedelta(hours=12))
    await told.does("lee", "check_in", at=MARCH - timedelta(days=3))
    await told.does("lee", "check_in", at=MARCH)
    february, march = await told.enrolments("lee", pack)
    assert (february.granted_points, march.granted_points) == (0, 0)

    await told.does("lee", "check_in", at=MARCH - timedelta(seconds=1))

    february, march = await told.enrolments("lee", pack)
    assert (february.granted_points, march.granted_points) == (100, 0)


async def test_late_uploads_count_for_three_days_and_no_longer(told: Told) -> None:
    """Lee's shop was offline over the month's end, Kim's stayed so for a day too long."""
    pack = await open_pack(told, "lee", "kim", values={"purchases": 2})
    await buys_on(told, "lee", (2,))
    await told.buys("kim")
    happened = datetime(2027, 2, 28, 18, 0, tzinfo=SHANGHAI)

    await told.until(MARCH + timedelta(days=3, seconds=-1))
    await told.buys("lee", at=happened)
    await told.until(MARCH + timedelta(days=3))
    await told.buys("kim", at=happened)

    assert [e.granted_points for e in await told.enrolments("lee", pack)] == [1000, 0]
    assert [e.granted_points for e in await told.enrolments("kim", pack)] == [0, 0]
    assert [e.outcome for e in await told.enrolments("kim", pack)] == ["month_over", None]
    assert await told.points("kim") == 5 + 7  # the purchases themselves earn, whenever they come


async def test_a_new_month_begins_while_the_old_one_waits_for_uploads(told: Told) -> None:
    """March is open from the 1st at nine; February stays open until the 4th."""
    pack = await open_pack(told, "lee")
    await told.until(MARCH + timedelta(hours=9))

    both = await told.enrolments("lee", pack)
    assert [(e.entry_key, e.state) for e in both] == [
        ("2027-02", "waiting"), ("2027-03", "waiting"),
    ]  # fmt: skip
    await told.until(MARCH + timedelta(days=3))

    both = await told.enrolments("lee", pack)
    assert [(e.entry_key, e.outcome) for e in both] == [
        ("2027-02", "month_over"), ("2027-03", None),
    ]  # fmt: skip


async def test_a_returned_purchase_takes_its_reward_back(told: Told) -> None:
    """The points go when the purchase comes back, and come again with the next purchase."""
    pack = await open_pack(told, "lee", values={"purchases": 2})
    bought = await buys_on(told, "lee", (2, 4))
    assert await told.points("lee") == 1000 + 10

    await told.returns(bought[0])
    assert await told.points("lee") == 5
    row = await told.campaign(pack)
    assert (row.granted_points, row.reserved_points) == (0, PACK)

    await buys_on(told, "lee", (5,))
    assert await told.points("lee") == 1000 + 10
    row = await told.campaign(pack)
    assert (row.granted_points, row.reserved_points) == (1000, 300)
    await told.books_balance()


async def test_a_reward_that_was_spent_becomes_a_debt(told: Told) -> None:
    """The next points that Lee earns pay it off; the balance never goes below zero."""
    await open_pack(told, "lee", values={"purchases": 2})
    bought = await buys_on(told, "lee", (2, 4))
    await told.spends("lee", 1010)

    await told.returns(bought[1])
    balance = await told.balance("lee")
    assert (balance.posted, balance.debt) == (0, 1005)

    await buys_on(told, "lee", (5,))  # 5 points, and the reward again
    balance = await told.balance("lee")
    assert (balance.posted, balance.debt) == (0, 0)
    await told.books_balance()


async def test_a_return_after_the_month_was_closed_leaves_the_reward(told: Told) -> None:
    """Once the uploads' days are over the month is settled; only the purchase's points go."""
    pack = await open_pack(told, "lee", values={"purchases": 2})
    bought = await buys_on(told, "lee", (2, 4))
    await told.until(MARCH + timedelta(days=3))

    await told.returns(bought[0])

    assert await granted(told, "lee", pack) == 1000
    assert await told.points("lee") == 1000 + 5


async def test_a_split_receipt_counts_once(told: Told) -> None:
    """Three receipts in one shop on one day are one visit; another shop is another."""
    pack = await open_pack(told, "lee")
    for _ in range(3):
        await told.buys("lee", "20.00")
    assert "one_purchase_to_go" not in await told.messages("lee")

    await told.buys("lee", "20.00", store="hillside")
    assert (await told.messages("lee"))[-1] == "one_purchase_to_go"
    await buys_on(told, "lee", (2,))

    assert await granted(told, "lee", pack) == 1000


async def test_small_purchases_do_not_count(told: Told) -> None:
    """Neither one below the minimum, nor one that a partial return brings below it."""
    pack = await open_pack(told, "lee", values={"purchases": 2})
    await told.buys("lee", "19.99")
    await buys_on(told, "lee", (2,))
    await told.until(datetime(2027, 2, 3, 12, tzinfo=SHANGHAI))
    halved = await told.buys("lee", "30.00", pieces=2)
    assert await granted(told, "lee", pack) == 1000

    await told.returns(halved, pieces=1)

    assert await granted(told, "lee", pack) == 0


async def test_doubled_and_jumbled_uploads_change_nothing(told: Told) -> None:
    """Receipts come twice and in no order: the reward is given once, for the acts themselves."""
    pack = await open_pack(told, "lee")
    await told.until(datetime(2027, 2, 20, 12, tzinfo=SHANGHAI))
    days = {day: datetime(2027, 2, day, 12, tzinfo=SHANGHAI) for day in (3, 9, 15)}

    for day in (15, 3, 15, 9, 3, 9, 15):
        await told.buys("lee", at=days[day], id=f"receipt-{day}")

    assert await granted(told, "lee", pack) == 1000
    assert (await told.messages("lee")).count("task_done") == 1
    assert await told.points("lee") == 1000 + 3 * 5


async def test_reviews_without_a_photo_bring_nothing(told: Told) -> None:
    pack = await open_pack(told, "lee")

    await told.does("lee", "review", stars="5")
    await told.does("lee", "review", photo="no")
    assert await granted(told, "lee", pack) == 0
    await told.does("lee", "review", photo="yes")

    assert await granted(told, "lee", pack) == 200


@pytest.mark.parametrize("starts", [datetime(2028, 1, 31, 20, 0, tzinfo=SHANGHAI)])
async def test_february_of_a_leap_year_has_its_29th(told: Told) -> None:
    """A purchase in the evening of the 29th is February's."""
    pack = await told.launch("monthly_task_pack", values={"purchases": 2})
    await told.joins("lee")
    await told.until(datetime(2028, 2, 28, 12, tzinfo=SHANGHAI))
    await told.buys("lee")
    await told.until(datetime(2028, 2, 29, 22, tzinfo=SHANGHAI))
    await told.buys("lee")

    run = await told.enrolment("lee", pack)
    assert run.position.until == datetime(2028, 3, 1, tzinfo=SHANGHAI)
    assert run.granted_points == 1000


@pytest.mark.parametrize(
    ("programme", "starts", "opens", "reminder", "over"),
    [
        # The clocks of Berlin go forward on 28 March, so that March is an hour shorter.
        (
            Programme(zone="Europe/Berlin", currency="EUR"),
            datetime(2027, 2, 28, 19, 0, tzinfo=UTC),
            datetime(2027, 3, 1, 8, 0, tzinfo=UTC),
            datetime(2027, 3, 15, 9, 0, tzinfo=UTC),
            datetime(2027, 3, 31, 22, 0, tzinfo=UTC),
        ),
        # Those of New York on 14 March: the reminder comes after, the opening before.
        (
            Programme(zone="America/New_York", currency="USD"),
            datetime(2027, 2, 28, 23, 0, tzinfo=UTC),
            datetime(2027, 3, 1, 14, 0, tzinfo=UTC),
            datetime(2027, 3, 15, 14, 0, tzinfo=UTC),
            datetime(2027, 4, 1, 4, 0, tzinfo=UTC),
        ),
    ],
    ids=["berlin", "new_york"],
)
async def test_the_month_follows_the_clocks_of_the_programmes_zone(
    told: Told, opens: datetime, reminder: datetime, over: datetime
) -> None:
    """Opened at nine, reminded at ten, over at midnight, all by the clock on the wall."""
    pack = await told.launch("monthly_task_pack")
    await told.joins("lee")
    await told.until(opens)
    assert await told.messages("lee") == ["pack_open"]
    assert (await told.enrolment("lee", pack)).position.until == over

    await told.until(reminder - timedelta(seconds=1))
    assert await told.messages("lee") == ["pack_open"]
    await told.until(reminder)
    assert await told.messages("lee") == ["pack_open", "mid_month"]
    await told.does("lee", "check_in", at=reminder)
    await told.until(over + timedelta(days=3))

    assert (await told.enrolments("lee", pack))[0].outcome == "month_over"
