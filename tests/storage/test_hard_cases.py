"""Rules that are easily got wrong: returns and gifts, late months, bent schedules, dead runs."""

from datetime import datetime, timedelta

import pytest

from loyalty import campaigns
from loyalty.campaign_request import CampaignRequest
from loyalty.errors import WrongState
from loyalty.journeys.load import load_texts
from loyalty.operate import Command, command
from loyalty.reconcile import look_again_at_campaign
from loyalty.revising import revise
from storage import tables
from storage.queries.upkeep import stuck_campaigns, stuck_runs
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import NOON, StillClock
from tests.stories import SHANGHAI

DAY = timedelta(days=1)
GIFT = ("grocery", 0)
FRIENDS = """
name: friends
title: {en: Friends, zh: 邀请}
summary: {en: Points for both., zh: 双方得积分。}
enter: {on: member.registered}
reentry: {once: per_member}
journey:
  - id: order
    await:
      goals:
        - id: first
          on: purchase
          reward:
            - grant: 300
            - grant: {points: 200, to: inviter}
            - coupon: {coupon: cup, for: P7D}
      within: P30D
      settle: at_deadline
"""
VISITS = """
name: visits
title: {en: Visits, zh: 到店}
summary: {en: Points for buying after a check-in., zh: 签到后消费得积分。}
enter: {on: check_in}
reentry: {once: per_member}
journey:
  - await: {on: purchase, within: P7D}
    met:
      - grant: 100
"""

IN_TURN = """
name: in_turn
title: {en: In turn, zh: 依次}
summary: {en: Two acts one after the other., zh: 先后两个行为。}
enter: {on: member.registered}
reentry: {once: per_member}
journey:
  - {id: first, await: {on: check_in, within: P9D}}
  - id: second
    await: {on: %s, within: P9D}
    met:
      - end: both
"""


@pytest.fixture
def desk(store: SqlStore, clock: StillClock) -> FrontDesk:
    return FrontDesk(store, clock)


# --- returns --------------------------------------------------------------------------------


def test_a_free_gift_that_comes_back_after_the_goods_is_no_second_receipt(desk: FrontDesk) -> None:
    """A receipt is taken off the member's purchases once, when its last money went back."""
    desk.joins("lee")
    desk.buys("lee", "r0", ("grocery", 5_000))
    desk.buys("lee", "r1", ("grocery", 10_000), GIFT)

    desk.returns("r1", {1: 1})
    assert desk.member("lee").purchases == 1
    desk.returns("r1", {2: 1})

    assert desk.member("lee").purchases == 1


def test_a_receipt_over_nothing_is_taken_off_once(desk: FrontDesk) -> None:
    """Two free gifts on one receipt, brought back one by one."""
    desk.joins("lee")
    desk.buys("lee", "r1", GIFT, GIFT)
    desk.returns("r1", {1: 1})
    assert desk.member("lee").purchases == 1
    desk.returns("r1", {2: 1})
    assert desk.member("lee").purchases == 0


def test_buying_and_returning_again_and_again_brings_the_inviter_nothing_more(
    desk: FrontDesk,
) -> None:
    """The inviter's gift is not taken back, so it is not given again; nor is a coupon."""
    desk.launch_texts(load_texts("friends", {"campaign.yaml": FRIENDS}), budget_points=10_000)
    desk.joins("ida")
    desk.joins("lee", invited_by="ida")
    desk.take_turns("lee")
    for n in range(3):
        desk.clock.instant += DAY
        desk.buys("lee", f"r{n}", ("gift_card", 9_900))
        desk.take_turns("lee")
        desk.returns(f"r{n}")
        desk.take_turns("lee")

    campaign = desk.campaign("friends")
    assert desk.balance("ida").posted == 200
    assert desk.count(tables.coupons) == 1
    assert campaign.granted_points == 200
    assert campaign.reserved_points >= 0


