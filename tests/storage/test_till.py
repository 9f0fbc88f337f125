"""Paying with points at the till, told as the clerk and the member would."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty.earning.rule_set import Cap, Match, Rule
from loyalty.errors import Invalid, KeyReused, Unknown, WrongState
from loyalty.event_keys import event_key, event_of
from loyalty.events import Line
from loyalty.intake import purchase_wants, record_purchase
from loyalty.ledger import NotEnoughPoints
from loyalty.member_details import DetailsChange, change_details
from loyalty.merging import Merger, merge
from loyalty.ports import Wants
from loyalty.programme import Burning, Earning, Programme
from loyalty.quotes import Cart, quote
from loyalty.till import flow, give_back
from loyalty.till.limits import BillTooSmall, TooManyPoints
from loyalty.till.requests import HoldConfirm, HoldRelease, HoldRequest, HoldReturn
from storage.database import Database
from storage.proof import prove
from storage.queries.slips import slip
from storage.store import SqlStore
from tests.conftest import DatabaseMaker
from tests.storage.front_desk import FrontDesk
from tests.storage.line import PATIENCE, plugged
from tests.storage.rows import NOON, StillClock

MICROSECOND = timedelta(microseconds=1)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass
class Till(FrontDesk):
    """A front desk with a till that takes points."""

    def has(self, *lots: tuple[int, datetime | None], member: str = "lee") -> None:
        """Points that lapse at these instants."""
        for points, until in lots:
            key = f"before/{next(self.numbers)}"
            self.store.run(
                lambda tx, k=key, p=points, u=until: tx.ledger.earn(k, member, p, expires_at=u)  # type: ignore[misc]
            )

    def holds(
        self, points: int | None = None, *, id: str = "h1", net: int = 20_000, **changes: Any
    ) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "source": "till",
            "id": id,
            "points": points,
            "currency": "CNY",
            "lines": (Line(sku="s", category="grocery", net_minor=net),),
        }
        who = {} if {"phone", "card_no"} & changes.keys() else {"member_id": "lee"}
        request = HoldRequest(**plain | who | changes)
        return self.store.run(lambda tx: flow.place(tx, request))

    def confirms(self, id: str = "h1", purchase: str = "r1", **changes: Any) -> dict[str, Any]:
        wanted = HoldConfirm(purchase_id=purchase, **changes)
        return self.store.run(lambda tx: flow.confirm(tx, f"till:till:{id}", wanted))

    def releases(self, id: str = "h1", **changes: Any) -> dict[str, Any]:
        wanted = HoldRelease(**changes)
        return self.store.run(lambda tx: flow.release(tx, f"till:till:{id}", wanted))

    def gives_back(self, id: str, hold: str = "h1", **changes: Any) -> dict[str, Any]:
        wanted = HoldReturn(source="till", id=id, **changes)
        return self.store.run(lambda tx: give_back.return_points(tx, f"till:till:{hold}", wanted))

    def pays_with(self, points: int, *lines: tuple[str, int], id: str = "r1") -> dict[str, Any]:
        """A whole sale: held, confirmed, and recorded with what the points paid."""
        bill = sum(net for _, net in lines)
        held = self.holds(points, id=f"h-{id}", net=bill)
        self.confirms(f"h-{id}", id)
        return self.buys("lee", id, *lines, paid_with_points_minor=held["worth_minor"])

    def quoted(self, *lines: tuple[str, int], member: str = "lee", **more: Any) -> dict[str, Any]:
        cart = Cart(
            member_id=member,
            currency="CNY",
            store="riverside",
            lines=tuple(Line(sku="s", category=c, net_minor=net) for c, net in lines),
            **more,
        )
        return self.store.read(lambda tx: quote(tx, cart))

    def slip(self, key: str) -> Any:
        """One movement of points with all that explains it."""
        with self.store.database.read() as connection:
            return slip(connection, key)

    def lots(self) -> list[tuple[datetime, int]]:
        return self.balance("lee").next_expiry

    def proved(self) -> bool:
        with self.store.database.read() as connection:
            return prove(connection).ok


@pytest.fixture
def till(store: SqlStore, clock: StillClock) -> Till:
    """A till, and one member with a card and a phone."""
    till = Till(store, clock)
    till.joins("lee", card_no="C-0001", phone="138 0013 8000")
    return till


def with_rules(database: Database, clock: StillClock, programme: Programme) -> Till:
    till = Till(SqlStore(database, clock, programme), clock)
    till.joins("lee")
    return till


# --- the flow -------------------------------------------------------------------------------


def test_points_are_held_then_spent_on_the_bill(till: Till) -> None:
    """2,000 points pay 20 yuan; meanwhile nobody can spend them twice."""
    till.has((2_500, None))

    held = till.holds(2_000)
    assert (held["worth_minor"], held["status"]) == (2_000, "open")
    assert held["expires_at"] == (NOON + 10 * MINUTE).isoformat()
    assert (till.balance("lee").available, till.balance("lee").held) == (500, 2_000)
    with pytest.raises(NotEnoughPoints):
        till.holds(600, id="h2")

    done = till.confirms()
    assert (done["status"], done["confirmed_points"], done["confirmed_minor"]) == (
        "confirmed",
        2_000,
        2_000,
    )
    assert (till.balance("lee").posted, till.balance("lee").held) == (500, 0)
    assert till.proved()


def test_a_clerk_in_a_hurry_takes_as_many_as_may_be_used(till: Till) -> None:
    """No figure asked for: whole steps of what the member has."""
    till.has((1_234, None))

    assert till.holds()["points"] == 1_200


@pytest.mark.parametrize(
    "who", [{"phone": "+86 13800138000"}, {"phone": "13800138000"}, {"card_no": "C-0001"}]
)
def test_a_member_is_known_by_phone_or_card(till: Till, who: dict[str, Any]) -> None:
    """Feature 6: however the number is written."""
    till.has((1_000, None))

    assert till.holds(1_000, **who)["member_id"] == "lee"


def test_a_number_that_two_members_share_is_not_guessed(till: Till) -> None:
    """A couple with one phone: the clerk is told to take the card. An unknown number is nobody."""
    till.joins("lin", phone="+86 138 0013 8000")

    with pytest.raises(Invalid, match="use the card or the member's id"):
        till.holds(100, phone="13800138000")
    with pytest.raises(Unknown) as nobody:
        till.holds(100, phone="139 9999 4242")
    assert "4242" in nobody.value.detail
    assert "9999" not in nobody.value.detail, "a whole phone number would end in the logs"


def test_a_card_is_one_members(till: Till) -> None:
    """Registering somebody else with the same card is refused."""
    with pytest.raises(Invalid, match="another member's card"):
        till.joins("lin", card_no="C-0001")


def test_the_same_hold_again_takes_nothing_again(till: Till) -> None:
    """The first answer comes back, also when the hold is long over; another body is refused."""
    till.has((2_000, None))
    first = till.holds(1_000)
    till.confirms()

    assert till.holds(1_000) == {**first, "replayed": True}
    assert till.balance("lee").posted == 1_000
    with pytest.raises(KeyReused):
        till.holds(900)


@pytest.mark.parametrize("new_owner", [False, True])
def test_the_same_hold_again_finds_the_member_of_an_old_card(till: Till, new_owner: bool) -> None:
    """The answer was lost, and meanwhile the card is another, or somebody else's."""
    till.has((2_000, None))
    first = till.holds(500, card_no="C-0001")
    new_card = DetailsChange(card_no="C-0002")
    till.store.run(lambda tx: change_details(tx, "lee", new_card, "mia"))
    if new_owner:
        till.joins("lin", card_no="C-0001")

    assert till.holds(500, card_no="C-0001") == {**first, "replayed": True}
    with pytest.raises(KeyReused):
        till.holds(600, card_no="C-0001")


