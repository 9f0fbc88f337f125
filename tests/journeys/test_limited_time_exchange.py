"""The limited-time exchange: it announces, opens and closes itself, and gives out what there is."""

from datetime import datetime, timedelta

import pytest

from loyalty.errors import WrongState
from loyalty.ledger import NotEnoughPoints
from loyalty.offers import NotEligible, OfferNotOpen, SoldOut
from tests.stories import SHANGHAI, Told

OPENS = datetime(2027, 1, 8, 10, 0, tzinfo=SHANGHAI)
CLOSES = datetime(2027, 1, 10, 22, 0, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)


async def offer_cups(told: Told, *, stock: int = 10, **points: int) -> str:
    """Cups for 1,500 points from the 8th to the 10th, and members with points."""
    for name, some in points.items():
        await told.joins(name)
        if some:
            await told.has(name, some)
    window = {"opens_at": OPENS.isoformat(), "closes_at": CLOSES.isoformat()}
    return await told.launch("limited_time_exchange", values={"stock": stock, **window})


async def test_it_is_announced_opens_reminds_and_closes_by_itself(told: Told) -> None:
    """The day before everybody is told; six hours before the end those who could and did not."""
    cups = await offer_cups(told, rich=2000, poor=100, quick=2000)
    assert await told.messages("poor") == []

    await told.until(OPENS - timedelta(days=1))
    for name in ("rich", "poor", "quick"):
        assert await told.messages(name) == ["coming"]
    await told.until(OPENS)
    await told.confirms(await told.claims("quick", cups))
    await told.until(CLOSES - 6 * HOUR)

    assert await told.messages("rich") == ["coming", "last_hours"]
    assert await told.messages("poor") == ["coming"]
    assert await told.messages("quick") == ["coming"]
    assert (await told.says("rich", "last_hours"))["offer.remaining"] == 9
    # Where it is night now, "last hours" is not read in the morning, when all is over.
    useful = {row.message: row.expires_at for row in await told.message_rows("rich")}
    assert useful == {"coming": OPENS, "last_hours": CLOSES}
    assert (await told.reasons("poor", cups))[-1] == "skipped:condition_not_met"
    await told.until(CLOSES)

    assert (await told.campaign(cups)).state == "finished"
    await told.books_balance()


@pytest.mark.parametrize("by", ["value", "audience"])
async def test_an_exchange_for_some_is_told_and_given_to_them_alone(told: Told, by: str) -> None:
    """As the template's value or the marketer's own audience: who may not take it hears nothing.

    The template's audience narrows the telling alone.
    """
    for name, tags in {"vip": ["vip"], "poor": ["vip"], "plain": []}.items():
        await told.joins(name, tags=tags)
        await told.has(name, 1500 if name == "poor" else 2000)
    values = {"opens_at": OPENS.isoformat(), "closes_at": CLOSES.isoformat()}
    values |= {"audience": "member.points > 1500"}
    some = '"vip" in member.tags'
    if by == "value":
        cups = await told.launch("limited_time_exchange", values=values | {"who": some})
    else:
        cups = await told.launch("limited_time_exchange", values=values, audience=some)
    await told.until(OPENS)

    assert await told.messages("vip") == ["coming"]
    assert await told.messages("poor") == []
    assert await told.messages("plain") == []
    with pytest.raises(NotEligible):
        await told.claims("plain", cups)
    await told.confirms(await told.claims("vip", cups))
    await told.confirms(await told.claims("poor", cups, "r2"))


async def test_claims_are_refused_before_it_opens_and_after_it_closed(told: Told) -> None:
    """Not a second too early, not in the instant of closing; nothing is taken."""
    cups = await offer_cups(told, lee=2000)
    with pytest.raises(OfferNotOpen):
        await told.claims("lee", cups)
    await told.until(OPENS - timedelta(seconds=1))
    with pytest.raises(OfferNotOpen):
        await told.claims("lee", cups)
    await told.until(CLOSES)
    with pytest.raises(OfferNotOpen):
        await told.claims("lee", cups)

    balance = await told.balance("lee")
    assert (balance.posted, balance.held) == (2000, 0)