# --- months and hours -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "acts", "outcome"),
    [
        ("review", [("check_in", 0), ("review", 0)], "both"),  # tills stamp whole seconds
        ("review", [("check_in", 0), ("review", 1)], "both"),
        ("review", [("review", 0), ("check_in", 0)], None),
        ("review", [("review", 1), ("check_in", 0)], "both"),  # uploaded late, done before
        ("check_in", [("check_in", 0)], None),
        ("check_in", [("check_in", 0), ("check_in", 0)], "both"),
    ],
)
def test_of_two_waits_each_has_an_act_of_its_own_though_both_are_of_one_second(
    desk: FrontDesk, then: str, acts: list[tuple[str, int]], outcome: str | None
) -> None:
    """In one second the order is that in which they came in."""
    desk.launch_texts(load_texts("in_turn", {"campaign.yaml": IN_TURN % then}))
    desk.joins("lee")
    desk.take_turns("lee")
    desk.clock.instant += DAY
    for type, second in acts:
        desk.does("lee", type, occurred_at=desk.clock.instant + timedelta(seconds=second - 5))
    desk.take_turns("lee")

    assert desk.enrolment("lee").outcome == outcome


def test_an_act_uploaded_before_the_one_that_opened_the_journey_counts(desk: FrontDesk) -> None:
    """The app reports a check-in late, when the purchase made after it is long recorded."""
    desk.launch_texts(load_texts("visits", {"campaign.yaml": VISITS}))
    desk.joins("lee")
    desk.buys("lee", "before", ("gift_card", 100), occurred_at=NOON - timedelta(hours=3))
    desk.buys("lee", "after", ("gift_card", 100), occurred_at=NOON - timedelta(hours=1))
    desk.does("lee", "check_in", occurred_at=NOON - timedelta(hours=2))
    desk.take_turns("lee")

    assert desk.enrolment("lee").state == "ended"
    assert desk.count(tables.transactions, tables.transactions.c.kind == "grant") == 1


def test_a_new_hour_for_the_daily_pass_counts_from_today(desk: FrontDesk) -> None:
    """A campaign that is revised is woken, and its old hour is forgotten."""
    dormant = desk.launch("dormant_wake_up")
    list(desk.campaign_turns(dormant))
    sleeps_until = desk.campaign(dormant).wake_at
    request = CampaignRequest(
        id=dormant,
        name="dormant_wake_up",
        template="dormant_wake_up",
        holdout_percent=0,
        values={"check_at": "21:00"},
    )
    desk.store.run(lambda tx: revise(tx, request, "mia", lambda made: ()))

    assert [row.workflow_id for row in desk.outbox("nudge_campaign")] == [f"c/{dormant}"]
    list(desk.campaign_turns(dormant))
    assert desk.campaign(dormant).wake_at == datetime(2026, 3, 2, 21, tzinfo=SHANGHAI)
    assert sleeps_until == datetime(2026, 3, 3, 10, tzinfo=SHANGHAI)


def test_the_last_hours_of_a_short_exchange_are_not_told_before_it_opens(desk: FrontDesk) -> None:
    """Open from ten to two: six hours before the end there is nothing to hurry for."""
    desk.joins("lee")
    desk.store.run(lambda tx: tx.ledger.earn("k", "lee", 5_000))
    opens = datetime(2026, 3, 5, 10, tzinfo=SHANGHAI)
    values = {"opens_at": opens.isoformat(), "closes_at": (opens + timedelta(hours=4)).isoformat()}
    offer = desk.launch("limited_time_exchange", values=values)
    while desk.campaign(offer).state == "launched":
        list(desk.campaign_turns(offer))
        desk.clock.instant = desk.campaign(offer).wake_at or desk.clock.instant

    m = tables.messages
    assert desk.count(m, m.c.message == "coming") == 1
    assert desk.count(m, m.c.message == "last_hours") == 0


def test_a_broadcast_that_a_pause_cut_in_two_is_not_ended_after_the_close(desk: FrontDesk) -> None:
    """Two hundred were told of the last hours; resumed the day after, nobody else is."""
    desk.crowd(200)
    desk.joins("zoe")
    desk.store.run(lambda tx: tx.ledger.earn("k0", "m000", 5_000))
    desk.store.run(lambda tx: tx.ledger.earn("k1", "zoe", 5_000))
    opens = datetime(2026, 3, 5, 10, tzinfo=SHANGHAI)
    values = {"opens_at": opens.isoformat(), "closes_at": (opens + DAY).isoformat()}
    offer = desk.launch("limited_time_exchange", values=values)
    while desk.clock.instant < opens + timedelta(hours=18):
        list(desk.campaign_turns(offer))
        desk.clock.instant = desk.campaign(offer).wake_at or desk.clock.instant
    for _ in range(2):  # begun, and the first page told
        desk.campaign_turn(offer, desk.campaign(offer).turn)
    desk.pause(offer)
    desk.clock.instant = opens + 2 * DAY
    desk.resume(offer)
    list(desk.campaign_turns(offer))

    m = tables.messages
    assert desk.count(m, (m.c.message == "last_hours") & (m.c.member_id == "m000")) == 1
    assert desk.count(m, (m.c.message == "last_hours") & (m.c.member_id == "zoe")) == 0


