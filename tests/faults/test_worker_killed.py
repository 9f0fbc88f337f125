"""The worker dies in the middle of a step, with many journeys in flight."""

from sqlalchemy import select

from bootstrap.temporal import DevServer
from storage.tables import enrolments
from tests.faults.conftest import Opener
from tests.faults.people import REFERRAL, WELCOME, buy, join
from tests.faults.shop import Shop

INVITER = "ann"
INVITED = [f"m{n:02}" for n in range(20)]
ALONE = [f"a{n:02}" for n in range(20)]


async def test_a_worker_killed_inside_its_transaction_leaves_nothing_half_done(
    open_shop: Opener, dev_server: DevServer
) -> None:
    """Everything of the step was written and not committed; another worker takes it whole."""
    shop = open_shop("sqlite", dev_server)
    await _forty_join(shop)
    halted = shop.start_halting("worker", "before-commit", spare=12)
    shop.start("relay")
    await shop.until(halted.exists)

    shop.kill(halted.stem)
    assert _in_flight(shop)
    shop.start("worker")
    await _they_buy_and_all_is_sound(shop)


async def test_two_workers_killed_at_once_neither_repeat_nor_forget_a_step(
    open_shop: Opener, dev_server: DevServer
) -> None:
    """One dies with open transactions, one with committed ones that Temporal never heard of."""
    shop = open_shop("postgres", dev_server)
    await _forty_join(shop)
    shop.start("relay")
    after = shop.start_halting("worker", "after-commit", spare=4)
    await shop.until(after.exists)
    before = shop.start_halting("worker", "before-commit", spare=4)
    await shop.until(before.exists)

    shop.kill(before.stem)
    shop.kill(after.stem)
    assert _in_flight(shop)
    shop.start("worker")
    await _they_buy_and_all_is_sound(shop)


async def _forty_join(shop: Shop) -> None:
    await shop.launch("new_member_bonus", budget_points=100_000)
    await join(shop, [INVITER, *ALONE])
    await join(shop, INVITED, invited_by=INVITER)


def _in_flight(shop: Shop) -> bool:
    """Some have had their first step and some have not: the worker died in the middle."""
    with shop.database.read() as connection:
        states = set(connection.execute(select(enrolments.c.state)).scalars())
    return states == {"admitted", "waiting"}


async def _they_buy_and_all_is_sound(shop: Shop) -> None:
    await shop.at_rest()
    for member in (INVITER, *ALONE, *INVITED):
        shop.points[member] += WELCOME
    assert shop.sound().outcomes == {None: 41}

    await buy(shop, [*INVITED, *ALONE[:10]])
    await shop.at_rest()
    for member in INVITED:
        shop.points[member] += REFERRAL
        shop.points[INVITER] += REFERRAL
    found = shop.sound()
    assert found.outcomes == {"ordered": 30, None: 11}
    # Welcome for all, thanks for thirty, and one to the inviter for each of twenty.
    assert found.messages == 41 + 30 + 20