def test_fewer_points_are_confirmed_when_the_bill_shrank(till: Till) -> None:
    """An article was put back: 250 yuan became 210. Less than 200 takes no points at all."""
    till.has((25_000, None))
    till.holds(25_000, net=25_000)

    with pytest.raises(TooManyPoints, match="At most 21000 points"):
        till.confirms(bill_minor=21_000)
    with pytest.raises(BillTooSmall):
        till.confirms(points=15_000, bill_minor=19_999)
    done = till.confirms(points=15_000, bill_minor=21_000)

    assert (done["confirmed_points"], done["confirmed_minor"]) == (15_000, 15_000)
    assert till.balance("lee").available == 10_000


def test_confirming_twice_spends_once(till: Till) -> None:
    """The same again is harmless; another purchase under the same hold is not."""
    till.has((2_000, None))
    till.holds(1_000)
    first = till.confirms()

    assert till.confirms() == {**first, "replayed": True}
    with pytest.raises(KeyReused):
        till.confirms(purchase="r2")
    with pytest.raises(WrongState, match="Record the refund"):
        till.releases()
    till.holds(1_000, id="h2")
    with pytest.raises(WrongState, match="Release this hold"):
        till.confirms("h2", "r1")


def test_a_hold_that_nobody_confirms_is_free_again_by_itself(till: Till) -> None:
    """At the deadline, with nobody doing anything; confirming later is refused."""
    till.has((1_000, None))
    till.holds(1_000)
    till.clock.instant = NOON + 10 * MINUTE - MICROSECOND
    assert till.balance("lee").available == 0

    till.clock.instant = NOON + 10 * MINUTE

    assert till.balance("lee").available == 1_000
    with pytest.raises(WrongState, match="Place a new hold"):
        till.confirms()
    assert till.holds(1_000, id="h2")["status"] == "open"
    assert till.proved()


