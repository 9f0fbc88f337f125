"""Two transactions that cross: a journey's turn, and its campaign paused, resumed or stopped."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from loyalty import campaigns
from loyalty.journeys.turn import take_turn
from loyalty.operate import command
from loyalty.ports import Transaction
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock

A_MOMENT = 0.4
CAMPAIGN = "new-member-bonus"


@pytest.fixture
def desk(store: SqlStore, clock: StillClock) -> FrontDesk:
    """Lee has joined; the welcome is given and the first order awaited."""
    desk = FrontDesk(store, clock)
    desk.launch("new_member_bonus")
    list(desk.campaign_turns(CAMPAIGN))
    desk.joins("lee")
    return desk


@contextmanager
def turn_under_way(desk: FrontDesk) -> Iterator[Future[Any]]:
    """Lee's turn has seen and done everything and is committed only a moment later."""
    run = desk.enrolment("lee")
    done, go_on = threading.Event(), threading.Event()

    def work(tx: Transaction) -> Any:
        outcome = take_turn(tx, run.id, run.turn)
        done.set()
        go_on.wait(A_MOMENT)
        return outcome

    with ThreadPoolExecutor(1) as pool:
        turn = pool.submit(desk.store.run, work)
        assert done.wait(5)
        yield turn
        go_on.set()
        turn.result(5)


def told(desk: FrontDesk, kind: str = "nudge_journey") -> int:
    return len(desk.outbox(kind))


def walk(desk: FrontDesk) -> None:
    list(desk.campaign_turns(CAMPAIGN))


def test_whoever_is_being_held_while_the_campaign_resumes_is_not_left_behind(
    desk: FrontDesk,
) -> None:
    """The turn saw a pause that was over before it was done: it goes on, or is woken."""
    desk.pause(CAMPAIGN)
    walk(desk)
    with turn_under_way(desk):
        desk.resume(CAMPAIGN)
        walk(desk)

    assert desk.enrolment("lee").state != "held" or told(desk) > 0


def test_a_turn_that_began_before_the_stop_is_followed_by_one_that_ends(desk: FrontDesk) -> None:
    """Also when an earlier nudge is still on its way, which that turn will have answered."""
    desk.take_turns("lee")
    run = desk.enrolment("lee").id
    desk.store.run(lambda tx: command(tx, run, "retry", "asked by phone", "olga"))
    assert told(desk) == 1
    with turn_under_way(desk):
        _stop(desk)
        walk(desk)

    assert desk.enrolment("lee").state == "ended" or told(desk) == 2


def test_the_walk_of_a_stop_writes_over_nothing_that_a_turn_has_done(desk: FrontDesk) -> None:
    """A reminder that was sent while the campaign was stopped is known to have been sent."""
    desk.take_turns("lee")
    desk.clock.instant += timedelta(days=5)
    before = desk.enrolment("lee")
    with turn_under_way(desk):
        _stop(desk)
        walk(desk)

    after = desk.enrolment("lee")
    assert after.turn == before.turn + 1
    assert after.position.reminded == ("remind_card_last_days",)
    assert told(desk) == 1


def _stop(desk: FrontDesk) -> None:
    desk.store.run(lambda tx: campaigns.stop(tx, CAMPAIGN, "wrong text", "mia"))
