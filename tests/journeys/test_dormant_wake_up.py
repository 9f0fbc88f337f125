"""The dormant wake-up: what they would lose, then a double card, then rest for ninety days."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from delivery.words import words_of
from loyalty.programme import Programme
from storage import tables
from tests.stories import FIRST_DAY, SHANGHAI, Told

BY_EMAIL = [{"channel": "email", "purpose": "marketing", "granted": True}]


async def sleeper(told: Told, name: str, *, days: int = 100, expiring: int = 1000) -> None:
    """A member who last bought so many days ago, and has points that lapse in twenty days."""
    last = told.clock.now() - timedelta(days=days)
    address = {"email": f"{name}@example.com", "consents": BY_EMAIL}
    await told.joins(name, registered_at=last - timedelta(days=30), **address)
    await told.buys(name, at=last)
    if expiring:
        await told.has(name, expiring, until=told.clock.now() + timedelta(days=20))


async def test_the_first_nudge_names_the_points_at_risk_and_what_they_buy(told: Told) -> None:
    """Lee may lose 1,000 points on the 24th; they buy a soup set."""
    await sleeper(told, "lee")
    await told.launch("dormant_wake_up")

    assert await told.messages("lee") == ["points_expiring"]
    said = await told.says("lee", "points_expiring")
    assert (said["points.expiring"], said["points.available"]) == (1000, 1007)
    assert (said["reward.name"], said["reward.points"]) == ("a soup set", 800)


@pytest.mark.parametrize(
    ("lapse", "day"),
    [
        (datetime(2027, 1, 25, 0, 0, tzinfo=SHANGHAI), 24),  # midnight is the next day's
        (datetime(2027, 1, 25, 10, 0, tzinfo=SHANGHAI), 25),
    ],
)
async def test_the_day_that_is_named_is_one_on_which_the_points_can_be_used(
    told: Told, lapse: datetime, day: int
) -> None:
    """Who comes on the day that was said finds the points still there."""
    await sleeper(told, "lee", expiring=0)
    await told.has("lee", 1000, until=lapse)
    campaign = await told.launch("dormant_wake_up")

    said = await told.says("lee", "points_expiring")
    texts = told.store.read(lambda tx: tx.campaigns.version(campaign, 1)).messages
    for locale, named in (("en", f"by January {day}, 2027"), ("zh", f"可用至 2027年1月{day}日")):
        assert named in words_of(texts, "points_expiring", locale, said, Programme())[1].text


async def test_who_loses_nothing_is_only_missed(told: Told) -> None:
    """Kim's points stay for months, so nothing is said of losing them."""
    await sleeper(told, "kim", expiring=0)
    await told.launch("dormant_wake_up")

    assert await told.messages("kim") == ["we_miss_you"]
    assert (await told.says("kim", "we_miss_you"))["points.expiring"] == 0


async def test_only_the_dormant_are_woken(told: Told) -> None:
    """Not who bought 89 days ago, not who never bought; both are told why they are not in it."""
    await sleeper(told, "awake", days=89)
    await told.joins("never")
    wake_up = await told.launch("dormant_wake_up")

    for name in ("awake", "never"):
        assert await told.enrolments(name, wake_up) == []
        assert await told.reasons(name, wake_up) == ["not_admitted:not_in_audience"]
    await told.days(1)

    assert len(await told.enrolments("awake", wake_up)) == 1


async def test_the_second_nudge_is_an_email_with_a_double_card(told: Told) -> None:
    """Seven days later; the card then doubles what the visit earns."""
    await sleeper(told, "lee")
    wake_up = await told.launch("dormant_wake_up")
    await told.days(7)

    last = (await told.message_rows("lee"))[-1]
    assert (last.message, last.channel, last.status) == ("double_points", "email", "queued")
    assert last.variables["card.multiplier"] == "2"
    ends = FIRST_DAY + timedelta(days=14)
    assert datetime.fromisoformat(last.variables["card.ends_on"]) == ends
    await told.days(1)

    assert (await told.buys("lee", "100.00"))["points"] == 20
    assert await told.outcome("lee", wake_up) == "woken"
    assert (await told.messages("lee"))[-1] == "welcome_back"


