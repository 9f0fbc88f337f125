"""Points lapse on a real database: told before, page by page, killed, repeated, by two at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bootstrap.expiry_care import Expiries
from bootstrap.overdue_holds import OverdueHolds
from bootstrap.upkeep import Care
from bootstrap.walk import Faults
from loyalty.admission import facts_of
from loyalty.audiences.history import history_facts
from storage import tables
from storage.database import Database
from storage.proof import prove
from tests.storage.expiry_desk import SHANGHAI, Told, desk_of

END = datetime(2026, 4, 1, tzinfo=SHANGHAI)
WEEK = timedelta(days=7)


DeskMaker = Callable[..., Told]


@pytest.fixture
def open_desk(database: Database) -> DeskMaker:
    return lambda **expiry: desk_of(database, **expiry)


def test_points_lapse_only_after_their_notice(open_desk: DeskMaker) -> None:
    """A week ahead the member is told, once; at the date the points go, and not before (rule 8)."""
    desk = open_desk(notice_days=7)
    desk.has("lee", 50, END)
    desk.has("lee", 20, END + WEEK * 10)

    assert desk.round() == (0, 0, 0)
    desk.to(END - WEEK)
    assert desk.round() == (0, 1, 0)
    assert desk.round() == (0, 0, 0)
    assert desk.told() == [{"points": "50", "until": "2026-03-31T16:00:00+00:00"}]
    desk.to(END - timedelta(microseconds=1))
    assert desk.round() == (0, 0, 0)
    assert desk.balance("lee").available == 70
    desk.to(END)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 20
    desk.proved()


def test_points_that_nobody_announced_live_on(open_desk: DeskMaker) -> None:
    """The job was down over the date: the member is told first, and can spend for another week."""
    desk = open_desk(notice_days=7)
    desk.has("lee", 50, END)
    desk.to(END + timedelta(days=3))
    assert desk.balance("lee").available == 0

    assert desk.round() == (0, 1, 1)
    assert desk.balance("lee").available == 50
    [(until, points)] = desk.balance("lee").next_expiry
    assert (until, points) == (datetime(2026, 4, 12, tzinfo=SHANGHAI), 50)
    assert [notice.expires_at for notice in desk.notices()] == [until]
    desk.to(until - timedelta(seconds=1))
    assert desk.round() == (0, 0, 0)
    desk.to(until)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0
    desk.proved()


def test_a_notice_names_all_that_lapses_with_it(open_desk: DeskMaker) -> None:
    """Points of three dates live on to one midnight: the member is told of them all, once."""
    desk = open_desk(notice_days=7)
    for points, days in ((10, 0), (250, 1), (40, 2)):
        desk.has("lee", points, END + timedelta(days=days))
    desk.to(END + timedelta(days=3))

    assert desk.round() == (0, 1, 1)
    assert desk.told() == [{"points": "300", "until": "2026-04-11T16:00:00+00:00"}]
    assert desk.round() == (0, 0, 0)
    desk.to(datetime(2026, 4, 12, tzinfo=SHANGHAI))
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0
    desk.proved()


def test_points_that_end_that_midnight_anyway_are_told_with_the_rest(open_desk: DeskMaker) -> None:
    """Some by their own date and some by inactivity: one notice, and its figure is what goes."""
    desk = open_desk(policy="inactivity", months=1, notice_days=7)
    desk.buys("lee", "r1", ("grocery", 50_000))  # ends with the tenth of April
    midnight = datetime(2026, 4, 11, tzinfo=SHANGHAI)
    desk.has("lee", 10, END)
    desk.has("lee", 7, midnight)
    desk.to(midnight - WEEK - timedelta(hours=12))

    assert desk.round() == (0, 1, 1)
    assert desk.shown("lee") == [(midnight, 67)]
    assert [each["points"] for each in desk.told()] == ["67"]
    desk.to(midnight - WEEK)
    assert desk.round() == (0, 0, 0)
    desk.to(midnight)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0
    desk.proved()


def test_dated_and_undated_points_of_one_midnight_are_one_notice(open_desk: DeskMaker) -> None:
    """Nobody was late: the figure is still all that goes."""
    desk = open_desk(policy="inactivity", months=1, notice_days=7)
    desk.buys("lee", "r1", ("grocery", 50_000))
    midnight = datetime(2026, 4, 11, tzinfo=SHANGHAI)
    desk.has("lee", 7, midnight)
    desk.to(midnight - WEEK)

    assert desk.round() == (0, 1, 0)
    assert [each["points"] for each in desk.told()] == ["57"]


def test_what_comes_too_late_is_announced_with_what_lives_on_already(
    open_desk: DeskMaker,
) -> None:
    """Told of 10 in the morning; 300 more of the same day do not go with them unannounced."""
    desk = open_desk(notice_days=7)
    desk.has("lee", 10, END)
    desk.to(END + timedelta(hours=9))
    assert desk.round() == (0, 1, 1)
    desk.has("lee", 300, END + timedelta(hours=20))
    desk.to(END + timedelta(hours=10))

    assert desk.round() == (0, 1, 1)
    until = END + WEEK + timedelta(days=1)
    assert desk.shown("lee") == [(until, 310)]
    assert [each["points"] for each in desk.told()] == ["10", "310"]
    desk.to(until)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0
    desk.proved()


def test_a_member_is_told_in_time_by_a_job_that_comes_round_now_and_then(
    open_desk: DeskMaker,
) -> None:
    """The day before it would be too late: nothing has to live on because the job was not there
    at the very instant. What comes that day is announced as well, and in time.
    """
    desk = open_desk(notice_days=7)
    desk.has("lee", 10, END)
    desk.to(END - WEEK - timedelta(hours=23))
    assert desk.round() == (0, 1, 0)
    desk.has("lee", 300, END)
    desk.to(END - WEEK - timedelta(minutes=5))
    assert desk.round() == (0, 1, 0)
    assert desk.round() == (0, 0, 0)

    assert [each["points"] for each in desk.told()] == ["10", "310"]
    desk.to(END)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0
    desk.proved()


def test_who_was_told_of_ten_points_does_not_lose_three_hundred(open_desk: DeskMaker) -> None:
    """Given in the week of the notice for the same night: they have a notice and a week of
    their own, however often the job comes round.
    """
    desk = open_desk(notice_days=7)
    desk.has("lee", 10, END)
    desk.to(END - WEEK)
    assert desk.round() == (0, 1, 0)
    desk.to(END - timedelta(days=2, hours=-9))
    desk.has("lee", 300, END)
    until = END + timedelta(days=6)

    assert desk.round() == (0, 1, 1)
    assert desk.round() == (0, 0, 0)
    assert desk.shown("lee") == [(END, 10), (until, 300)]
    assert [each["points"] for each in desk.told()] == ["10", "300"]
    desk.to(END)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").available == 300
    desk.to(until)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0
    desk.proved()


def test_undated_points_that_came_after_the_notice_live_on(open_desk: DeskMaker) -> None:
    """By inactivity: 50 were announced for that night, 300 came too late for it."""
    desk = open_desk(policy="inactivity", months=1, notice_days=7)
    desk.buys("lee", "r1", ("grocery", 50_000))
    ends = datetime(2026, 4, 11, tzinfo=SHANGHAI)
    desk.to(ends - WEEK)
    assert desk.round() == (0, 1, 0)
    desk.to(ends - timedelta(days=1, hours=-9))
    desk.has("lee", 300, None)
    until = ends + WEEK

    assert desk.round() == (0, 1, 1)
    assert desk.round() == (0, 0, 0)
    assert desk.shown("lee") == [(ends, 50), (until, 300)]
    assert [each["points"] for each in desk.told()] == ["50", "300"]
    desk.to(ends)
    assert desk.round() == (1, 0, 0)
    assert desk.round() == (0, 0, 0)
    assert desk.shown("lee") == [(until, 300)]
    desk.to(until)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0
    desk.proved()


def test_who_stayed_away_is_not_given_points_that_lapse_at_once(open_desk: DeskMaker) -> None:
    """Long after all was spent a gift arrives: an old notice takes none of it, and whoever buys
    before its own keeps it.
    """
    desk = open_desk(policy="inactivity", months=1, notice_days=7)
    desk.buys("lee", "r1", ("grocery", 50_000))
    ends = datetime(2026, 4, 11, tzinfo=SHANGHAI)
    desk.to(ends - WEEK)
    assert desk.round() == (0, 1, 0)
    desk.spends("lee", 50)
    desk.to(ends + WEEK)
    desk.has("lee", 40, None)

    assert desk.round() == (0, 1, 1)
    until = ends + WEEK * 2 + timedelta(days=1)
    assert desk.shown("lee") == [(until, 40)]
    desk.buys("lee", "r2", ("grocery", 20_000))
    desk.to(until)
    assert desk.round() == (0, 0, 0)
    assert desk.shown("lee") == [(datetime(2026, 5, 19, tzinfo=SHANGHAI), 70)]


def test_points_handed_over_are_announced_to_whoever_has_them_now(open_desk: DeskMaker) -> None:
    """Lee was told of 50 and gives 20 to Kim, who was not: Kim's live on, Lee's 30 lapse."""
    desk = open_desk(notice_days=7)
    desk.joins("kim")
    desk.has("lee", 50, END)
    desk.to(END - WEEK)
    assert desk.round() == (0, 1, 0)
    desk.hands("lee", "kim", 20)

    assert desk.round() == (0, 1, 0)  # that very instant is in time yet
    desk.to(END - timedelta(days=3))
    desk.hands("lee", "kim", 5)
    assert desk.round() == (0, 1, 1)
    assert desk.shown("kim") == [(END, 20), (END + timedelta(days=5), 5)]
    desk.to(END)
    assert desk.round() == (2, 0, 0)
    assert (desk.balance("lee").posted, desk.balance("kim").posted) == (0, 5)
    desk.proved()


def test_two_cards_of_one_person_were_told_one_person(open_desk: DeskMaker) -> None:
    """What was announced on either card lapses once, unannounced again; what came since does not.

    Dated and undated points alike; the last purchase on either card moves the undated ones.
    """
    desk = open_desk(policy="inactivity", months=1, notice_days=7)
    desk.joins("old")
    ends = datetime(2026, 4, 11, tzinfo=SHANGHAI)
    for card, points in (("lee", 10), ("old", 20)):
        desk.has(card, points, ends)
        desk.has(card, points * 10, None)
    desk.to(ends - WEEK)
    assert desk.round() == (0, 2, 0)
    assert [each["points"] for each in desk.told()] == ["110", "220"]

    desk.merges("old", "lee")
    desk.to(ends - timedelta(days=3))
    assert desk.round() == (0, 0, 0)
    desk.has("lee", 7, ends)
    assert desk.round() == (0, 1, 1)
    desk.to(ends)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 7
    desk.to(ends + timedelta(days=5))
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0
    desk.proved()


def test_points_of_a_card_that_nobody_was_told_on_live_on_after_a_merger(
    open_desk: DeskMaker,
) -> None:
    """The survivor was told of its own 10; the other card's 300 were earned a moment ago."""
    desk = open_desk(notice_days=7)
    desk.joins("old")
    desk.has("lee", 10, END)
    desk.to(END - WEEK)
    assert desk.round() == (0, 1, 0)
    desk.to(END - timedelta(days=1))
    desk.has("old", 300, END)
    desk.merges("old", "lee")

    desk.to(END)
    assert desk.round() == (1, 1, 1)
    assert desk.balance("lee").available == 300
    assert [each["points"] for each in desk.told()] == ["10", "300"]
    desk.proved()