# --- dead runs ------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["retry", "skip", "cancel"])
def test_what_an_operator_asks_brings_a_dead_run_back(desk: FrontDesk, asked: Command) -> None:
    """A run that failed for good hears no nudge: it is started again where it left off."""
    desk.launch("new_member_bonus")
    desk.joins("lee")
    desk.take_turns("lee")
    run = desk.enrolment("lee")
    desk.store.run(lambda tx: command(tx, run.id, asked, "step mended", "olga"))

    started = desk.outbox("start_journey")[-1]
    assert (started.payload["turn"], started.payload["again"]) == (run.turn, True)
    nudged = desk.outbox("nudge_journey")[-1]
    assert (nudged.workflow_id, nudged.id > started.id) == (run.id, True)


@pytest.mark.parametrize("last", ["resume", "stop"])
def test_a_campaign_whose_workflow_died_is_found_by_upkeep(desk: FrontDesk, last: str) -> None:
    """Nobody took the turn that a resumption or a stop asked for, so upkeep asks again."""
    welcome = desk.launch("new_member_bonus")
    list(desk.campaign_turns(welcome))
    desk.pause(welcome)
    list(desk.campaign_turns(welcome))
    act = campaigns.resume if last == "resume" else campaigns.stop
    desk.store.run(lambda tx: act(tx, welcome, "going on", "mia"))
    with desk.store.database.write() as connection:
        connection.execute(tables.outbox.update().values(sent_at=NOON))
    now = NOON + timedelta(hours=2)

    with desk.store.database.read() as connection:
        assert stuck_campaigns(connection, now, now - timedelta(minutes=10)) == [welcome]
    assert desk.store.run(lambda tx: look_again_at_campaign(tx, welcome))
    list(desk.campaign_turns(welcome))
    with desk.store.database.read() as connection:
        assert stuck_campaigns(connection, now + DAY, now + DAY) == []


# --- who is let in --------------------------------------------------------------------------


def test_a_monthly_pack_is_not_opened_a_second_time_from_outside(desk: FrontDesk) -> None:
    """Two packs of one month would reward the same purchases twice."""
    desk.joins("lee")
    pack = desk.launch("monthly_task_pack")
    desk.open_month()

    with pytest.raises(WrongState, match="by its own calendar"):
        desk.store.run(lambda tx: campaigns.enrol(tx, pack, "lee", "vip", "app"))

    assert len(desk.enrolments("lee")) == 1


def test_nobody_is_enrolled_where_there_is_no_journey(desk: FrontDesk) -> None:
    """An exchange is open to members as they come; there is nothing to walk through."""
    desk.joins("lee")
    opens = NOON + DAY
    values = {"opens_at": opens.isoformat(), "closes_at": (opens + DAY).isoformat()}
    offer = desk.launch("limited_time_exchange", values=values)

    with pytest.raises(WrongState, match="no journey"):
        desk.store.run(lambda tx: campaigns.enrol(tx, offer, "lee", "vip", "app"))


def test_a_return_opens_the_campaign_that_waits_for_returns(desk: FrontDesk) -> None:
    """A template may be entered by a refund, as the list of known events says."""
    written = desk.launch_written(
        enter="{on: refund}", reentry="{once: per_member}", name="returned"
    )
    desk.joins("lee")
    desk.buys("lee", "r1", ("grocery", 9_900))
    desk.returns("r1")

    assert desk.verdicts("lee", written) == ["admitted:admitted"]


