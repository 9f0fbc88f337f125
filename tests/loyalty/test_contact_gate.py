"""The contact gate: who is told what, when, and that no rule is ever skipped or out of order."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.messages import SEND, ContactFacts, Verdict, contact_gate, is_quiet
from loyalty.programme import Contact

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2027, 3, 10, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
NIGHT = datetime(2027, 3, 10, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai
MIDNIGHT = datetime(2027, 3, 10, 16, 0, tzinfo=UTC)
FOR_EVER = datetime(2030, 1, 1, tzinfo=UTC)
CONTACT = Contact(daily_budget={"email": 100})


def marketing(**changes: Any) -> ContactFacts:
    """A marketing message that nothing speaks against."""
    facts = ContactFacts(
        key="c/spring/lee:welcome:email",
        channel="email",
        purpose="marketing",
        zone=SHANGHAI,
        expires_at=FOR_EVER,
        reachable=True,
        consent=True,
        day_ends_at=MIDNIGHT,
    )
    return replace(facts, **changes)


# In the gate's order: each row breaks one rule more, from the last rule to the first.
LADDER: list[tuple[str, dict[str, Any]]] = [
    ("quiet_hours", {}),
    ("frequency_cap", {"recent": (NIGHT - timedelta(days=1),) * 3}),
    ("message_budget", {"sent_today": 100}),
    ("expired", {"expires_at": NIGHT}),
    ("no_address", {"reachable": False}),
    ("no_consent", {"consent": False}),
    ("stop_listed", {"stop_listed": True}),
    ("campaign_stopped", {"campaign_stopped": True}),
]


@pytest.mark.parametrize("rung", range(len(LADDER)), ids=[reason for reason, _ in LADDER])
def test_the_first_rule_that_speaks_is_the_reason(rung: int) -> None:
    """When several rules speak against a message, the reason given is the first in the order."""
    broken: dict[str, Any] = {}
    for _, change in LADDER[: rung + 1]:
        broken |= change

    verdict = contact_gate(marketing(**broken), CONTACT, NIGHT)

    assert verdict.reason == LADDER[rung][0]
    assert verdict.verdict == ("defer" if rung < 3 else "drop")


def test_nothing_against_it_means_send() -> None:
    assert contact_gate(marketing(), CONTACT, NOON) == SEND


@pytest.mark.parametrize(
    ("channel", "purpose", "said", "reason"),
    [
        ("inbox", "marketing", None, "allowed"),
        ("inbox", "marketing", False, "no_consent"),
        ("email", "marketing", None, "no_consent"),
        ("email", "marketing", True, "allowed"),
        ("email", "service", None, "allowed"),
        ("email", "service", False, "no_consent"),
    ],
)
def test_consent_is_the_members_word_then_the_programmes(
    channel: str, purpose: str, said: bool | None, reason: str
) -> None:
    """Silence is a yes to service; to marketing it is what the programme says of the channel."""
    facts = marketing(channel=channel, purpose=purpose, consent=said)

    assert contact_gate(facts, CONTACT, NOON).reason == reason


def test_service_is_told_at_night_and_beyond_the_cap() -> None:
    """A confirmation reaches the member at once, however much marketing they had."""
    facts = marketing(purpose="service", recent=(NIGHT,) * 9, campaign_stopped=True)

    assert contact_gate(facts, CONTACT, NIGHT) == SEND


def test_service_too_stops_at_the_stop_list_and_the_budget() -> None:
    listed = marketing(purpose="service", stop_listed=True)
    spent = marketing(purpose="service", sent_today=100)

    assert contact_gate(listed, CONTACT, NOON) == Verdict("drop", "stop_listed")
    assert contact_gate(spent, CONTACT, NOON) == Verdict("defer", "message_budget", MIDNIGHT)


def test_a_channel_without_a_budget_has_none() -> None:
    assert contact_gate(marketing(channel="inbox", sent_today=10**6), CONTACT, NOON) == SEND


def test_the_cap_makes_room_when_the_oldest_of_three_is_a_week_old() -> None:
    """The fourth message of a week waits until exactly seven days after the first."""
    days = (6, 5, 1)
    facts = marketing(recent=tuple(NOON - timedelta(days=d) for d in days))

    verdict = contact_gate(facts, CONTACT, NOON)

    assert verdict == Verdict("defer", "frequency_cap", NOON + timedelta(days=1))
    assert verdict.until is not None
    assert contact_gate(facts, CONTACT, verdict.until) == SEND


def test_the_cap_waits_for_as_many_as_are_over_it() -> None:
    """Five sent where three are allowed: three of them must be old before one more goes."""
    facts = marketing(recent=tuple(NOON - timedelta(days=d) for d in (6, 5, 4, 3, 2)))

    verdict = contact_gate(facts, CONTACT, NOON)

    assert verdict.until == NOON + timedelta(days=3)


def test_a_message_is_held_overnight_and_leaves_after_nine_without_a_burst() -> None:
    """A thousand messages held overnight leave between 9:00 and 9:15, spread out."""
    nine = datetime(2027, 3, 11, 1, 0, tzinfo=UTC)

    waits = [
        contact_gate(marketing(key=f"c/spring/{n}:welcome:email"), CONTACT, NIGHT).until
        for n in range(1000)
    ]

    late = [(until - nine).total_seconds() for until in waits if until]
    assert len(late) == 1000
    assert min(late) >= 0
    assert max(late) < 15 * 60
    per_minute = [sum(m * 60 <= s < (m + 1) * 60 for s in late) for m in range(15)]
    assert max(per_minute) < 110  # 67 on average


def test_the_same_message_is_always_held_as_long() -> None:
    again = contact_gate(marketing(), CONTACT, NIGHT + timedelta(minutes=20))

    assert contact_gate(marketing(), CONTACT, NIGHT) == again


@pytest.mark.parametrize(
    ("wall", "quiet"),
    [
        ("20:59:59", False),
        ("21:00:00", True),
        ("00:00:00", True),
        ("08:59:59", True),
        ("09:00:00", False),
    ],
)
def test_quiet_hours_are_half_open(wall: str, quiet: bool) -> None:
    at = datetime.combine(date(2027, 3, 10), time.fromisoformat(wall), tzinfo=SHANGHAI)

    assert is_quiet(Contact(), SHANGHAI, at) is quiet


def test_quiet_hours_may_lie_within_a_day_or_not_be_at_all() -> None:
    noon_rest = Contact(quiet_from=time(12), quiet_until=time(14))
    none = Contact(quiet_from=time(9), quiet_until=time(9))

    assert is_quiet(noon_rest, SHANGHAI, NOON)
    assert not is_quiet(noon_rest, SHANGHAI, NIGHT)
    assert not is_quiet(none, SHANGHAI, NOON)
    assert not is_quiet(none, SHANGHAI, NIGHT)


def test_quiet_hours_follow_the_member_not_the_shop() -> None:
    """At noon in Shanghai a member in New York sleeps, and hears of it in their own morning."""
    new_york = ZoneInfo("America/New_York")

    verdict = contact_gate(marketing(zone=new_york), CONTACT, NOON)

    assert verdict.reason == "quiet_hours"
    assert verdict.until is not None
    assert verdict.until.astimezone(new_york).hour == 9


def test_a_deferral_ends_with_the_message() -> None:
    """A message that says nothing of use by morning is dropped as expired when it ends."""
    ends = NIGHT + timedelta(hours=1)

    verdict = contact_gate(marketing(expires_at=ends), CONTACT, NIGHT)

    assert verdict == Verdict("defer", "quiet_hours", ends)
    assert contact_gate(marketing(expires_at=ends), CONTACT, ends) == Verdict("drop", "expired")


# --- nights when clocks change -------------------------------------------------------------------

CHANGES = [
    # zone, the day before, hours from 21:00 to 9:00
    ("Europe/Berlin", date(2027, 3, 27), 11),
    ("Europe/Berlin", date(2027, 10, 30), 13),
    ("America/New_York", date(2027, 3, 13), 11),
    ("America/New_York", date(2027, 11, 6), 13),
    ("Australia/Lord_Howe", date(2027, 4, 3), 12.5),
    ("Australia/Lord_Howe", date(2027, 10, 2), 11.5),
    ("Asia/Shanghai", date(2027, 3, 27), 12),
]


@pytest.mark.parametrize(("zone", "day", "hours"), CHANGES)
def test_nine_is_nine_on_the_wall_after_clocks_changed(zone: str, day: date, hours: float) -> None:
    home = ZoneInfo(zone)
    evening = datetime.combine(day, time(21), tzinfo=home)

    until = contact_gate(marketing(zone=home), CONTACT, evening).until

    assert until is not None
    slept = until - evening.astimezone(UTC)
    assert timedelta(hours=hours) <= slept < timedelta(hours=hours, minutes=15)


@pytest.mark.parametrize(
    ("zone", "instant"),
    [
        ("America/Havana", datetime(2027, 11, 7, 5, 10, tzinfo=UTC)),  # 0:10, the second time
        ("America/New_York", datetime(2027, 11, 7, 6, 10, tzinfo=UTC)),  # 1:10, the second time
    ],
)
def test_an_hour_that_comes_twice_never_sends_a_message_back_in_time(
    zone: str, instant: datetime
) -> None:
    """Quiet until half past, asked in the second showing of that hour: the second half past."""
    home = ZoneInfo(zone)
    wall = instant.astimezone(home)
    contact = Contact(quiet_from=time(21), quiet_until=time(wall.hour, 30))

    until = contact_gate(marketing(zone=home), contact, instant).until

    assert until is not None
    assert instant + timedelta(minutes=20) <= until < instant + timedelta(minutes=35)


ZONES = [
    "Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Havana", "America/Santiago",
    "Africa/Cairo", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu",
]  # fmt: skip
YEAR = datetime(2027, 1, 1, tzinfo=UTC)
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 10, 30, 59]))


@settings(max_examples=300, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    asked=st.timedeltas(timedelta(0), timedelta(days=365)).map(lambda into: YEAR + into),
    quiet_from=times,
    quiet_until=times,
    sent_before=st.lists(st.timedeltas(timedelta(0), timedelta(days=9)), max_size=5),
    key=st.text("abcdef", min_size=1, max_size=6),
)
def test_over_a_year_nothing_is_sent_in_quiet_hours_and_every_wait_ends(
    zone: str,
    asked: datetime,
    quiet_from: time,
    quiet_until: time,
    sent_before: list[timedelta],
    key: str,
) -> None:
    """Whatever the zone, night and past, a message is sent awake or dropped, in a few looks."""
    home = ZoneInfo(zone)
    contact = Contact(quiet_from=quiet_from, quiet_until=quiet_until)
    facts = marketing(
        key=key,
        zone=home,
        recent=tuple(asked - ago for ago in sent_before),
        expires_at=asked + timedelta(days=20),
    )

    now = asked
    for _ in range(12):
        verdict = contact_gate(facts, contact, now)
        if verdict.verdict != "defer":
            break
        assert verdict.until is not None
        assert verdict.until > now
        now = verdict.until

    assert verdict == SEND
    assert not is_quiet(contact, home, now)
    assert now - asked < timedelta(days=9)


@pytest.mark.parametrize("zone", ZONES)
def test_a_message_every_hour_of_a_year_respects_night_and_cap(zone: str) -> None:
    """A year of hourly campaigns: never at night, never more than three in seven days."""
    home, contact = ZoneInfo(zone), Contact()
    sent: list[datetime] = []
    free_at = YEAR

    for hour in range(0, 365 * 24, 1):
        now = YEAR + timedelta(hours=hour)
        if now < free_at:
            continue
        facts = marketing(key=str(hour), zone=home, recent=tuple(sent[-5:]))
        verdict = contact_gate(facts, contact, now)
        while verdict.until is not None:
            now = verdict.until
            verdict = contact_gate(facts, contact, now)
        sent.append(now)
        free_at = now

    assert len(sent) > 100
    assert not any(is_quiet(contact, home, at) for at in sent)
    week = timedelta(days=7)
    assert all(later - first >= week for first, later in zip(sent, sent[3:], strict=False))
