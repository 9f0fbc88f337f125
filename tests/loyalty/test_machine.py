"""What a journey does next, told on plain values: months in microseconds."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.journeys.cost import most_points
from loyalty.journeys.goals import follows, tallies, window
from loyalty.journeys.machine import (
    Ask,
    Choose,
    Close,
    Do,
    Finish,
    Open,
    Position,
    Reward,
    Seen,
    Sleep,
    TakeBack,
    advance,
    arm_of,
    begin,
    bucket,
    resolve,
)
from loyalty.journeys.plan import Arm, Await, Grant, Moment, Plan
from loyalty.records import InboxEvent
from loyalty.timing import Length

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2027, 1, 4, 2, 0, tzinfo=UTC)  # ten o'clock in Shanghai, a Monday


def day(n: float) -> datetime:
    return START + timedelta(days=n)


def purchase(seq: int, at: datetime, *, amount: int = 5000, store: str = "riverside",
             recorded: datetime | None = None) -> InboxEvent:  # fmt: skip
    return InboxEvent(
        seq=seq,
        source="till",
        event_id=str(seq),
        type="purchase",
        member_id="lee",
        occurred_at=at,
        recorded_at=recorded or at,
        body={},
        answer={},
        body_hash="",
        store=store,
        amount_minor=amount,
    )


@dataclass
class Member:
    """A member in a journey whose events are a plain list."""

    plan: Plan
    position: Position
    answer: bool = True
    did: list[str] = field(default_factory=list)
    said_until: dict[str, datetime | None] = field(default_factory=dict)
    wakes_at: datetime | None = None
    outcome: str | None = None

    def look(self, now: datetime, events: list[InboxEvent], *, skip: bool = False) -> None:
        """One turn, as the real one takes it."""
        answer: bool | None = None
        for _ in range(200):
            step = self.plan.nodes[self.position.node].step if self.position.node else None
            counts = {}
            if isinstance(step, Await) and self.position.until is not None:
                after, before = window(self.position)
                known = [e for e in events if e.recorded_at <= now]
                begun_by = self.position.since_seq or 0
                inside = [
                    e
                    for e in known
                    if after < e.occurred_at < before and follows(e, after, begun_by)
                ]
                counts = tallies(step, self.position, inside, {"now": now}, SHANGHAI)
            seen = Seen(now, SHANGHAI, "lee", "campaign", counts, answer, skip)
            move = advance(self.plan, self.position, seen)
            assert move == advance(self.plan, self.position, seen)
            if isinstance(move, Ask):
                answer = self.answer
                continue
            answer = None
            if isinstance(move, Sleep):
                self.position, self.wakes_at = move.position, move.until
                return
            if isinstance(move, Finish):
                self.outcome, self.wakes_at = move.outcome, None
                return
            self._note(move)
            self.position = move.position
            skip = skip and not isinstance(move, Close)
        raise AssertionError("the journey never comes to rest")

    def _note(self, move: Do | Reward | TakeBack | Choose | Open | Close) -> None:
        if isinstance(move, Do):
            self.did.append(move.step_id)
            self.said_until[move.step_id] = move.until
        elif isinstance(move, Reward):
            self.did.append(f"{move.step_id}#{move.occurrence}")
        elif isinstance(move, TakeBack):
            self.did.append(f"undo {move.step_id}#{move.occurrence}")
        elif isinstance(move, Close):
            self.did.append(f"{move.step_id}:{move.how}")
        elif isinstance(move, Choose):
            self.did.append(f"{move.step_id}:{move.way}")


def enter(plan: Plan) -> Member:
    return Member(plan, begin(plan, START))


def live(member: Member, events: list[InboxEvent], until: datetime) -> Member:
    """Let time pass: the member wakes when a timer fires or something is recorded."""
    arrivals = sorted(e.recorded_at for e in events)
    now = START
    member.look(now, events)
    while member.outcome is None and now < until:
        nexts = [at for at in [*arrivals, member.wakes_at or until] if at > now]
        now = min([*nexts, until])
        member.look(now, events)
    return member


def journey(**await_changes: object) -> Plan:
    """Grant 500, then a week for a first purchase, reminded two days before it ends."""
    step = {
        "kind": "await",
        "goals": [{"id": "buys", "on": "purchase"}],
        "until": {"after": "P7D"},
        "remind": [
            {
                "id": "last_days",
                "before_end": "P2D",
                "notify": {"kind": "notify", "message": "last_days"},
            }
        ],
        "met": "thanks",
        "missed": "expired",
    } | await_changes
    return Plan.model_validate(
        {
            "template": "welcome",
            "start": "welcome",
            "nodes": {
                "welcome": {"step": {"kind": "grant", "points": 500}, "next": "first"},
                "first": {"step": step, "next": None},
                "thanks": {"step": {"kind": "notify", "message": "thanks"}},
                "expired": {"step": {"kind": "end", "outcome": "expired"}},
            },
        }
    )


def three_purchases(**goal_changes: object) -> Plan:
    goal = {
        "id": "three",
        "on": "purchase",
        "count": 3,
        "once_per": "day_and_store",
        "reward": [{"kind": "grant", "points": 1000}],
        "almost": {"kind": "notify", "message": "one_more"},
    } | goal_changes
    return journey(
        goals=[goal], until={"end_of": "month"}, lateness="P3D", remind=[], settle="at_deadline"
    )


def test_a_purchase_within_the_week_is_thanked_for_at_once() -> None:
    """The journey ends with the purchase, and no reminder follows."""
    lee = live(enter(journey()), [purchase(1, day(3))], day(30))

    assert lee.did == ["welcome", "first.buys#0", "first:met", "thanks"]
    assert lee.outcome == "completed"


def test_who_does_not_buy_is_reminded_once_and_then_let_go() -> None:
    """Two days before the week ends there is one reminder; at its end the journey ends."""
    lee = live(enter(journey()), [], day(30))

    assert lee.did == ["welcome", "first.last_days", "first:missed"]
    assert lee.outcome == "expired"


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (day(7) - timedelta(microseconds=1), "completed"),
        (day(7), "expired"),
        (day(7) + timedelta(microseconds=1), "expired"),
        (START, "expired"),  # what opened the journey is not its own success
        (START + timedelta(microseconds=1), "completed"),
    ],
)
def test_the_deadline_is_an_exclusive_instant(at: datetime, outcome: str) -> None:
    """A purchase counts up to, and not at, the end of the week (rule 12)."""
    assert live(enter(journey()), [purchase(1, at)], day(30)).outcome == outcome


def test_a_purchase_before_the_deadline_counts_even_if_the_wake_up_comes_after_it() -> None:
    """Members do not lose because a server was slow."""
    lee = enter(journey(remind=[]))
    lee.look(START, [])

    lee.look(day(8), [purchase(1, day(6.9))])

    assert lee.outcome == "completed"


def test_a_reminder_whose_time_is_over_is_never_sent() -> None:
    """After an outage over the deadline nobody reads that two days are left."""
    lee = enter(journey())
    lee.look(START, [])

    lee.look(day(9), [])

    assert lee.did == ["welcome", "first:missed"]


def test_what_is_said_of_a_wait_makes_sense_until_the_next_word_of_it_or_its_end() -> None:
    """A slow channel, or a night in between, must not tell of what is over."""
    goal = {"id": "two", "on": "purchase", "count": 2}
    almost = {"kind": "notify", "message": "one_more"}
    remind = [
        {"id": id, "before_end": length, "notify": {"kind": "notify", "message": id}}
        for id, length in (("last_days", "P2D"), ("last_hours", "PT12H"))
    ]
    plan = journey(goals=[{**goal, "almost": almost}], remind=remind)

    lee = live(enter(plan), [purchase(1, day(2))], day(30))

    assert lee.said_until == {
        "welcome": None,
        "first.two.almost": day(7),
        "first.last_days": day(6.5),
        "first.last_hours": day(7),
    }


def test_three_purchases_bring_the_reward_and_the_third_was_announced_once() -> None:
    events = [purchase(n, day(n)) for n in (1, 2, 3, 4)]

    lee = live(enter(three_purchases()), events, day(40))

    assert lee.did == ["welcome", "first.three.almost", "first.three#0", "first:met", "thanks"]


def test_receipts_of_one_day_and_store_count_once() -> None:
    """Splitting a basket at the till brings nothing."""
    split = [purchase(n, day(1) + timedelta(minutes=n)) for n in range(1, 9)]

    assert "first.three#0" not in live(enter(three_purchases()), split, day(40)).did


def test_a_late_upload_still_counts_inside_the_lateness_window() -> None:
    """The month is over, its last receipts arrive two days later: they count."""
    end = datetime(2027, 1, 31, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    month = [purchase(1, day(1)), purchase(2, day(2))]
    late = purchase(3, end - timedelta(hours=1), recorded=end + timedelta(days=2))
    too_late = purchase(3, end - timedelta(hours=1), recorded=end + timedelta(days=3))

    assert "first.three#0" in live(enter(three_purchases()), [*month, late], day(60)).did
    assert "first.three#0" not in live(enter(three_purchases()), [*month, too_late], day(60)).did


def test_a_refunded_purchase_takes_its_reward_back_and_another_brings_it_again() -> None:
    lee = enter(three_purchases())
    bought = [purchase(n, day(n)) for n in (1, 2, 3)]
    lee.look(START, [])
    lee.look(day(3), bought)
    refunded = [*bought[:2], replace(bought[2], refunded_minor=5000)]
    lee.look(day(4), refunded)
    lee.look(day(5), [*refunded, purchase(4, day(5))])

    assert lee.did[1:] == [
        "first.three#0",
        "undo first.three#0",
        "first.three.almost",  # one is missing again, and was never announced before
        "first.three#1",
    ]


def test_an_operator_may_skip_a_wait() -> None:
    lee = enter(journey())
    lee.look(START, [])

    lee.look(day(1), [], skip=True)

    assert lee.did == ["welcome", "first:skipped"]
    assert lee.outcome == "expired"


def and_then_buys(**await_changes: object) -> Plan:
    """A first wait, and once it is over, however, another ten days for one purchase."""
    first = journey(remind=[], met="again", missed="again", **await_changes)
    again = {
        "kind": "await",
        "goals": [{"id": "buys", "on": "purchase"}],
        "until": {"after": "P10D"},
        "met": "thanks",
        "missed": "expired",
    }
    nodes = first.model_dump()["nodes"] | {"again": {"step": again}}
    return Plan.model_validate(first.model_dump() | {"start": "first", "nodes": nodes})


def check_in(seq: int, at: datetime) -> InboxEvent:
    return replace(purchase(seq, at), type="check_in", amount_minor=None)


def test_a_wait_that_stays_open_until_its_deadline_keeps_all_acts_before_it() -> None:
    """The third purchase of the week belongs to the week, not to what comes after it."""
    plan = and_then_buys(goals=[{"id": "two", "on": "purchase", "count": 2}], settle="at_deadline")
    week = [purchase(n, day(n)) for n in (1, 2, 3)]

    assert live(enter(plan), week, day(60)).did == ["first.two#0", "first:met", "again:missed"]
    next_week = [*week, purchase(4, day(8))]
    assert live(enter(plan), next_week, day(60)).outcome == "completed"


@pytest.mark.parametrize("looks_at", [[day(n / 4) for n in range(1, 60)], [day(4), day(30)]])
def test_the_first_of_several_goals_ends_a_wait_for_any_however_late_we_look(
    looks_at: list[datetime],
) -> None:
    """Review on day 1, purchase on day 2, check-ins meanwhile: the purchase is the next wait's."""
    goals = [{"id": "visits", "on": "check_in", "count": 2}, {"id": "buys", "on": "purchase"}]
    lee = enter(and_then_buys(goals=goals, need="any"))
    acts = [purchase(1, day(1)), purchase(2, day(2)), check_in(3, day(0.5)), check_in(4, day(3))]
    lee.look(START, [])

    for now in looks_at:
        if lee.outcome is None:
            lee.look(now, acts)

    assert lee.did == ["first.buys#0", "first:met", "again.buys#0", "again:met", "thanks"]