def test_cancelling_an_order_does_not_make_announced_points_live_longer(
    open_desk: DeskMaker,
) -> None:
    """All 100 were announced; 60 are on hold that night and lapse when they come back (rule 7)."""
    desk = open_desk(notice_days=7)
    desk.has("lee", 100, END)
    desk.to(END - WEEK)
    assert desk.round() == (0, 1, 0)
    later = END + WEEK * 9
    desk.store.run(lambda tx: tx.ledger.hold("order", "lee", 60, expires_at=later))
    desk.to(END)
    assert desk.round() == (1, 0, 0)
    desk.store.run(lambda tx: tx.ledger.release("order", "cancelled"))
    desk.to(END + timedelta(hours=1))

    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0
    desk.proved()


def test_points_of_an_order_that_ran_out_are_announced_before_they_lapse(
    open_desk: DeskMaker,
) -> None:
    """On hold when the rest was announced, and free again an hour after that lapsed."""
    desk = open_desk(notice_days=7)
    desk.has("lee", 100, END)
    deadline = END + timedelta(hours=1)
    desk.store.run(lambda tx: tx.ledger.hold("order", "lee", 60, expires_at=deadline))
    desk.to(END - WEEK)
    assert desk.round() == (0, 1, 0)
    desk.to(END + timedelta(hours=2))

    assert desk.round() == (1, 1, 1)
    assert desk.shown("lee") == [(END + timedelta(days=8), 60)]
    assert [each["points"] for each in desk.told()] == ["40", "60"]
    desk.proved()


