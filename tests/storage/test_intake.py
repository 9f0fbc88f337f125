"""What comes in: recorded once, points at once, and only those woken whose next move changes."""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from loyalty.errors import Invalid, KeyReused, Unknown
from storage import tables
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import NOON, StillClock
from tests.stories import SHANGHAI


@pytest.fixture
def desk(store: SqlStore, clock: StillClock) -> FrontDesk:
    """A programme on a Monday evening in Shanghai, with one member."""
    desk = FrontDesk(store, clock)
    desk.joins("lee")
    return desk


def faults(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(p["field"], p.get("code", "")) for p in refused.value.problems]


# --- purchases ------------------------------------------------------------------------------


def test_a_purchase_is_answered_with_its_points_and_their_working(desk: FrontDesk) -> None:
    """Vegetables count double: 100 yuan of them and 50 of the rest make 25 points."""
    answer = desk.buys("lee", "r1", ("fresh", 10_000), ("grocery", 5_000))

    assert (answer["points"], answer["replayed"], answer["first_purchase"]) == (25, False, True)
    assert [line["points"] for line in answer["breakdown"]["lines"]] == [20, 5]
    assert desk.balance("lee").posted == 25
    member = desk.member("lee")
    assert (member.purchases, member.spend_minor) == (1, 15_000)
    assert member.first_purchase_at == member.last_purchase_at == NOON


def test_a_till_that_repeats_itself_gets_the_first_answer(desk: FrontDesk) -> None:
    """The same receipt again, also with another offset in its time, changes nothing."""
    first = desk.buys("lee", "r1", ("grocery", 10_000))
    desk.clock.instant += timedelta(hours=3)

    same_instant = NOON.astimezone(SHANGHAI)
    again = desk.buys("lee", "r1", ("grocery", 10_000), occurred_at=same_instant)

    assert again == {**first, "replayed": True}
    assert desk.balance("lee").posted == 10
    assert desk.member("lee").purchases == 1


def test_one_id_for_two_receipts_is_refused(desk: FrontDesk) -> None:
    """A till that counts its receipts anew is told so; another till may use the same number."""
    desk.buys("lee", "r1", ("grocery", 10_000))

    with pytest.raises(KeyReused):
        desk.buys("lee", "r1", ("grocery", 20_000))
    desk.buys("lee", "r1", ("grocery", 20_000), source="till-2")

    assert desk.balance("lee").posted == 30


def test_other_currencies_and_receipts_from_the_future_are_refused(desk: FrontDesk) -> None:
    """A till's clock may run five minutes fast, and no more; nothing of a refusal is kept."""
    with pytest.raises(Invalid) as refused:
        desk.buys("lee", "r1", ("grocery", 100), currency="EUR")
    assert faults(refused) == [("currency", "currency")]
    with pytest.raises(Invalid) as refused:
        desk.buys("lee", "r1", ("grocery", 100), occurred_at=NOON + timedelta(minutes=6))
    assert faults(refused) == [("occurred_at", "in_future")]
    with pytest.raises(Unknown):
        desk.buys("nobody", "r1", ("grocery", 100))

    assert not desk.buys("lee", "r1", ("grocery", 100), occurred_at=NOON + timedelta(minutes=5))[
        "replayed"
    ]


def test_receipts_in_any_order_leave_the_same_member(desk: FrontDesk) -> None:
    """First and last purchase go by when it happened, not by when the shop reported it."""
    for id, days in (("b", 5), ("a", 9), ("c", 1)):
        desk.buys("lee", id, ("grocery", 1000), occurred_at=NOON - timedelta(days=days))

    member = desk.member("lee")
    assert member.first_purchase_at == NOON - timedelta(days=9)
    assert member.last_purchase_at == NOON - timedelta(days=1)


def test_small_change_earns_nothing_and_is_recorded(desk: FrontDesk) -> None:
    answer = desk.buys("lee", "r1", ("grocery", 999))

    assert (answer["points"], answer["transaction"]) == (0, None)
    assert desk.member("lee").purchases == 1


# --- refunds --------------------------------------------------------------------------------