def test_a_wait_for_all_goals_ends_with_the_last_of_them() -> None:
    """What was bought before the last check-in was bought within the first wait."""
    goals = [{"id": "visits", "on": "check_in", "count": 2}, {"id": "buys", "on": "purchase"}]
    lee = enter(and_then_buys(goals=goals))
    lee.look(START, [])

    acts = [purchase(1, day(1)), purchase(2, day(2)), check_in(3, day(0.5)), check_in(4, day(3))]
    lee.look(day(5), acts)
    lee.look(day(30), acts)

    assert lee.outcome == "expired"


@pytest.mark.parametrize("over", [day(-3), START])
def test_a_wait_that_was_over_before_it_began_opens_no_door_to_the_past(over: datetime) -> None:
    """Whoever enters after the deadline misses it; what they bought before entering stays past."""
    plan = and_then_buys(until={"at": over})
    before = [purchase(1, day(-2)), purchase(2, day(-1))]

    assert live(enter(plan), before, day(60)).outcome == "expired"
    assert live(enter(plan), [*before, purchase(3, day(1))], day(60)).outcome == "completed"


def test_an_operator_who_ends_a_wait_ends_what_counts_for_it() -> None:
    """What was done in the wait is not counted again for the next; what comes after is."""
    plan = and_then_buys(goals=[{"id": "two", "on": "purchase", "count": 2}])
    lee = enter(plan)
    lee.look(START, [])
    lee.look(day(2), [purchase(1, day(1))], skip=True)

    lee.look(day(3), [purchase(1, day(1))])
    assert lee.did == ["first:skipped"]
    lee.look(day(4), [purchase(1, day(1)), purchase(2, day(3.5))])
    assert lee.outcome == "completed"