def _sets_aside(desk: Told, member_id: str, points: int, minutes: int = 10) -> str:
    """A hold at a till."""
    key = f"hold/{next(desk.numbers)}"
    until = desk.clock.now() + timedelta(minutes=minutes)
    desk.store.run(lambda tx: tx.ledger.hold(key, member_id, points, expires_at=until))
    return key


def _frees(desk: Told) -> list[Any]:
    """Postings that gave a hold back because its time was over."""
    t = tables.transactions.c
    return desk._rows(select(t.member_id, t.points).where(t.key.like("overdue:%")).order_by(t.id))


def test_points_of_a_till_that_broke_down_are_announced_and_lapse_like_others(
    open_desk: DeskMaker,
) -> None:
    """Nobody says another word of the hold: within a round the books have its points free, the
    member is told of them in time, and at their date they go.
    """
    desk = open_desk(notice_days=7)
    desk.has("lee", 50, END)
    _sets_aside(desk, "lee", 50)
    care = Care(desk.store, desk.clock)
    assert care().overdue_holds == 0
    desk.to(desk.clock.now() + timedelta(minutes=11))

    assert care().overdue_holds == 1
    assert care().overdue_holds == 0
    with desk.store.database.read() as found:
        assert (prove(found).held, prove(found).outstanding) == (0, 50)
    desk.to(END - WEEK)
    assert care().noticed_members == 1
    assert [each["points"] for each in desk.told()] == ["50"]
    desk.to(END)
    assert care().lapsed_members == 1
    assert desk.balance("lee").posted == 0
    desk.proved()