async def test_a_confirmed_claim_spends_the_points(told: Told) -> None:
    """Reserved first, spent when the shop hands the cup over."""
    cups = await offer_cups(told, lee=2000)
    await told.until(OPENS)

    claim = await told.claims("lee", cups)
    balance = await told.balance("lee")
    assert (balance.posted, balance.held, balance.available) == (2000, 1500, 500)
    await told.confirms(claim)
    await told.days(1)

    balance = await told.balance("lee")
    assert (balance.posted, balance.held) == (500, 0)
    assert (await told.claim(claim)).status == await told.order(claim) == "confirmed"
    await told.books_balance()


async def test_a_released_claim_gives_everything_back_at_once(told: Told) -> None:
    """Lee thinks better of it; Kim gets the cup."""
    cups = await offer_cups(told, stock=1, lee=2000, kim=2000)
    await told.until(OPENS)
    claim = await told.claims("lee", cups)
    with pytest.raises(SoldOut):
        await told.claims("kim", cups)

    await told.releases(claim)
    await told.confirms(await told.claims("kim", cups, "r2"))

    assert await told.points("lee") == 2000
    assert await told.points("kim") == 500
    assert await told.order(claim) == "released"
    with pytest.raises(WrongState):
        await told.confirms(claim)
    await told.books_balance()


async def test_a_claim_nobody_confirms_times_out(told: Told) -> None:
    """After fifteen minutes its own order gives cup and points back, with nobody asking."""
    cups = await offer_cups(told, stock=1, lee=2000)
    await told.until(OPENS)
    claim = await told.claims("lee", cups)

    await told.until(OPENS + timedelta(minutes=15, seconds=-1))
    assert (await told.claim(claim)).status == "reserved"
    await told.until(OPENS + timedelta(minutes=15))

    assert (await told.claim(claim)).status == await told.order(claim) == "expired"
    balance = await told.balance("lee")
    assert (balance.held, balance.available) == (0, 2000)
    await told.confirms(await told.claims("lee", cups, "r2"))  # the limit is free again, too
    await told.books_balance()


async def test_a_claim_of_the_last_minute_may_still_be_confirmed(told: Told) -> None:
    """Closing takes no cup from who is paying; a reservation has its fifteen minutes."""
    cups = await offer_cups(told, lee=2000)
    await told.until(CLOSES - timedelta(minutes=1))
    claim = await told.claims("lee", cups)
    await told.until(CLOSES + timedelta(minutes=5))

    assert (await told.confirms(claim))["status"] == "confirmed"
    assert await told.points("lee") == 500


async def test_nobody_claims_beyond_their_points(told: Told) -> None:
    cups = await offer_cups(told, lee=1499)
    await told.until(OPENS)

    with pytest.raises(NotEnoughPoints):
        await told.claims("lee", cups)
    assert (await told.balance("lee")).available == 1499


async def test_a_paused_exchange_takes_no_claims_and_opens_late(told: Told) -> None:
    """Paused over its opening: opened at resuming, and what was to be announced is left unsaid."""
    cups = await offer_cups(told, lee=2000)
    await told.pause(cups)
    await told.until(OPENS + HOUR)
    with pytest.raises(OfferNotOpen):
        await told.claims("lee", cups)

    await told.resume(cups)

    assert await told.messages("lee") == []
    await told.confirms(await told.claims("lee", cups))


async def test_stopping_closes_the_offer(told: Told) -> None:
    """No new claims, no more messages; who has reserved may still be handed the cup."""
    cups = await offer_cups(told, lee=2000, kim=2000)
    await told.until(OPENS)
    claim = await told.claims("lee", cups)

    await told.stop(cups)
    with pytest.raises(OfferNotOpen):
        await told.claims("kim", cups)
    await told.confirms(claim)
    await told.until(CLOSES)

    assert await told.points("lee") == 500
    assert await told.messages("kim") == ["coming"]
    assert (await told.campaign(cups)).state == "stopped"


async def test_a_sold_out_exchange_reminds_nobody(told: Told) -> None:
    """The last cup went: nobody is sent into the shop for nothing."""
    cups = await offer_cups(told, stock=1, quick=2000, rich=2000)
    await told.until(OPENS)
    await told.confirms(await told.claims("quick", cups))
    await told.until(CLOSES)

    assert await told.messages("rich") == ["coming"]