LINES = [("fresh", 3_333, 3), ("grocery", 7_770, 7), ("gift_card", 10_000, 1), ("grocery", 5, 5)]


@pytest.mark.parametrize("seed", range(4))
def test_returned_piece_by_piece_a_receipt_leaves_nothing(desk: FrontDesk, seed: int) -> None:
    """Whatever the order of the pieces: all the money and all the points, to the last one."""
    draw = Random(seed)
    bought = desk.buys("lee", "r1", *LINES)
    pieces = [n for n, (_, _, quantity) in enumerate(LINES, 1) for _ in range(quantity)]
    draw.shuffle(pieces)

    money = points = 0
    while pieces:
        some = draw.randint(1, 4)
        answer = desk.returns("r1", Counter(pieces[:some]))
        money, points = money + answer["amount_minor"], points + answer["points_reversed"]
        pieces = pieces[some:]

    assert (money, points) == (sum(net for _, net, _ in LINES), bought["points"])
    assert desk.balance("lee").posted == 0
    member = desk.member("lee")
    assert (member.purchases, member.spend_minor) == (0, 0)


def test_points_that_were_spent_become_a_debt_that_later_points_repay(desk: FrontDesk) -> None:
    """Lee spends 20 of 30 points and returns it all: 20 are owed, and 25 new ones leave 5."""
    desk.buys("lee", "r1", ("grocery", 30_000))
    desk.store.run(lambda tx: tx.ledger.burn("cup", "lee", 20))

    desk.returns("r1")
    balance = desk.balance("lee")
    assert (balance.posted, balance.debt) == (0, 20)
    desk.buys("lee", "r2", ("grocery", 25_000))

    balance = desk.balance("lee")
    assert (balance.posted, balance.debt) == (5, 0)


def test_nothing_is_returned_twice(desk: FrontDesk) -> None:
    """A repeated return gets its first answer; a second return of the same goods is refused."""
    desk.buys("lee", "r1", ("grocery", 30_000, 3))
    first = desk.returns("r1", {1: 2}, id="back-1")

    assert desk.returns("r1", {1: 2}, id="back-1") == {**first, "replayed": True}
    with pytest.raises(KeyReused):
        desk.returns("r1", {1: 1}, id="back-1")
    with pytest.raises(Invalid):
        desk.returns("r1", {1: 2}, id="back-2")
    desk.returns("r1", id="back-3")  # what is left
    with pytest.raises(Invalid) as refused:
        desk.returns("r1", id="back-4")

    assert faults(refused) == [("purchase_id", "refunded")]
    assert desk.balance("lee").posted == 0


def test_a_return_names_a_purchase_that_is_known(desk: FrontDesk) -> None:
    """At another till too, if it says where the purchase was; a check-in cannot be returned."""
    desk.buys("lee", "r1", ("grocery", 30_000))
    desk.does("lee", "check_in", id="here")

    with pytest.raises(Unknown):
        desk.returns("r1", source="till-2")
    with pytest.raises(Unknown):
        desk.returns("here")
    answer = desk.returns("r1", source="till-2", purchase_source="till")

    assert answer["points_reversed"] == 30


def test_a_return_goes_by_the_rules_the_purchase_was_made_under(desk: FrontDesk) -> None:
    """A card that doubled the purchase doubles what goes, long after it has ended."""
    desk.launch("new_member_bonus")
    desk.joins("kim")
    desk.take_turns("kim")
    doubled = desk.buys("kim", "r1", ("grocery", 10_000))
    assert doubled["points"] == 20
    desk.clock.instant += timedelta(days=20)

    assert desk.returns("r1")["points_reversed"] == 20


def test_a_return_goes_by_the_working_that_is_sealed(desk: FrontDesk) -> None:
    """Whoever changes the answer that was kept of a purchase keeps no points by it."""
    desk.buys("lee", "r1", ("grocery", 10_000))

    def forge(tx: Any) -> None:
        bought = tx.inbox.find("till", "r1")
        working = {**bought.answer["breakdown"], "points": 0, "spend_points": 0}
        tx.inbox.answer(bought.seq, {**bought.answer, "points": 0, "breakdown": working})

    desk.store.run(forge)

    assert desk.returns("r1")["points_reversed"] == 10
    assert desk.balance("lee").posted == 0