def test_overdue_holds_are_freed_page_by_page_once_whoever_is_killed(
    open_desk: DeskMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rounds at once, and one that ended in the middle, free each hold once and nothing else:
    a hold whose time is not over stays.
    """
    desk = open_desk()
    _crowd(desk, 7)
    for n in range(7):
        _sets_aside(desk, f"m{n:03}", 4)
        _sets_aside(desk, f"m{n:03}", 3)
    desk.has("lee", 5, END)
    _sets_aside(desk, "lee", 5, minutes=600)
    desk.to(desk.clock.now() + timedelta(minutes=10))
    job = OverdueHolds(desk.store, Faults(), 3)
    pages: list[str] = []
    read = job._due

    def dies(before: datetime, after: str) -> Sequence[str]:
        if pages:
            raise Killed
        pages.append(after)
        return read(before, after)

    monkeypatch.setattr(job, "_due", dies)
    with pytest.raises(Killed):
        job(desk.clock.now())
    assert len(_frees(desk)) == 6

    with ThreadPoolExecutor(2) as both:
        jobs = [OverdueHolds(desk.store, Faults(), 2) for _ in range(2)]
        found = sum(both.map(lambda job: job(desk.clock.now()), jobs))

    assert found == 8
    assert sorted(_frees(desk)) == sorted((f"m{n:03}", part) for n in range(7) for part in (3, 4))
    assert desk.balance("m000").held == 0
    assert desk.balance("lee").held == 5
    desk.proved()


def test_points_given_to_whoever_was_inactive_live_their_minimum_life(
    open_desk: DeskMaker,
) -> None:
    """Half a year after the last purchase: a correction, a present and a late receipt are shown
    with their end, and nothing of them goes before it (rule 13).
    """
    desk = open_desk(policy="inactivity", months=1, minimum_life_days=30)
    for name in ("kim", "ann"):
        desk.joins(name)
    desk.buys("kim", "r1", ("grocery", 50_000))
    desk.to(datetime(2026, 9, 1, 10, tzinfo=SHANGHAI))
    assert desk.round() == (1, 0, 0)
    desk.store.run(lambda tx: tx.ledger.adjust("a1", "kim", 500, meta={"reason": "complaint"}))
    desk.has("ann", 60, None)
    desk.hands("ann", "kim", 60)
    february = datetime(2026, 2, 20, 12, tzinfo=SHANGHAI)
    desk.buys("lee", "r2", ("grocery", 150_000), occurred_at=february)
    ends = datetime(2026, 10, 2, tzinfo=SHANGHAI)

    assert (desk.shown("kim"), desk.shown("lee")) == ([(ends, 560)], [(ends, 150)])
    desk.to(ends - timedelta(microseconds=1))
    assert desk.round() == (0, 0, 0)
    desk.to(ends)
    assert desk.round() == (2, 0, 0)
    assert [desk.balance(id).posted for id in ("kim", "lee")] == [0, 0]
    desk.proved()


def test_a_minimum_life_is_announced_for_its_end(open_desk: DeskMaker) -> None:
    """The notice names the midnight that the balance shows, and it takes what it named (rule 8)."""
    desk = open_desk(policy="inactivity", months=1, minimum_life_days=30, notice_days=7)
    desk.to(datetime(2026, 9, 1, 10, tzinfo=SHANGHAI))
    desk.has("lee", 40, None)
    ends = datetime(2026, 10, 2, tzinfo=SHANGHAI)

    assert desk.round() == (0, 0, 0)
    assert desk.shown("lee") == [(ends, 40)]
    desk.to(ends - WEEK)
    assert desk.round() == (0, 1, 0)
    assert desk.told() == [{"points": "40", "until": "2026-10-01T16:00:00+00:00"}]
    desk.to(ends)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0


def test_a_merger_gives_no_minimum_life_and_takes_none(open_desk: DeskMaker) -> None:
    """What the other card was given keeps its time from that day, and gets no day for the merger;
    nor do points that an order gives back.
    """
    desk = open_desk(policy="inactivity", months=1, minimum_life_days=30)
    desk.joins("old")
    desk.to(datetime(2026, 9, 1, 10, tzinfo=SHANGHAI))
    desk.has("old", 40, None)
    desk.spends("old", 10)
    spent = desk._rows(
        select(tables.transactions.c.key).where(tables.transactions.c.kind == "burn")
    )
    desk.to(datetime(2026, 9, 11, 10, tzinfo=SHANGHAI))
    desk.store.run(lambda tx: tx.ledger.reverse("undone", spent[0].key))
    desk.merges("old", "lee")
    ends = datetime(2026, 10, 2, tzinfo=SHANGHAI)

    assert desk.shown("lee") == [(ends, 40)]
    desk.to(ends)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0


def test_a_purchase_that_came_back_was_made(open_desk: DeskMaker) -> None:
    """One defective thing is brought back: what else the member has ends when it would have."""
    desk = open_desk(policy="inactivity", months=12)
    desk.buys("lee", "r1", ("grocery", 50_000))
    desk.to(datetime(2027, 2, 20, 10, tzinfo=SHANGHAI))
    desk.buys("lee", "r2", ("grocery", 10_000))
    ends = datetime(2028, 2, 21, tzinfo=SHANGHAI)
    assert desk.shown("lee") == [(ends, 65)]  # a Saturday
    desk.to(datetime(2027, 3, 12, 10, tzinfo=SHANGHAI))
    desk.returns("r2", fault="merchant")

    assert desk.shown("lee") == [(ends, 50)]
    assert desk.round() == (0, 0, 0)
    desk.to(ends)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0


def test_a_campaign_can_begin_with_the_notice(open_desk: DeskMaker) -> None:
    """The notice is an event like any other, so that a marketer decides what members are told."""
    desk = open_desk(notice_days=7)
    desk.launch_written(enter="{on: points.expiring}", reentry="{again_after: P1D}")
    desk.has("lee", 50, END)
    desk.to(END - WEEK)

    desk.round()

    assert len(desk.enrolments("lee")) == 1


def test_each_purchase_keeps_the_points_alive(open_desk: DeskMaker) -> None:
    """By inactivity all points lapse a month after the last purchase, and a purchase moves that."""
    desk = open_desk(policy="inactivity", notice_days=7)
    desk.buys("lee", "r1", ("grocery", 50_000))
    due = datetime(2026, 4, 11, tzinfo=SHANGHAI)
    assert desk.shown("lee") == [(due, 50)]
    desk.to(due - WEEK)
    assert desk.round() == (0, 1, 0)

    desk.buys("lee", "r2", ("grocery", 50_000))
    assert desk.shown("lee") == [(datetime(2026, 5, 5, tzinfo=SHANGHAI), 125)]
    desk.to(due)
    assert desk.round() == (0, 0, 0)
    assert desk.balance("lee").available == 125  # a Saturday

    moved = datetime(2026, 5, 5, tzinfo=SHANGHAI)
    desk.to(moved - WEEK)
    assert desk.round() == (0, 1, 0)
    desk.to(moved)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0
    desk.proved()


def test_switching_expiry_on_leaves_live_members_a_full_period(open_desk: DeskMaker) -> None:
    """Points from before have no date; they lapse a whole period after the change, with notice."""
    desk = open_desk(policy="rolling", months=1, notice_days=7, since="2026-03-10")
    desk.has("lee", 50, None)
    due = datetime(2026, 4, 11, tzinfo=SHANGHAI)
    desk.has("lee", 20, due)
    desk.has("lee", 7, due - WEEK)
    assert desk.shown("lee") == [(due - WEEK, 7), (due, 70)]
    desk.store.run(lambda tx: tx.ledger.burn("spent", "lee", 27))
    desk.to(due - WEEK - timedelta(days=2))
    assert desk.round() == (0, 0, 0)
    desk.to(due - WEEK)
    assert desk.round() == (0, 1, 0)
    desk.to(due)
    assert desk.round() == (1, 0, 0)
    assert desk.balance("lee").posted == 0


def test_points_of_a_purchase_wait_for_its_return_window(open_desk: DeskMaker) -> None:
    """Until goods can no longer come back, their points are there and cannot be spent (rule 1)."""
    desk = open_desk(return_window_days=7, months=12)
    desk.buys("lee", "r1", ("grocery", 50_000))

    balance = desk.balance("lee")
    opens = datetime(2026, 3, 18, tzinfo=SHANGHAI)
    assert (balance.posted, balance.available) == (50, 0)
    assert balance.pending == [(opens, 50)]
    desk.to(opens)
    assert desk.balance("lee").available == 50


class Killed(Exception):
    """The process went away here."""


def _crowd(desk: Told, size: int) -> None:
    desk.crowd(size)
    for n in range(size):
        desk.has(f"m{n:03}", 10, END)


def _lapses(desk: Told) -> int:
    t = tables.transactions
    [row] = desk._rows(select(func.count()).where(t.c.kind == "expire"))
    return int(row[0])


def test_a_run_that_was_killed_between_pages_is_finished_by_the_next(
    open_desk: DeskMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lapsed stays lapsed, what was not reached is still due, and nothing goes twice."""
    desk = open_desk()
    _crowd(desk, 7)
    desk.to(END)
    job = Expiries(desk.store, Faults(), 3)
    pages: list[str] = []
    read = job._dated

    def dies(now: datetime, until: datetime, after: str) -> Sequence[str]:
        if pages:
            raise Killed
        pages.append(after)
        return read(now, until, after)

    monkeypatch.setattr(job, "_dated", dies)
    with pytest.raises(Killed):
        job(desk.clock.now())
    assert _lapses(desk) == 3

    assert desk.round(page=3) == (4, 0, 0)
    assert desk.round(page=3) == (0, 0, 0)
    assert _lapses(desk) == 7
    desk.proved()


@pytest.mark.parametrize("end", [END, None])
def test_a_round_that_has_no_more_time_goes_on_in_the_next(
    open_desk: DeskMaker, end: datetime | None
) -> None:
    """A round stays below its limit at any size, with points that have a date and without."""
    desk = open_desk(policy="inactivity", months=1)
    desk.crowd(7)
    for n in range(7):
        desk.has(f"m{n:03}", 10, end)
    desk.to(datetime(2026, 5, 1, tzinfo=SHANGHAI))
    job = Expiries(desk.store, Faults(), 3, seconds=0)

    assert [job(desk.clock.now())[0] for _ in range(4)] == [3, 3, 1, 0]
    desk.proved()


@pytest.mark.parametrize("notice_days", [0, 7])
def test_two_runs_at_once_take_everything_once(open_desk: DeskMaker, notice_days: int) -> None:
    """Two relays that care for one programme do not take, tell or prolong anything twice."""
    desk = open_desk(notice_days=notice_days)
    _crowd(desk, 12)
    desk.to(END)

    with ThreadPoolExecutor(2) as both:
        rounds = list(both.map(lambda _: desk.round(page=5), range(2)))

    summed = [sum(each) for each in zip(*rounds, strict=True)]
    if notice_days:
        assert len(desk.notices()) == 12
        assert len(desk.told()) == 12
        assert summed == [0, 12, 12]
        assert desk.balance("m000").available == 10
    else:
        assert summed == [12, 0, 0]
        assert _lapses(desk) == 12
    desk.proved()


def test_what_inactivity_will_take_is_known_to_campaigns_and_messages(
    open_desk: DeskMaker,
) -> None:
    """The wake-up speaks of the points that are about to go, as the balance does."""
    desk = open_desk(policy="inactivity", months=6)
    desk.buys("lee", "r1", ("grocery", 500_000))
    ends = datetime(2026, 9, 11, tzinfo=SHANGHAI)
    [(at, points)] = desk.shown("lee")
    assert at == ends
    desk.to(ends - timedelta(days=10, hours=14))
    lee = desk.member("lee")

    facts = desk.store.read(lambda tx: facts_of(tx, lee))
    within = desk.store.read(
        lambda tx: history_facts(tx, [lee], ['member.expiring_within["14"] > 0'])["lee"]
    )
    assert facts["member.expiring_points"] == points
    assert within == {"member.expiring_within": {"14": points}}

    wake_up = desk.launch("dormant_wake_up")
    list(desk.campaign_turns(wake_up))
    desk.to(ends - timedelta(days=10, hours=14) + timedelta(seconds=1))
    list(desk.campaign_turns(wake_up))
    desk.take_turns("lee")
    [said] = desk.letters("lee")
    assert said.message == "points_expiring"
    assert said.variables["points.expiring"] == points
    assert said.variables["points.expiring_on"].startswith("2026-09-10T")