@given(
    st.lists(st.integers(0, 60 * 24 * 40), max_size=12), st.lists(st.integers(0, 960), max_size=9)
)
def test_looking_more_often_changes_nothing(minutes: list[int], extra_hours: list[int]) -> None:
    """Repeated nudges, retries and polls never change what a member gets."""
    events = [
        purchase(n, START + timedelta(minutes=m), store=f"s{m % 2}")
        for n, m in enumerate(sorted(minutes))
    ]
    plain = live(enter(three_purchases()), events, day(60))

    watched = enter(three_purchases())
    arrivals = [e.recorded_at for e in events]
    extra = [START + timedelta(hours=h) for h in extra_hours]
    now = START
    watched.look(now, events)
    while watched.outcome is None and now < day(60):
        nexts = [at for at in [*arrivals, *extra, watched.wakes_at or day(60)] if at > now]
        now = min([*nexts, day(60)])
        watched.look(now, events)
        watched.look(now, events)

    assert watched.did == plain.did
    assert watched.outcome == plain.outcome


@given(st.lists(st.booleans(), min_size=1, max_size=25))
def test_buying_and_returning_never_pays_more_than_once(steps: list[bool]) -> None:
    """Buy, refund, keep the points, repeat: it does not work here."""
    lee = enter(three_purchases())
    events: list[InboxEvent] = []
    for n, buys in enumerate(steps):
        at = day(n / 2 + 0.1)
        if buys:
            events.append(purchase(n, at, store=f"s{n}"))
        elif events:
            events[-1] = replace(events[-1], refunded_minor=5000)
        lee.look(at, events)

    given_times = sum(d.startswith("first.three#") for d in lee.did)
    taken_times = sum(d.startswith("undo ") for d in lee.did)
    assert given_times - taken_times in (0, 1)
    assert len(lee.did) == len(set(lee.did))