# --- other acts -----------------------------------------------------------------------------


def test_only_acts_that_the_programme_declares_are_taken(desk: FrontDesk) -> None:
    """The refusal names what would have been right."""
    with pytest.raises(Invalid) as refused:
        desk.does("lee", "chekc_in")

    assert faults(refused) == [("type", "event_type")]
    assert "check_in" in refused.value.problems[0]["allowed"]


def test_an_act_is_recorded_once(desk: FrontDesk) -> None:
    first = desk.does("lee", "check_in", id="c1", store="riverside")

    assert desk.does("lee", "check_in", id="c1", store="riverside") == {**first, "replayed": True}
    with pytest.raises(KeyReused):
        desk.does("lee", "check_in", id="c1", store="hillside")
    assert desk.count(tables.inbox, tables.inbox.c.type == "check_in") == 1


# --- registrations --------------------------------------------------------------------------


def test_a_member_registers_once(desk: FrontDesk) -> None:
    """The shop's repeat gets the first answer; another person under that id is refused."""
    first = desk.joins("kim", name="Kim", email="kim@example.com")

    assert desk.joins("kim", name="Kim", email="kim@example.com") == {**first, "replayed": True}
    with pytest.raises(KeyReused):
        desk.joins("kim", name="Somebody Else")
    assert desk.member("kim").name == "Kim"


def test_an_inviter_must_be_a_member(desk: FrontDesk) -> None:
    """A mistyped inviter is refused, and nobody is registered; a known one is kept."""
    with pytest.raises(Invalid) as refused:
        desk.joins("kim", invited_by="nobody")
    assert faults(refused) == [("invited_by", "unknown")]
    desk.joins("kim", invited_by="lee")

    assert desk.member("kim").inviter_id == "lee"


# --- what an event sets going ---------------------------------------------------------------


def test_who_registers_enters_the_campaigns_for_new_members(desk: FrontDesk) -> None:
    """In the same transaction, once, with the start of the journey in line for Temporal."""
    campaign = desk.launch("new_member_bonus")
    desk.joins("kim")
    desk.joins("kim")

    [start] = desk.outbox("start_journey")
    enrolment = desk.enrolment("kim")
    assert start.workflow_id == enrolment.id == f"j/{campaign}/kim/once"
    assert start.payload["plan_hash"] == desk.version(campaign).plan_hash
    assert (enrolment.state, enrolment.reserved_points) == ("admitted", 800)
    assert desk.enrolments("lee") == []  # was there before


def test_a_campaign_opened_by_an_act_asks_its_own_condition(desk: FrontDesk) -> None:
    """A check-in at the riverside opens it, one elsewhere does not; both say why."""
    campaign = desk.launch_written(
        enter='{on: check_in, where: event.store == "riverside"}', reentry="{again_after: P7D}"
    )
    desk.does("lee", "check_in", store="hillside")
    assert desk.enrolments("lee") == []
    desk.does("lee", "check_in", store="riverside")
    assert len(desk.enrolments("lee")) == 1
    desk.take_turns("lee")
    desk.does("lee", "check_in", store="riverside")
    desk.clock.instant += timedelta(days=7)
    desk.does("lee", "check_in", store="riverside")

    assert len(desk.enrolments("lee")) == 2
    assert desk.verdicts("lee", campaign) == [
        "not_admitted:entry_condition", "admitted:admitted",
        "not_admitted:cooling_down", "admitted:admitted",
    ]  # fmt: skip