def test_a_released_hold_is_free_at_once(till: Till) -> None:
    """The member pays by card after all; releasing again changes nothing."""
    till.has((1_000, None))
    till.holds(1_000)

    assert till.releases()["status"] == "released"
    assert till.releases()["replayed"]
    assert till.balance("lee").available == 1_000
    with pytest.raises(WrongState, match="was released"):
        till.confirms()


@pytest.mark.parametrize(
    ("said", "paid", "fits"), [(0, 1_000, False), (900, 1_000, False), (1_000, 1_000, True)]
)
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("recorded_first", [True, False])
def test_a_purchase_names_what_points_paid_of_it_in_either_order(
    till: Till, recorded_first: bool, grouped: bool, said: int, paid: int, fits: bool
) -> None:
    """Rule 11: the part paid with points earns nothing, so whichever comes second is held to it."""
    if grouped:
        till.store.group()
    till.has((1_000, None))
    till.holds(paid)
    steps: list[Callable[[], Any]] = [
        lambda: till.buys("lee", "r1", ("grocery", 20_000), paid_with_points_minor=said),
        till.confirms,
    ]
    first, second = steps if recorded_first else reversed(steps)

    first()
    if fits:
        second()
    else:
        with pytest.raises(Invalid) as refused:
            second()
        code = "purchase_says_less" if recorded_first else "less_than_confirmed"
        assert refused.value.problems[0]["code"] == code
    till.store.close()


def test_a_sale_and_its_confirmation_in_one_commit_are_held_to_each_other(till: Till) -> None:
    """Confirmed and recorded in the same batch: the purchase sees what was confirmed before it."""
    till.has((1_000, None))
    till.holds(1_000)
    poster = till.store.group()
    bought = till.receipt("lee", "r1", [("grocery", 20_000)])
    with plugged(poster):
        confirmed = till.store.submit(
            lambda tx: flow.confirm(tx, "till:till:h1", HoldConfirm(purchase_id="r1")),
            Wants(members=("lee",)),
        )
        recorded = till.store.submit(lambda tx: record_purchase(tx, bought), purchase_wants(bought))

    assert confirmed.result(PATIENCE)["status"] == "confirmed"
    assert isinstance(recorded.exception(PATIENCE), Invalid)
    till.store.close()


def test_what_came_back_before_it_was_recorded_is_money_again(till: Till) -> None:
    """Half the goods returned by hand, then the purchase is recorded: half the points still pay."""
    till.has((1_000, None))
    till.holds(1_000)
    till.confirms()
    till.gives_back("b1", amount_minor=10_000)

    with pytest.raises(Invalid, match="less than the 500 minor units"):
        till.buys("lee", "r1", ("grocery", 10_000), paid_with_points_minor=400)
    assert till.buys("lee", "r1", ("grocery", 10_000), paid_with_points_minor=500)["points"]


def test_points_pay_only_the_members_own_purchase(till: Till) -> None:
    """Somebody else's receipt is refused."""
    till.has((1_000, None))
    till.joins("lin")
    till.buys("lin", "r1", ("grocery", 20_000), paid_with_points_minor=1_000)
    till.holds(1_000)

    with pytest.raises(Invalid, match="not a purchase of this member"):
        till.confirms()