async def test_a_visit_wakes_at_any_time_and_its_amount_is_kept(told: Told) -> None:
    """On the first day, the fifth and the tenth: each is thanked once, and reports know for what.

    A member who was woken is not dormant, and hears nothing more.
    """
    names = {"ann": 0.1, "kim": 5, "lee": 10}
    for name in names:
        await sleeper(told, name)
    wake_up = await told.launch("dormant_wake_up")

    for name, day in names.items():
        await told.until(FIRST_DAY + timedelta(days=day))
        await told.buys(name, "88.00")
        await told.buys(name, "12.00")
    await told.until(FIRST_DAY + timedelta(days=20))

    for name, day in names.items():
        assert await told.outcome(name, wake_up) == "woken"
        heard = ["points_expiring", *(["double_points"] if day > 7 else []), "welcome_back"]
        assert await told.messages(name) == heard
        met = [d for d in await told.decisions(name, wake_up) if d.reason == "goal_met"]
        assert [d.inputs["amount_minor"] for d in met] == [8800]


async def test_a_returned_visit_does_not_wake(told: Told) -> None:
    """A purchase that came back before we looked again is none."""
    await sleeper(told, "lee")
    wake_up = await told.launch("dormant_wake_up")
    await told.pause(wake_up)
    await told.returns(await told.buys("lee", "88.00"))
    await told.resume(wake_up)

    assert (await told.enrolment("lee", wake_up)).state == "waiting"
    await told.days(14)
    assert await told.outcome("lee", wake_up) == "gave_up"


async def test_who_gave_no_consent_to_email_gets_the_card_all_the_same(told: Told) -> None:
    """The message is dropped with its reason; the card is on the account."""
    await told.joins("lee", email="lee@example.com")
    await told.buys("lee", at=FIRST_DAY - timedelta(days=91))
    wake_up = await told.launch("dormant_wake_up")
    await told.days(7)

    assert await told.messages("lee", "dropped") == ["double_points"]
    assert "skipped:no_consent" in await told.reasons("lee", wake_up)
    cards = await told._rows(select(tables.cards))
    assert [card.multiplier_bp for card in cards] == [20_000]


async def test_after_one_try_a_member_rests_for_ninety_days(told: Told) -> None:
    """Given up on day 14; not taken again on day 103, taken again on day 104."""
    await sleeper(told, "lee")
    wake_up = await told.launch("dormant_wake_up")
    await told.days(14)
    assert await told.outcome("lee", wake_up) == "gave_up"
    await told.pause(wake_up)  # nobody is looked for in between, which shortens the story
    await told.days(87.5)
    await told.resume(wake_up)

    await told.until(FIRST_DAY + timedelta(days=103))
    assert [e.outcome for e in await told.enrolments("lee", wake_up)] == ["gave_up"]
    assert (await told.reasons("lee", wake_up)).count("not_admitted:cooling_down") == 1
    await told.days(1)

    assert [e.outcome for e in await told.enrolments("lee", wake_up)] == ["gave_up", None]


async def test_held_out_sleepers_are_left_alone(told: Told) -> None:
    """Half of twelve, more or less: no message, no card, and counted for the comparison."""
    names = [f"m{n}" for n in range(12)]
    for name in names:
        await sleeper(told, name, expiring=0)
    wake_up = await told.launch("dormant_wake_up", holdout=50)

    arms = {name: (await told.enrolment(name, wake_up)).arm for name in names}
    assert set(arms.values()) == {"treated", "holdout"}
    for name, arm in arms.items():
        assert await told.messages(name) == (["we_miss_you"] if arm == "treated" else [])
