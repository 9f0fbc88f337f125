"""A marketer's condition that has no answer for somebody keeps nobody's receipt from the books."""

import pytest

from loyalty.journeys.load import load_texts
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock

BIG_BASKETS = "member.spend_minor / member.purchases >= 10000"
REVIEWS = """
name: reviews
title: {en: Reviews, zh: 评价}
summary: {en: Points for five stars., zh: 五星评价得积分。}
enter: {on: check_in, where: 'event.attributes.table == "4"'}
reentry: {once: per_member}
journey:
  - branch: 'member.spend_minor / member.purchases >= 10000'
    then:
      - tag: big_baskets
  - await: {on: review, where: 'event.attributes.rating == "5"', within: P7D}
    met:
      - grant: 100
"""


@pytest.fixture
def desk(store: SqlStore, clock: StillClock) -> FrontDesk:
    return FrontDesk(store, clock)


def test_a_member_without_purchases_joins_beside_a_campaign_for_big_baskets(
    desk: FrontDesk,
) -> None:
    """The average basket of somebody who never bought is no number: not in the audience."""
    written = desk.launch_written(
        enter="{on: member.registered}",
        reentry="{once: per_member}",
        name="big_baskets",
        audience=BIG_BASKETS,
    )

    assert desk.joins("lee")["replayed"] is False
    assert desk.verdicts("lee", written) == ["not_admitted:not_in_audience"]


def test_an_event_without_the_attribute_that_is_asked_for_is_recorded(desk: FrontDesk) -> None:
    """A check-in that names no table opens nothing, and a review without stars does not count."""
    desk.launch_texts(load_texts("reviews", {"campaign.yaml": REVIEWS}))
    desk.joins("lee")

    desk.does("lee", "check_in")
    assert desk.verdicts("lee", "reviews") == ["not_admitted:entry_condition"]

    desk.does("lee", "check_in", attributes={"table": "4"})
    desk.take_turns("lee")
    desk.does("lee", "review", attributes={"text": "nice"})
    desk.take_turns("lee")
    assert desk.balance("lee").posted == 0

    desk.does("lee", "review", attributes={"rating": "5"})
    desk.take_turns("lee")
    assert desk.balance("lee").posted == 100
    assert desk.member("lee").tags == ()