def test_a_purchase_that_somebody_elses_points_paid_is_refused(till: Till) -> None:
    """The other order: confirmed by lee, recorded as lin's; lee's old card is lee's own."""
    till.joins("lin")
    till.joins("old")
    till.has((1_000, None))
    till.holds(1_000)
    till.confirms()

    with pytest.raises(Invalid, match="is not who paid"):
        till.buys("lin", "r1", ("grocery", 20_000), paid_with_points_minor=1_000)
    merger = Merger(id="m1", reason="same person")
    till.store.run(lambda tx: merge(tx, "lee", "old", merger, "clerk"))
    with pytest.raises(Invalid, match="less than the 1000 minor units"):
        till.buys("lee", "r1", ("grocery", 20_000))
    assert till.buys("lee", "r1", ("grocery", 20_000), paid_with_points_minor=1_000)["points"]


# --- shops whose name has a colon ------------------------------------------------------------


def test_a_hold_is_for_the_till_that_placed_it(till: Till) -> None:
    """`pos:7` pays its own receipt with points: they earn nothing, and come back with the goods."""
    till.has((10_000, None))
    hold = till.holds(10_000, source="pos:7")["hold_id"]
    done = till.store.run(lambda tx: flow.confirm(tx, hold, HoldConfirm(purchase_id="0001")))
    assert done["purchase_source"] == "pos:7"

    with pytest.raises(Invalid, match="less than the 10000 minor units"):
        till.buys("lee", "0001", ("grocery", 20_000), source="pos:7")
    sold = till.buys(
        "lee", "0001", ("grocery", 20_000), source="pos:7", paid_with_points_minor=10_000
    )
    back = till.returns("0001", source="pos:7")

    assert sold["points"] == 10
    assert (back["points_returned"], back["cash_minor"]) == (10_000, 10_000)
    assert till.proved()


def test_two_tills_whose_names_and_numbers_run_together_are_two(till: Till) -> None:
    """Number `1:7` of `pos` and number `7` of `pos:1`: two holds, two receipts, two refunds."""
    till.has((2_000, None))
    both = [("pos", "1:7"), ("pos:1", "7")]

    holds = [till.holds(1_000, source=source, id=id) for source, id in both]
    answers = [
        till.buys("lee", id, ("grocery", 20_000 + 1_000 * n), source=source)
        for n, (source, id) in enumerate(both)
    ]
    slips = [till.slip(answer["transaction"]) for answer in answers]
    backs = [
        till.returns(id, source=source, id=back)
        for (source, id), back in zip(both, ("1:8", "8"), strict=True)
    ]

    assert [each["replayed"] for each in holds] == [False, False]
    assert [answer["points"] for answer in answers] == [20, 21]
    assert [(slip["event"]["source"], slip["event"]["event_id"]) for slip in slips] == both
    assert len({back["transaction"] for back in backs}) == 2
    assert [back["points_reversed"] for back in backs] == [20, 21]


@pytest.mark.parametrize(
    ("source", "id", "key"),
    [
        ("till-12", "2026-10-03/000481", "purchase:till-12:2026-10-03/000481"),
        ("pos:7", "0001", "purchase:pos~7:0001"),
        ("pos", "7:0001", "purchase:pos:7:0001"),
    ],
)
def test_a_key_is_read_back_one_way_only(source: str, id: str, key: str) -> None:
    """What most shops send stands in the key as they wrote it."""
    assert event_key("purchase", source, id) == key
    assert event_of(key) == ("purchase", source, id)


def test_ids_that_end_in_the_name_of_an_act_are_ids_like_others(till: Till) -> None:
    """What confirming `h1` burned is not mistaken for a hold that a till calls `h1:confirm`."""
    till.has((1_000, NOON + DAY))

    for id in ("h1", "h1:confirm", "h1:confirm:confirm"):
        till.holds(100, id=id)
        till.confirms(id, f"r-{id}")
    for id in ("h2", "h2:release"):
        till.holds(100, id=id)
        till.releases(id)

    assert till.balance("lee").available == 700


