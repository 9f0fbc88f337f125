"""A file of earning rules on the marketer's desk: read, or told what is wrong and where."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from loyalty.earning.load import BrokenRules, load_rules, read_rules, written_moment
from loyalty.programme import Programme

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVENTS = Programme().known_events
GOOD = """\
base:
  steps: [{minor: 10000, points: 10}, {minor: 20000, points: 25}]
  beyond: greedy
category_rates_bp: {fresh: 20000}
stacking: best_only
caps: [{points: 5000, per: day}]
rules:
  - id: spring
    when: {holidays: {names: [Spring Festival]}, tiers: [gold]}
    bonus_bp: 10000
    valid_from: 2027-02-01
    valid_until: 2027-02-28T22:00
  - id: photo
    when: {event: review, condition: '"photo" in event.attributes'}
    points: 200
    caps: [{points: 1000, per: month}]
"""


def test_a_good_file_says_what_stands_in_it() -> None:
    rule_set = load_rules(GOOD, EVENTS, SHANGHAI)

    assert rule_set.base.steps[1].points == 25
    assert [rule.id for rule in rule_set.rules] == ["spring", "photo"]
    assert rule_set.rules[0].valid_from == "2027-02-01"


@pytest.mark.parametrize(
    ("was", "becomes", "line", "field", "code", "says"),
    [
        ("bonus_bp: 10000", "bonus: 10000", 10, "bonus", "unknown_field", "Did you mean bonus_bp?"),
        ("tiers:", "tier:", 9, "when.tier", "unknown_field", "Did you mean tiers?"),
        ("beyond: greedy", "", 1, "base", "value_error", "says what lies `beyond` it"),
        ("best_only", "best", 5, "stacking", "unknown_choice", "Did you mean best_only?"),
        ("per: day", "per: days", 6, "caps.0.per", "unknown_choice", "Did you mean day?"),
        ("[Spring Festival]", "[Sprung Festival]", 9, "when.holidays.names.0",
         "unknown_holiday", "Did you mean"),
        ("event: review", "event: reviews", 14, "when.event", "unknown_event_type",
         "Did you mean review?"),
        ('"photo" in event.attributes', "event.amount_minor > 5", 14, "when.condition",
         "bad_condition", "There is no"),
        ("2027-02-28T22:00", "2027-01-28", 12, "valid_until", "never", "ends before it begins"),
        # Each would be a moment in another way of writing, and a day too early as an end.
        ("2027-02-28T22:00", '"20270228"', 12, "valid_until", "value_error", "Is not a date"),
        ("2027-02-28T22:00", "2027-W08-7", 12, "valid_until", "value_error", "Is not a date"),
        ("[gold]", "[Gold]", 9, "when.tiers.0", "unknown_tier", "small letters"),
        ("caps: [{points: 5000, per: day}]",
         "campaign_caps: {sprnig: [{points: 5000, per: day}]}", 6, "campaign_caps.sprnig",
         "unknown_campaign", "There is no campaign 'sprnig'"),
        ("2027-02-01", "2027-02-31", 11, "valid_from", "value_error", "Is not a date"),
        # At the end of the calendar a day has no end, and at its beginning no other zone.
        ("2027-02-28T22:00", "9999-12-31", 12, "valid_until", "value_error", "2000 and 2100"),
        ("2027-02-28T22:00", "9999-12-31T23:00-05:00", 12, "valid_until", "value_error", "2100"),
        ("2027-02-01", "0001-01-01", 11, "valid_from", "value_error", "2000 and 2100"),
        ("names: [Spring Festival]", "country: XX", 9, "when.holidays.country",
         "unknown_country", "No calendar of holidays is known for 'XX'"),
        ("id: photo", "id: spring", 13, "id", "twice", "There are two rules 'spring'"),
        ("points: 200", "points: 200\n    rate_bp: 2", 13, "step", "value_error", "exactly one of"),
        ("stacking: best_only", "version: 7", 5, "version", "version", "leave this out"),
        ("base:", "base", 2, "file", "unreadable", "not YAML"),
    ],
)  # fmt: skip
def test_every_mistake_is_told_with_its_line_and_what_was_meant(
    was: str, becomes: str, line: int, field: str, code: str, says: str
) -> None:
    """So that nobody has to guess, or to ask a developer."""
    rule_set, problems = read_rules(GOOD.replace(was, becomes, 1), EVENTS, SHANGHAI)

    assert rule_set is None
    assert [(p.line, p.field, p.code) for p in problems] == [(line, field, code)]
    assert says in problems[0].message


def test_a_cap_of_a_campaign_needs_a_rule_of_it() -> None:
    """With the name that was probably meant; else the budget would simply not be there."""
    capped = GOOD.replace("id: photo", "id: photo\n    campaign: autumn")
    capped += "campaign_caps: {NAME: [{points: 100, per: ever}]}\n"

    load_rules(capped.replace("NAME", "autumn"), EVENTS, SHANGHAI)
    with pytest.raises(BrokenRules, match="Did you mean autumn"):
        load_rules(capped.replace("NAME", "autum"), EVENTS, SHANGHAI)


def test_all_mistakes_are_told_at_once() -> None:
    """Not one after each attempt."""
    broken = GOOD.replace("tiers", "tier").replace("best_only", "best").replace("points: 200", "")

    with pytest.raises(BrokenRules) as refused:
        load_rules(broken, EVENTS, SHANGHAI)

    assert [p["line"] for p in refused.value.problems] == [5, 9, 13]
    assert "3 problems" in refused.value.detail


@pytest.mark.parametrize("typed", ["0001-01-01", "9999-12-31T23:59", "soon"])
def test_no_moment_is_taken_that_no_event_can_have(typed: str) -> None:
    """What somebody types into the form's field, as in a file."""
    with pytest.raises(ValueError, match=r"2100|is not a date"):
        written_moment(typed, ZoneInfo("America/New_York"))

    assert written_moment("2099-12-31", SHANGHAI).year == 2099


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"valid_until": "9999-12-31"}, "between the years 2000 and 2100"),
        ({"valid_from": "0001-01-01"}, "between the years 2000 and 2100"),
        ({"when": {"holidays": {"country": "XX"}}}, "when.holidays.country: No calendar of"),
        ({"when": {"holidays": {"names": ["Sprng"]}}}, "There is no holiday 'Sprng'"),
        ({"when": {"condition": "member.teir == 'gold'"}}, "rule 'long', when.condition: "),
        ({"when": {"event": "survye"}, "bonus_bp": None, "points": 5}, "mean survey"),
        ({"valid_from": "2027-05-01", "valid_until": "2027-04-01"}, "ends before it begins"),
        ({"valid_until": "20271130"}, "is not a date"),
        ({"when": {"tiers": ["Gold"]}}, "tiers"),
    ],
)
def test_a_programme_with_such_a_rule_does_not_start(part: dict[str, Any], says: str) -> None:
    """Said at start, not by every receipt at the till."""
    rule = {"id": "long", "bonus_bp": 5_000, **part}

    with pytest.raises(ValidationError, match=says):
        Programme.model_validate({"earning": {"rules": [rule]}})


@pytest.mark.parametrize(
    ("block", "wrong"),
    [
        ("expiry", {"since": "9999-12-31"}),
        ("expiry", {"since": "0001-01-01"}),
        ("expiry", {"minimum_life_days": 10_000_000}),
        ("gifting", {"wait_days": 10_000_000}),
    ],
)
def test_neither_does_one_that_counts_beyond_the_calendar(
    block: str, wrong: dict[str, Any]
) -> None:
    """Each would have been counted from by the first act that asks, and failed it."""
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Programme.model_validate({block: wrong})