def test_a_late_upload_shows_that_a_sleeper_was_awake(desk: FrontDesk) -> None:
    """Bought the day before we asked, uploaded after: no second message and no card."""
    desk.joins("lee")
    desk.buys("lee", "r1", ("grocery", 9_900))
    desk.launch("dormant_wake_up")
    desk.clock.instant += 100 * DAY
    for _ in range(2):  # to sleep, and up at its hour
        list(desk.campaign_turns("dormant-wake-up"))
        desk.clock.instant = desk.campaign("dormant-wake-up").wake_at or desk.clock.instant
    desk.take_turns("lee")
    asked = desk.clock.now()
    desk.clock.instant += 2 * DAY
    desk.buys("lee", "r2", ("grocery", 9_900), occurred_at=asked - DAY)
    desk.clock.instant = asked + 8 * DAY
    desk.take_turns("lee")

    assert desk.enrolment("lee").outcome == "not_dormant"
    assert desk.count(tables.cards) == 0


def test_a_daily_campaign_does_not_reward_one_purchase_for_every_day(desk: FrontDesk) -> None:
    """A run of a week is still waiting when the next day's pass comes: no second one begins."""
    daily = VISITS.replace("visits", "every_day").replace(
        "{on: check_in}", '{daily: {at: "10:00"}}'
    )
    daily = daily.replace("reentry: {once: per_member}\n", "")
    desk.joins("lee")
    desk.launch_texts(load_texts("every_day", {"campaign.yaml": daily}))
    for _ in range(4):
        list(desk.campaign_turns("every-day"))
        desk.take_turns("lee")
        desk.clock.instant = desk.campaign("every-day").wake_at or desk.clock.instant

    assert desk.verdicts("lee", "every-day") == [
        "admitted:admitted",
        "not_admitted:already_running",
    ]


def test_a_task_of_the_day_comes_again_while_late_uploads_are_waited_for(desk: FrontDesk) -> None:
    """Yesterday's run is only open for what happened yesterday."""
    daily = VISITS.replace("visits", "of_the_day").replace(
        "{on: check_in}", '{daily: {at: "10:00"}}'
    )
    daily = daily.replace("reentry: {once: per_member}\n", "")
    daily = daily.replace("within: P7D", "until: end_of_day, lateness: P2D")
    desk.joins("lee")
    desk.launch_texts(load_texts("of_the_day", {"campaign.yaml": daily}))
    for _ in range(4):
        list(desk.campaign_turns("of-the-day"))
        desk.take_turns("lee")
        desk.clock.instant = desk.campaign("of-the-day").wake_at or desk.clock.instant

    assert desk.verdicts("lee", "of-the-day") == ["admitted:admitted"] * 3


def test_a_purchase_that_went_back_is_neither_the_first_nor_the_last(desk: FrontDesk) -> None:
    """Who returned everything is as long without a purchase as before; in part, it still counts."""
    desk.joins("lee")
    for day in (20, 5, 10):
        desk.buys("lee", f"r{day}", ("grocery", 9_900, 2), occurred_at=NOON - day * DAY)

    def dates() -> tuple[datetime | None, datetime | None]:
        lee = desk.member("lee")
        return lee.first_purchase_at, lee.last_purchase_at

    desk.returns("r5", {1: 1})
    assert dates() == (NOON - 20 * DAY, NOON - 5 * DAY)
    desk.returns("r5")
    assert dates() == (NOON - 20 * DAY, NOON - 10 * DAY)
    desk.returns("r20")
    assert dates() == (NOON - 10 * DAY, NOON - 10 * DAY)
    desk.returns("r10")
    assert dates() == (None, None)


def test_a_held_run_whose_workflow_died_is_found_once_its_campaign_goes_on(desk: FrontDesk) -> None:
    """Held while paused is as it should be; held long after the resumption, nobody was reached."""
    welcome = desk.launch("new_member_bonus")
    desk.joins("lee")
    desk.pause(welcome)
    desk.take_turns("lee")
    later = NOON + timedelta(hours=2)

    def found() -> list[str]:
        with desk.store.database.write() as connection:
            connection.execute(tables.outbox.update().values(sent_at=NOON))
            return stuck_runs(connection, later, later - timedelta(minutes=10), 10)

    assert found() == []
    desk.resume(welcome)
    list(desk.campaign_turns(welcome))
    assert found() == [desk.enrolment("lee").id]