# --- rule 6: the last moment ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "taken"), [(MICROSECOND, True), (timedelta(0), False), (-MICROSECOND, False)]
)
def test_points_can_be_used_until_the_moment_they_lapse(
    till: Till, before: timedelta, taken: bool
) -> None:
    """Rule 6: a microsecond before the end wins; the end itself is too late."""
    end = NOON + DAY
    till.has((1_000, end))
    till.clock.instant = end - before

    if not taken:
        with pytest.raises(NotEnoughPoints):
            till.holds(1_000)
        return
    till.holds(1_000)
    # The card terminal is slow: held in time is spent, though the expiry run was quicker.
    till.clock.instant = end + MINUTE
    till.store.run(lambda tx: tx.ledger.expire("lee", end))
    till.confirms()

    assert till.balance("lee").posted == 0
    assert till.proved()


def test_every_coming_expiry_is_quoted(till: Till) -> None:
    """Rule 6: not only the first date, and nothing that never lapses."""
    till.has((100, NOON + DAY), (200, NOON + 2 * DAY), (300, NOON + 30 * DAY), (400, None))

    seen = till.quoted(("grocery", 20_000))["balance"]

    assert seen["available"] == 1_000
    assert [(each["at"], each["points"]) for each in seen["expiring"]] == [
        ((NOON + DAY).isoformat(), 100),
        ((NOON + 2 * DAY).isoformat(), 200),
        ((NOON + 30 * DAY).isoformat(), 300),
    ]


# --- rule 3: the refund of an order paid partly with points ---------------------------------


def test_a_refund_gives_points_back_to_the_same_lots(till: Till) -> None:
    """Rule 3: same lots, same expiry; the cash leaves out what the points paid."""
    lots = [(600, NOON + 5 * DAY), (900, NOON + 90 * DAY)]
    till.has(*lots)
    till.pays_with(1_000, ("grocery", 20_000))
    assert (NOON + 90 * DAY, 500) in till.lots()
    assert NOON + 5 * DAY not in dict(till.lots())

    till.clock.instant = NOON + DAY
    answer = till.returns("r1")

    assert (answer["amount_minor"], answer["cash_minor"]) == (20_000, 19_000)
    assert (answer["points_returned"], answer["points_reversed"]) == (1_000, 19)
    assert [(points, at) for at, points in till.lots()] == lots
    assert till.balance("lee").debt == 0
    assert till.proved()


@pytest.mark.parametrize(
    "pieces",
    [
        ({1: 3},),
        ({1: 1}, {1: 1}, {1: 1}),
        ({1: 2}, {1: 1}),
        ({1: 1}, None),
        ({2: 1}, {1: 1, 3: 1}, {1: 2}),
        (None,),
    ],
)
def test_parts_of_an_order_return_parts_of_the_points(
    till: Till, pieces: tuple[dict[int, int] | None, ...]
) -> None:
    """Rule 3: in whatever pieces the order comes back, the points and the cash sum to the whole."""
    till.has((5_000, NOON + 90 * DAY))
    held = till.holds(1_000, net=33_333)
    till.confirms()
    till.buys(
        "lee",
        "r1",
        ("grocery", 10_001, 3),
        ("fresh", 13_331),
        ("drinks", 10_001),
        paid_with_points_minor=held["worth_minor"],
    )

    answers = [till.returns("r1", some) for some in pieces]
    if sum(answer["amount_minor"] for answer in answers) < 33_333:
        answers.append(till.returns("r1"))

    assert sum(answer["points_returned"] for answer in answers) == 1_000
    assert sum(answer["cash_minor"] for answer in answers) == 33_333 - 1_000
    assert all(answer["cash_minor"] >= 0 for answer in answers)
    assert till.balance("lee").posted == 5_000
    assert till.proved()


@pytest.mark.parametrize(
    ("first", "cash", "points"),
    [({2: 1}, [0, 40_000], [40_000, 0]), ({1: 1}, [40_000, 0], [0, 40_000])],
)
def test_a_gift_card_bought_along_turns_no_points_into_money(
    till: Till, first: dict[int, int], cash: list[int], points: list[int]
) -> None:
    """400 yuan of groceries paid with points beside a gift card for 400, and each comes back.

    The groceries bring the points and no money, the card its money and no points.
    """
    till.has((40_000, None))
    lines = [("gift_card", 40_000), ("grocery", 40_000)]
    cart = tuple(Line(sku="s", category=category, net_minor=net) for category, net in lines)
    till.holds(40_000, lines=cart)
    till.confirms()
    sold = till.buys("lee", "r1", *lines, paid_with_points_minor=40_000)
    assert (sold["points"], _by_points(sold)) == (0, [0, 40_000])

    backs = [till.returns("r1", first), till.returns("r1")]

    assert [back["cash_minor"] for back in backs] == cash
    assert [back["points_returned"] for back in backs] == points
    assert till.balance("lee").available == 40_000
    assert till.proved()


