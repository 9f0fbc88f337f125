"""What goes along when two cards turn out to be one person's: tiers, and what was given."""

import pytest
from sqlalchemy import select

from loyalty.gifting import Gift, give
from loyalty.member_moves import GiftRefused
from loyalty.tiers.settings import Rung
from storage import tables
from storage.database import Database
from tests.storage.merger_desk import BONUS, DAY, MergerDesk, desk_of, two_cards
from tests.storage.rows import NOON
from tests.storage.tier_desk import LADDER


@pytest.fixture
def desk(database: Database) -> MergerDesk:
    return two_cards(database)


@pytest.mark.parametrize(("gone", "stays"), [("old", "wu"), ("wu", "old")])
def test_the_card_in_the_purse_is_the_survivors(desk: MergerDesk, gone: str, stays: str) -> None:
    """It is one member's at any time, also while it changes hands."""
    desk.joins("wu")
    desk.changes(gone, card_no="C-0001")

    desk.merges(gone, stays)

    assert desk.member(stays).card_no == "C-0001"
    assert desk.store.read(lambda tx: tx.members.found_by("card_no", "C-0001")) == [stays]


# --- tiers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["spend_minor", "points_earned"])
def test_what_both_cards_bought_counts_for_the_tier(database: Database, metric: str) -> None:
    """600 yuan on one card and 500 on the other are silver, with one gift; a refund counts too."""
    points = (LADDER[0], Rung(tier="silver", threshold=100, gift_points=10))
    desk = desk_of(database, LADDER if metric == "spend_minor" else points, metric=metric)
    for name, minor in (("old", 60_000), ("lee", 50_000)):
        desk.joins(name, registered_at=NOON - 60 * DAY)
        desk.buys(name, f"r-{name}", ("grocery", minor))
    assert desk.member("lee").tier == "ordinary"

    assert desk.merges()["tier"] == "silver"

    assert desk.member("lee").tier == "silver"
    assert desk.balance("lee").posted == 60 + 50 + 10
    whole = desk.standing().metric
    desk.returns("r-old")
    assert desk.standing().metric == whole * 50 // 110
    desk.proved()


def test_an_earned_tier_that_goes_along_is_lost_with_what_earned_it(desk: MergerDesk) -> None:
    """Old's silver is lee's, without a second gift; when all comes back, it is ordinary again."""
    desk.buys("old", "r1", ("grocery", 100_000))

    assert desk.merges()["tier"] == "silver"

    assert desk.balance("lee").posted == 100 + 10
    desk.returns("r1")
    desk.nights(1)
    assert desk.member("lee").tier == "ordinary"


def test_a_tier_that_was_given_by_hand_goes_along_as_that(desk: MergerDesk) -> None:
    """No purchase earned it, so no return takes it."""
    desk.buys("old", "r1", ("grocery", 1_000))
    desk.gives("old", tier="gold")

    desk.merges()

    desk.returns("r1")
    desk.nights(1)
    assert desk.member("lee").tier == "gold"


def test_a_person_gets_the_gift_of_a_tier_once_a_period(desk: MergerDesk) -> None:
    """Had under an old card, also of a merger before: the survivor who rises again had it."""
    desk.buys("old", "r1", ("grocery", 100_000))
    desk.returns("r1")
    desk.nights(1)
    assert (desk.member("old").tier, desk.balance("old").posted) == ("ordinary", 10)
    desk.joins("wu")
    desk.merges("old", "wu")
    desk.merges("wu", "lee")

    desk.buys("lee", "r2", ("grocery", 500_000))

    assert desk.member("lee").tier == "gold"
    assert desk.balance("lee").posted == 10 + 500 + 50


def test_a_tier_goes_along_with_the_time_it_is_valid_for(desk: MergerDesk) -> None:
    """Gold until autumn stays gold until autumn: no longer by a new period, and no shorter."""
    until = NOON + 100 * DAY
    desk.gives("old", tier="gold", until=until)
    desk.gives("lee", tier="silver", until=NOON + 300 * DAY)

    assert desk.merges()["tier"] == "gold"
    assert (desk.standing().ladder_tier, desk.standing().valid_until) == ("gold", until)


def test_of_two_equal_tiers_the_longer_one_counts(desk: MergerDesk) -> None:
    """The person paid for the longer one too."""
    desk.gives("old", tier="gold", until=NOON + 200 * DAY)
    desk.gives("lee", tier="gold", until=NOON + 100 * DAY)

    desk.merges()

    assert desk.standing().valid_until == NOON + 200 * DAY


def test_a_level_that_was_paid_for_goes_along(database: Database) -> None:
    """The year card was bought once, and counts on the card that is left."""
    desk = desk_of(database, paid_levels={"plus": "gold"})
    for name in ("lee", "old"):
        desk.joins(name)
    until = NOON + 200 * DAY
    desk.gives("old", kind="paid", tier="plus", until=until)
    desk.gives("lee", tier="silver")

    assert desk.merges()["tier"] == "plus"

    stands = desk.standing()
    assert (stands.ladder_tier, stands.paid_level, stands.paid_until) == ("silver", "plus", until)


# --- what members were given --------------------------------------------------------------------


def test_cards_and_coupons_go_along(desk: MergerDesk) -> None:
    """The double card of the old membership doubles what the survivor buys."""
    desk.opens()
    desk.joins("new")
    desk.take_turns("new")
    desk.store.run(lambda tx: tx.cards.coupon("c1", "new", BONUS, "tea", NOON + DAY))

    desk.merges("new", "lee")

    assert desk.buys("lee", "r1", ("grocery", 10_000))["points"] == 20
    coupons = tables.coupons.c
    assert [row.member_id for row in desk._rows(select(coupons.member_id))] == ["lee"]


@pytest.mark.parametrize(
    ("said", "stands", "then"),
    [(False, None, False), (True, None, True), (False, True, False), (True, False, False)],
)
def test_a_no_goes_along_and_stays_a_no(
    desk: MergerDesk, said: bool, stands: bool | None, then: bool
) -> None:
    """Whoever refused service mail on one card is not written to because of the other."""
    desk.says("old", said)
    if stands is not None:
        desk.says("lee", stands)

    desk.merges()

    assert desk.said() == [("lee", "email", "service", then)]


def test_two_cards_give_no_more_a_month_than_one(desk: MergerDesk) -> None:
    """What was given away with the old card counts for the limit of the person (rule 25)."""
    desk.joins("kim")
    for name in ("lee", "old"):
        desk.has(name, 200)
    desk.store.run(lambda tx: give(tx, "old", Gift(id="g1", to="kim", points=60)))
    desk.merges()

    with pytest.raises(GiftRefused):
        desk.store.run(lambda tx: give(tx, "lee", Gift(id="g2", to="kim", points=41)))