def test_a_journey_is_woken_only_when_its_next_move_changes(desk: FrontDesk) -> None:
    """Three purchases are wanted: the first changes nothing, the second is worth a word."""
    desk.launch("monthly_task_pack")
    desk.open_month()
    desk.take_turns("lee")

    desk.buys("lee", "r1", ("grocery", 5_000))
    desk.does("lee", "share")
    assert desk.outbox("nudge_journey") == []
    desk.clock.instant += timedelta(days=1)
    desk.buys("lee", "r2", ("grocery", 5_000))
    assert len(desk.outbox("nudge_journey")) == 1
    desk.clock.instant += timedelta(days=1)
    desk.buys("lee", "r3", ("grocery", 5_000))
    assert len(desk.outbox("nudge_journey")) == 1  # not yet awake: its turn will see all three

    desk.take_turns("lee")
    assert desk.enrolment("lee").granted_points == 1000
    desk.returns("r2")
    assert len(desk.outbox("nudge_journey")) == 2
    desk.take_turns("lee")
    assert desk.enrolment("lee").granted_points == 0


def test_an_event_repeated_wakes_nobody_again(desk: FrontDesk) -> None:
    desk.launch("new_member_bonus")
    desk.joins("kim")
    desk.take_turns("kim")

    desk.buys("kim", "r1", ("grocery", 5_000))
    desk.take_turns("kim")
    desk.buys("kim", "r1", ("grocery", 5_000))

    assert len(desk.outbox("nudge_journey")) == 1
    assert desk.enrolment("kim").outcome == "ordered"


# --- passes over an audience ----------------------------------------------------------------


def test_a_pass_over_450_members_goes_in_pages(desk: FrontDesk) -> None:
    """Three pages, a second apart; everybody is admitted once, however often a turn is repeated."""
    desk.crowd(449)
    campaign = desk.launch("monthly_task_pack")
    desk.to_month()

    pages = []
    for turn, outcome in desk.campaign_turns(campaign):
        assert desk.campaign_turn(campaign, turn)["wake_at"] == outcome["wake_at"]
        pages.append(desk.count(tables.enrolments))

    assert sorted(set(pages)) == [0, 200, 400, 450]
    starts = desk.outbox("start_journey")
    assert len(starts) == len({row.workflow_id for row in starts}) == 450
    row = desk.campaign(campaign)
    assert row.reserved_points == 450 * 1300


def test_a_pass_is_paused_between_pages_and_goes_on_where_it_stood(desk: FrontDesk) -> None:
    """Nobody is left out and nobody is asked twice."""
    desk.crowd(449)
    campaign = desk.launch("monthly_task_pack")
    desk.to_month()
    turns = desk.campaign_turns(campaign)
    while desk.count(tables.enrolments) < 200:
        next(turns)

    desk.pause(campaign)
    assert list(desk.campaign_turns(campaign))[-1][1]["wake_at"] is None
    assert desk.count(tables.enrolments) == 200
    desk.resume(campaign)
    list(desk.campaign_turns(campaign))

    assert desk.count(tables.enrolments) == len(desk.outbox("start_journey")) == 450


def test_a_budget_for_some_admits_no_more_than_it_can_pay(desk: FrontDesk) -> None:
    """1,300 points for each whole pack: 4,000 are enough for three, and the others are told why."""
    desk.crowd(9)
    campaign = desk.launch("monthly_task_pack", budget_points=4_000)
    desk.to_month()
    list(desk.campaign_turns(campaign))

    d = tables.decisions
    refused = desk.count(d, (d.c.verdict == "not_admitted") & (d.c.reason == "budget_exhausted"))
    assert (desk.count(tables.enrolments), refused) == (3, 7)
    assert desk.campaign(campaign).reserved_points == 3_900


def test_a_pack_held_at_the_door_is_not_begun_in_another_month(desk: FrontDesk) -> None:
    """Admitted in April and paused at once until May: April's pack must not count May's acts."""
    campaign = desk.launch("monthly_task_pack")
    desk.open_month()
    desk.pause(campaign)
    desk.take_turns("lee")
    assert desk.enrolment("lee").state == "held"
    desk.clock.instant += timedelta(days=34)

    desk.resume(campaign)
    list(desk.campaign_turns(campaign))
    desk.take_turns("lee")

    april, may = desk.enrolments("lee")
    assert (april.entry_key, april.outcome) == ("2026-04", "not_begun")
    assert (may.entry_key, may.state) == ("2026-05", "waiting")
    assert desk.campaign(campaign).reserved_points == 1300  # May's; April's is free again