@pytest.mark.parametrize(
    ("lines", "paid", "shares", "earns"),
    [
        # On groceries and drinks by what they cost; the card is money, and earns nothing anyway.
        (
            [("gift_card", 10_000), ("grocery", 30_000), ("drinks", 10_000)],
            20_000,
            [0, 15_000, 5_000],
            20,
        ),
        # Shipping may be paid with points, though it earns none.
        ([("shipping", 10_000), ("grocery", 30_000)], 20_000, [5_000, 15_000], 15),
        # More than everything that points may pay for, by a bonus balance: only the rest is left.
        ([("gift_card", 10_000), ("grocery", 20_000)], 25_000, [5_000, 20_000], 0),
        ([("gift_card", 10_000)], 10_000, [10_000], 0),
        ([("grocery", 0), ("grocery", 20_000)], 20_000, [0, 20_000], 0),
    ],
)
def test_points_pay_the_lines_that_they_may_pay_for(
    till: Till, lines: list[tuple[str, int]], paid: int, shares: list[int], earns: int
) -> None:
    """Rule 11: laid on those first, each line's share is kept, and the rest of it earns."""
    sold = till.buys("lee", "r1", *lines, paid_with_points_minor=paid)

    assert (_by_points(sold), sold["points"]) == (shares, earns)


def _by_points(sold: dict[str, Any]) -> list[int]:
    return [line.get("paid_with_points_minor", 0) for line in sold["breakdown"]["lines"]]


def test_what_came_back_by_hand_is_not_taken_off_again(till: Till) -> None:
    """Half by hand, then the rest recorded and refunded: both halves of the points and the cash."""
    till.has((1_000, None))
    till.holds(1_000)
    till.confirms()
    by_hand = till.gives_back("b1", amount_minor=10_000)
    till.buys("lee", "r1", ("grocery", 10_000), paid_with_points_minor=500)

    back = till.returns("r1")

    assert (by_hand["cash_minor"], by_hand["points_returned"]) == (9_500, 500)
    assert (back["cash_minor"], back["points_returned"]) == (9_500, 500)
    assert till.balance("lee").available == 1_000


def test_a_refund_without_points_pays_all_in_cash(till: Till) -> None:
    """Nothing was paid with points, so nothing is left out."""
    till.buys("lee", "r1", ("grocery", 20_000))

    answer = till.returns("r1")

    assert (answer["cash_minor"], answer["points_returned"]) == (20_000, 0)


@pytest.mark.parametrize(
    ("fault", "left"), [("member", []), ("merchant", [(NOON + 33 * DAY, 1_000)])]
)
def test_what_lapsed_meanwhile_comes_back_only_through_the_shops_fault(
    till: Till, fault: str, left: list[tuple[datetime, int]]
) -> None:
    """Rule 7: cancelling must not be a way to a longer life; a lost parcel must not cost points."""
    till.has((1_000, NOON + 2 * DAY))
    till.pays_with(1_000, ("grocery", 20_000))
    till.clock.instant = NOON + 3 * DAY

    answer = till.returns("r1", fault=fault)

    assert (answer["cash_minor"], answer["points_returned"]) == (19_000, 1_000)
    assert till.lots() == left
    assert till.proved()


@pytest.mark.parametrize(("fault", "left"), [("member", 0), ("merchant", 1_000)])
def test_a_hold_released_after_its_lots_lapsed(till: Till, fault: str, left: int) -> None:
    """Rule 7 for a sale that never was: the till broke down over midnight."""
    till.has((1_000, NOON + MINUTE))
    till.holds(1_000)
    till.clock.instant = NOON + 2 * MINUTE

    assert till.releases(fault=fault)["status"] == "released"

    assert till.balance("lee").available == left
    assert till.proved()


def test_a_refund_after_a_merger_reaches_who_lives_on(till: Till) -> None:
    """Rule 18: the order was paid by a member who is now another's; points follow the person."""
    till.has((1_000, None))
    till.pays_with(1_000, ("grocery", 20_000))
    till.joins("lin")
    merger = Merger(id="m1", reason="The same person registered twice")
    till.store.run(lambda tx: merge(tx, "lee", "lin", merger, "ola"))

    answer = till.returns("r1")

    assert (answer["cash_minor"], answer["points_returned"]) == (19_000, 1_000)
    assert till.balance("lin").available == 1_000
    assert (till.balance("lee").posted, till.balance("lee").debt) == (0, 0)
    assert till.proved()