def test_a_branch_asks_and_a_split_is_sticky() -> None:
    plan = Plan.model_validate(
        {
            "template": "t",
            "start": "rich",
            "nodes": {
                "rich": {
                    "step": {"kind": "branch", "condition": "member.points > 5", "then": "arms"},
                    "next": "out",
                },
                "arms": {
                    "step": {
                        "kind": "split",
                        "arms": [{"id": "a", "weight": 1}, {"id": "b", "weight": 1}],
                    },
                    "next": "out",
                },
                "out": {"step": {"kind": "end", "outcome": "done"}},
            },
        }
    )
    yes, no = enter(plan), enter(plan)
    no.answer = False
    yes.look(START, [])
    no.look(START, [])

    assert yes.did[0] == "rich:then"
    assert yes.did[1] in ("arms:a", "arms:b")
    assert no.did == ["rich:otherwise"]


def test_arms_get_their_share_and_nobody_is_redrawn() -> None:
    """A hash decides, so that a percentage change moves only those at the edge."""
    arms = (Arm(id="a", weight=3), Arm(id="b", weight=1))
    drawn = [arm_of(arms, "c", "s", f"m-{n}").id for n in range(4000)]

    assert drawn == [arm_of(arms, "c", "s", f"m-{n}").id for n in range(4000)]
    assert 2850 < drawn.count("a") < 3150
    assert {bucket("c", "holdout", f"m-{n}") < 1000 for n in range(200)} == {True, False}


