"""The new member bonus: points and a double card at once, thanks and a referral at first order."""

from datetime import timedelta

from delivery.words import words_of
from loyalty.erasure import Erasure, erase
from loyalty.programme import Programme
from tests.stories import FIRST_DAY, Told


async def test_a_new_member_gets_500_points_and_thanks_at_the_first_order(told: Told) -> None:
    """Lee joins, is greeted with 500 points, buys on day three and is thanked once."""
    bonus = await told.launch("new_member_bonus")
    await told.joins("lee")
    assert await told.points("lee") == 500

    await told.days(3)
    bought = await told.buys("lee", "100.00")

    assert bought["points"] == 20  # ten, doubled by the card
    assert await told.outcome("lee", bonus) == "ordered"
    assert await told.messages("lee") == ["welcome", "first_order_thanks"]
    assert await told.points("lee") == 520
    await told.books_balance()


async def test_who_never_orders_is_reminded_told_and_let_go(told: Told) -> None:
    """Two days before the card ends, when it ends, and after thirty days and the late uploads."""
    bonus = await told.launch("new_member_bonus")
    await told.joins("lee")

    await told.days(5.1)
    assert await told.messages("lee") == ["welcome", "card_last_days"]
    await told.days(2)
    assert await told.messages("lee") == ["welcome", "card_last_days", "card_expired"]
    await told.days(26.5)

    assert await told.outcome("lee", bonus) == "no_order"
    assert await told.points("lee") == 500


async def test_inviter_and_invitee_get_300_each_on_the_invitees_first_order(told: Told) -> None:
    """The referral is paid by the first order, not by registering, and only once."""
    await told.launch("new_member_bonus")
    await told.joins("ann")
    await told.joins("lee", invited_by="ann")
    assert await told.points("ann") == 500

    await told.days(10)
    await told.buys("lee", "100.00")
    await told.buys("lee", "100.00")

    assert await told.points("lee") == 500 + 300 + 10 + 10  # the card was over
    assert await told.points("ann") == 500 + 300
    assert await told.messages("ann") == ["welcome", "card_last_days", "card_expired",
                                          "inviter_reward"]  # fmt: skip
    await told.books_balance()


async def test_who_was_invited_by_somebody_who_left_is_promised_nothing_for_them(
    told: Told,
) -> None:
    """Ann is erased before Lee orders: Lee has the reward, and reads of Lee's own only."""
    campaign = await told.launch("new_member_bonus")
    ann = await told.joins("ann")
    await told.joins("lee", invited_by="ann")
    erasure = Erasure(id="e1", reason="asked by the member")
    told.store.run(lambda tx: erase(tx, ann, erasure, "op"))
    await told.buys("lee", "100.00")

    assert "skipped:no_inviter" in await told.reasons("lee", campaign)
    said = await told.says("lee", "first_order_thanks_invited")
    assert said["step.points"] == 300
    texts = told.store.read(lambda tx: tx.campaigns.version(campaign, 1)).messages
    for locale, word in (("en", "friend"), ("zh", "好友")):
        _, words = words_of(texts, "first_order_thanks_invited", locale, said, Programme())
        assert words.text.count(word) == 1  # who invited them


async def test_the_card_doubles_purchases_only_while_it_runs(told: Told) -> None:
    """Base points only are doubled, from the first instant of the card to its last."""
    await told.launch("new_member_bonus")
    await told.joins("lee")
    ends = FIRST_DAY + timedelta(days=7)
    await told.days(8)

    inside = await told.buys("lee", "100.00", at=ends - timedelta(seconds=1))
    outside = await told.buys("lee", "100.00", at=ends)

    # The last second of the card is a Monday, like the first: no weekend bonus in either.
    assert (inside["points"], outside["points"]) == (20, 10)