def test_points_of_an_order_kept_elsewhere_are_returned_by_hold(till: Till) -> None:
    """The purchase is not recorded here: the shop says what came back of the bill, in parts."""
    till.has((5_000, None))
    till.holds(1_000, net=30_000)
    till.confirms()

    first = till.gives_back("b1", amount_minor=10_001)
    assert (first["points_returned"], first["cash_minor"]) == (333, 10_001 - 333)
    assert till.gives_back("b1", amount_minor=10_001) == {**first, "replayed": True}
    with pytest.raises(KeyReused):
        till.gives_back("b1", amount_minor=10_002)
    with pytest.raises(Invalid, match="only 19999 are left"):
        till.gives_back("b2", amount_minor=20_000)
    rest = till.gives_back("b2")

    assert (rest["points_returned"], rest["cash_minor"]) == (667, 19_999 - 667)
    assert till.balance("lee").available == 5_000
    with pytest.raises(WrongState, match="came back already"):
        till.gives_back("b3")


def test_points_come_back_one_way_only(till: Till) -> None:
    """A recorded purchase returns its points with its refund; by hand would be twice."""
    till.has((1_000, None))
    till.pays_with(1_000, ("grocery", 20_000))

    with pytest.raises(WrongState, match="record its refund"):
        till.gives_back("b1", hold="h-r1")
    till.has((1_000, None))
    till.holds(1_000, id="h2")
    with pytest.raises(WrongState, match="none of its points were spent"):
        till.gives_back("b1", hold="h2")


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    bought=st.lists(
        st.tuples(
            st.sampled_from(["grocery", "fresh", "gift_card"]),
            st.integers(1, 30_000),
            st.integers(1, 5),
        ),
        min_size=1,
        max_size=5,
    ),
    steps=st.integers(1, 150),
    pick=st.randoms(use_true_random=False),
)
def test_any_sequence_of_returns_sums_to_the_whole(
    new_database: DatabaseMaker, bought: list[tuple[str, int, int]], steps: int, pick: Random
) -> None:
    """Piece by piece in any order: every point and every cent comes back once, and none too much.

    What is paid in money alone brings no points, whatever lies beside it.
    """
    till = _sqlite(new_database)
    name = f"m{next(till.numbers)}"
    till.joins(name)
    till.has((steps * 100, None), member=name)
    lines = [("grocery", 20_000, 1), *bought]
    cart = tuple(Line(sku="s", category=c, net_minor=net) for c, net, _ in lines)
    held = till.holds(steps * 100, id=name, member_id=name, lines=cart)
    till.confirms(name, name)
    till.buys(name, name, *lines, paid_with_points_minor=held["worth_minor"])
    pieces = [n for n, (_, _, quantity) in enumerate(lines, 1) for _ in range(quantity)]
    pick.shuffle(pieces)

    answers = [till.returns(name, {line: 1}) for line in pieces]

    assert sum(each["points_returned"] for each in answers) == steps * 100
    total = sum(net for _, net, _ in lines)
    assert sum(each["cash_minor"] for each in answers) == total - held["worth_minor"]
    assert till.balance(name).available == steps * 100
    for line, each in zip(pieces, answers, strict=True):
        assert 0 <= each["cash_minor"] <= each["amount_minor"]
        if lines[line - 1][0] == "gift_card":
            assert (each["cash_minor"], each["points_returned"]) == (each["amount_minor"], 0)


# --- quotes ---------------------------------------------------------------------------------

RULES = Earning(
    rules=(
        Rule(id="big", when=Match(from_minor=25_000), bonus_bp=10_000),
        Rule(
            id="drinks",
            when=Match(categories=("drinks",)),
            points=15,
            caps=(Cap(points=40, per="day"),),
        ),
        Rule(id="fresh", when=Match(categories=("fresh",)), bonus_bp=5_000, group="food"),
        Rule(id="own", when=Match(categories=("fresh", "grocery")), points=3, group="food"),
    )
)
_stores: dict[int, Till] = {}