@pytest.mark.parametrize(
    ("moment", "start", "at"),
    [
        ({"after": "P1M"}, datetime(2027, 1, 31, tzinfo=UTC), datetime(2027, 2, 28, tzinfo=UTC)),
        ({"end_of": "month"}, START, datetime(2027, 1, 31, 16, tzinfo=UTC)),
        ({"end_of": "month", "minus": "P2D"}, START, datetime(2027, 1, 29, 16, tzinfo=UTC)),
        ({"end_of": "day"}, START, datetime(2027, 1, 4, 16, tzinfo=UTC)),
        ({"after": "P1D", "local_time": "09:00"}, START, datetime(2027, 1, 6, 1, tzinfo=UTC)),
        ({"local_time": "10:00"}, START, START),
    ],
)  # fmt: skip
def test_moments_follow_the_calendar_on_the_wall(
    moment: dict[str, str], start: datetime, at: datetime
) -> None:
    """Month ends clamp, local times are local (rule 12)."""
    assert resolve(Moment.model_validate(moment), start, SHANGHAI) == at


def test_nine_o_clock_stays_nine_o_clock_when_summer_time_begins() -> None:
    """A day over the change of clocks has 23 hours, and the wall still shows nine."""
    berlin = ZoneInfo("Europe/Berlin")
    nine = datetime(2027, 3, 27, 8, tzinfo=UTC)

    later = resolve(Moment(after=Length(days=1)), nine, berlin)

    assert later - nine == timedelta(hours=23)
    assert later.astimezone(berlin).hour == 9


def test_the_dearest_way_is_what_a_budget_must_hold() -> None:
    plan = three_purchases()
    inviter = plan.model_copy(
        update={
            "nodes": {
                **plan.nodes,
                "thanks": plan.nodes["thanks"].model_copy(
                    update={"step": Grant(points=300, to="inviter")}
                ),
            }
        }
    )

    assert most_points(plan) == 1500
    assert most_points(inviter) == 1800
    assert most_points(inviter, has_inviter=False) == 1500