async def test_the_same_receipt_twice_counts_once(told: Told) -> None:
    """A till that repeats its upload gets the first answer again."""
    bonus = await told.launch("new_member_bonus")
    await told.joins("lee")

    first = await told.buys("lee", "100.00", id="double")
    again = await told.buys("lee", "100.00", id="double")

    assert again["replayed"]
    assert again["seq"] == first["seq"]
    assert await told.points("lee") == 520
    assert (await told.reasons("lee", bonus)).count("done:goal_met") == 1


async def test_an_order_uploaded_late_still_brings_the_reward(told: Told) -> None:
    """It happened on day 29 and arrives on day 32: lateness is the shop's fault, not Lee's."""
    bonus = await told.launch("new_member_bonus")
    await told.joins("lee")
    await told.days(32)

    await told.buys("lee", "30.00", at=FIRST_DAY + timedelta(days=29))

    assert await told.outcome("lee", bonus) == "ordered"


async def test_a_pause_holds_everybody_and_loses_nobody(told: Told) -> None:
    """Lee buys while the campaign is paused; thanks follow when it is resumed."""
    bonus = await told.launch("new_member_bonus")
    await told.joins("lee")
    await told.pause(bonus)

    await told.days(3)
    await told.buys("lee", "100.00")
    await told.joins("kim")
    assert (await told.enrolment("lee", bonus)).state == "held"
    assert (await told.enrolment("kim", bonus)).state == "held"
    assert await told.messages("lee") == ["welcome"]
    await told.resume(bonus)

    assert await told.outcome("lee", bonus) == "ordered"
    assert await told.points("kim") == 500
    assert (await told.enrolment("kim", bonus)).state == "waiting"


async def test_a_stopped_campaign_ends_every_journey_and_frees_its_budget(told: Told) -> None:
    bonus = await told.launch("new_member_bonus", budget_points=10_000)
    for name in ("lee", "kim", "ann"):
        await told.joins(name)

    await told.stop(bonus)
    await told.joins("late")

    assert [await told.outcome(n, bonus) for n in ("lee", "kim", "ann")] == ["stopped"] * 3
    row = await told.campaign(bonus)
    assert (row.granted_points, row.reserved_points) == (1500, 0)
    assert await told.decisions("late", bonus) == []


async def test_the_budget_admits_only_whom_it_can_pay_to_the_end(told: Told) -> None:
    """500 now and 300 later must fit before anything is promised."""
    bonus = await told.launch("new_member_bonus", budget_points=1900)
    for name in ("one", "two", "three"):
        await told.joins(name)

    assert await told.points("one") == 500
    assert await told.points("two") == 500
    assert await told.points("three") == 0
    assert await told.reasons("three", bonus) == ["not_admitted:budget_exhausted"]
    row = await told.campaign(bonus)
    assert row.granted_points + row.reserved_points <= 1900


async def test_held_out_members_get_nothing_and_are_counted(told: Told) -> None:
    """Half are held out, by a hash that gives the same answer for ever."""
    bonus = await told.launch("new_member_bonus", holdout=50)
    names = [f"m{n}" for n in range(12)]
    for name in names:
        await told.joins(name)

    arms = {name: (await told.enrolment(name, bonus)).arm for name in names}

    assert set(arms.values()) == {"treated", "holdout"}
    for name, arm in arms.items():
        assert await told.points(name) == (500 if arm == "treated" else 0)


async def test_an_operator_skips_a_wait_and_cancels_a_run(told: Told) -> None:
    """Both with a reason, both seen in the timeline, and the run obeys at once."""
    bonus = await told.launch("new_member_bonus")
    await told.joins("lee")
    await told.joins("kim")

    await told.commands("lee", bonus, "skip")
    await told.commands("kim", bonus, "cancel")

    assert await told.outcome("lee", bonus) == "no_order"
    assert await told.outcome("kim", bonus) == "cancelled"
    assert "done:skipped" in await told.reasons("lee", bonus)
    assert "ended:cancelled_by_operator" in await told.reasons("kim", bonus)