def _sqlite(new_database: DatabaseMaker) -> Till:
    """One database for all examples of a property; each has a member of its own."""
    key = id(new_database)
    if key not in _stores:
        _stores.clear()
        clock = StillClock()
        programme = Programme(earning=RULES)
        _stores[key] = Till(SqlStore(new_database("sqlite"), clock, programme), clock)
    return _stores[key]


@settings(max_examples=40, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    lines=st.lists(
        st.tuples(
            st.sampled_from(["fresh", "grocery", "drinks", "gift_card"]), st.integers(0, 40_000)
        ),
        min_size=1,
        max_size=5,
    ),
    earlier=st.integers(0, 3),
    points=st.integers(0, 400),
)
def test_a_quote_and_the_purchase_that_follows_never_differ(
    new_database: DatabaseMaker, lines: list[tuple[str, int]], earlier: int, points: int
) -> None:
    """Rule 9: one function computes both, caps and points paid included; quoting writes nothing."""
    till = _sqlite(new_database)
    name = f"m{next(till.numbers)}"
    till.joins(name)
    till.has((points * 100 + 1, None), member=name)
    for n in range(earlier):
        till.buys(name, f"{name}/{n}", ("drinks", 1_000))
    most = till.quoted(*lines, member=name)["burn"]["most_points"]
    burn = {"burn_points": most} if most else {}

    quoted = till.quoted(*lines, member=name, **burn)
    assert till.quoted(*lines, member=name, **burn) == quoted
    if most:
        cart = tuple(Line(sku="s", category=c, net_minor=net) for c, net in lines)
        held = till.holds(most, id=name, member_id=name, lines=cart)
        assert held["worth_minor"] == quoted["burn_minor"]
        till.confirms(name, name)
    posted = till.buys(name, name, *lines, paid_with_points_minor=quoted["burn_minor"])

    assert posted["breakdown"] == quoted["breakdown"]
    assert posted["points"] == quoted["points"]


def test_the_part_paid_with_points_earns_nothing(till: Till) -> None:
    """Rule 11: 200 yuan of which points pay half earn as 100 yuan would."""
    till.has((10_000, None))

    whole = till.quoted(("grocery", 20_000))
    half = till.quoted(("grocery", 20_000), burn_points=10_000)

    assert (whole["points"], half["points"]) == (20, 10)
    assert (half["burn_minor"], half["to_pay_minor"]) == (10_000, 10_000)
    assert till.pays_with(10_000, ("grocery", 20_000))["points"] == 10


def test_points_paid_entirely_with_points_earn_nothing(till: Till) -> None:
    """Rule 11: else points would breed points."""
    till.has((20_000, None))

    assert till.pays_with(20_000, ("grocery", 20_000))["points"] == 0


def test_a_quote_says_why_not_more(till: Till) -> None:
    """1,550 points: 1,500 in whole steps; a small bill takes none, and says so."""
    till.has((1_550, None))

    may = till.quoted(("grocery", 20_000))["burn"]
    assert (may["least_points"], may["step_points"], may["most_points"]) == (100, 100, 1_500)
    assert (may["most_minor"], may["reasons"]) == (1_500, ["balance", "whole_steps"])
    assert till.quoted(("grocery", 100))["burn"]["reasons"] == ["bill_too_small"]
    with pytest.raises(NotEnoughPoints):
        till.quoted(("grocery", 20_000), burn_points=1_600)


def test_a_share_of_the_bill_is_the_programmes_choice(
    database: Database, clock: StillClock
) -> None:
    """Half the bill at most, held for two minutes."""
    burning = Burning(maximum_share_bp=5_000, hold_minutes=2)
    till = with_rules(database, clock, Programme(burning=burning))
    till.has((30_000, None))

    assert till.quoted(("grocery", 20_000))["burn"]["most_points"] == 10_000
    with pytest.raises(TooManyPoints):
        till.holds(10_100)
    assert till.holds(10_000)["expires_at"] == (NOON + 2 * MINUTE).isoformat()


def test_a_member_in_debt_is_told_so(till: Till) -> None:
    """Rule 1: what was spent before the refund is owed first."""
    till.buys("lee", "r0", ("grocery", 1_000_000))
    till.has((200, None))
    till.pays_with(1_000, ("grocery", 20_000))
    till.returns("r0")

    may = till.quoted(("grocery", 20_000))["burn"]

    assert (may["most_points"], may["reasons"]) == (0, ["balance", "debt"])
