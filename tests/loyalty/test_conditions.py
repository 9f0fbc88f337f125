"""Conditions mean what the language says, and refusals say what to write instead."""

from datetime import UTC, datetime
from typing import Any

import pytest

from loyalty.conditions import (
    EVENT,
    LENGTH_MAX,
    MEMBER,
    OFFER,
    BadCondition,
    ConditionFailed,
    Scope,
    attributes_as_text,
    check,
    compile_condition,
    literal,
)

FACTS: dict[str, Any] = {
    "now": datetime(2027, 3, 8, 2, 0, tzinfo=UTC),  # Monday, ten o'clock in Shanghai
    "member.tier": "金卡",
    "member.tags": ["vip", "带宝宝"],
    "member.days_since_purchase": 90,
    "member.days_since_registration": 400,
    "member.purchases": 3,
    "member.spend_minor": 125_000,
    "member.points": 1250,
    "member.expiring_points": 0,
    "member.locale": "zh",
    "member.source": "",
    "member.has_inviter": True,
    "event.type": "purchase",
    "event.amount_minor": 1999,
    "event.store": "s-01",
    "event.channel": "till",
    "event.categories": ["fresh", "bakery"],
    "event.skus": ["A-1", "B-2"],
    "event.attributes": {"photo": "yes", "stars": "5"},
    "event.first_purchase": False,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # numbers: equality, order, arithmetic that stays whole
        ("member.points == 1250", True),
        ("member.points != 1250", False),
        ("member.days_since_purchase >= 90", True),
        ("member.days_since_purchase > 90", False),
        ("member.points < 1251 && member.points <= 1250", True),
        ("member.points - 250 == 1000", True),
        ("member.points + 1 > member.points * 1", True),
        ("member.spend_minor / member.purchases == 41666", True),
        ("member.spend_minor % 2 == 0", True),
        ("-member.points < 0", True),
        # texts
        ('member.tier == "金卡"', True),
        ("member.tier == '金卡'", True),
        ('member.tier.size() == 2 && size("中文") == 2', True),
        ('member.tier in ["银卡", "金卡"]', True),
        ('event.store.startsWith("s-") && event.store.endsWith("01")', True),
        ('event.store.contains("-0")', True),
        (r'event.store.matches("^s-[0-9]{2}$")', True),
        ('"a\\"b" == \'a"b\'', True),
        ('member.source == ""', True),
        # yes and no
        ("member.has_inviter", True),
        ("!member.has_inviter || event.first_purchase", False),
        ("member.has_inviter ? member.points > 0 : false", True),
        # lists and tables
        ('"vip" in member.tags', True),
        ('!("带宝宝" in member.tags)', False),
        ("member.tags.size() == 2", True),
        ('event.categories.exists(c, c == "fresh")', True),
        ('event.skus.all(s, s.startsWith("A"))', False),
        ('event.skus.filter(s, s != "A-1").size() == 1', True),
        ('"photo" in event.attributes', True),
        ('"video" in event.attributes && event.attributes["video"] == "yes"', False),
        ('has(event.attributes.photo) && event.attributes.photo == "yes"', True),
        ("int(event.attributes.stars) >= 4", True),
        # instants
        ('now > timestamp("2027-03-08T00:00:00Z")', True),
        ('now.getDayOfWeek("Asia/Shanghai") == 1', True),
        ('now.getHours("Asia/Shanghai") == 10', True),
        ('now - duration("48h") < now', True),
        # what the other side settles is not asked
        ("true || member.points / 0 > 1", True),
        ("false && member.points / 0 > 1", False),
        ("member.points > 0 // only those with points", True),
    ],
)
def test_conditions_mean_what_they_say(text: str, expected: bool) -> None:
    """Every operator and type a marketer may use gives the answer the language promises."""
    assert compile_condition(text, EVENT).holds(FACTS) is expected


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("purchase.amout > 3", 1, "There is no 'purchase.amout' here. Did you mean event.amount_"),
        ("event.amount >= 10", 1, "Did you mean event.amount_minor?"),
        ("member.point > 3", 1, "Did you mean member.points?"),
        ("member.tag == 'x'", 1, "Did you mean member.tags?"),
        ("true &&\n member.teir == 'x'", 10, "Did you mean member.tier?"),
        ("'金卡' == member.tier && member.lcoale == 'zh'", 24, "Did you mean member.locale?"),
        ("weather.sunny", 1, "There is no 'weather.sunny' here."),
        ("member == 3", 1, "'member' alone means nothing"),
        ("member.points > 3.5", 15, "whole number and a number with decimals. Money is written"),
        ("member.points > '3'", 15, "> cannot take a whole number and a text."),
        ("member.tags == 'vip'", 13, "== cannot take a list and a text."),
        ("3 in member.tags", 3, "'in' cannot look for a whole number in a list."),
        ("member.points && true", None, "&& joins two conditions"),
        ("!member.points", 1, "! turns a yes or no around, and this is a whole number."),
        ("member.points", 1, "This gives a whole number, and a condition must be true or false"),
        ("event.attributes.photo", 1, "This gives a text"),
        ("now", 1, "This gives an instant"),
        ("member.tier = 'gold'", 13, "Write == to compare two values."),
        ("member.points > 3 and true", 19, "Write && instead of 'and'."),
        ("member.points > 3 OR true", 19, "Write || instead of 'OR'."),
        ("not member.has_inviter", 1, "Write ! instead of 'not'."),
        ("member.tier == “gold”", 16, "Use straight quotation marks"),
        ("member.tier == 'gold", 16, "A quotation mark"),
        ("member.points >", 16, "The condition ends too early."),
        ("member.points > 3)", 18, "cannot be read from ')'"),
        ("sizeof(member.tags) > 1", 1, "There is no function 'sizeof'. Did you mean size?"),
        ("member.tags.exist(t, t == 'a')", 13, "function 'exist'. Did you mean exists?"),
        ("member.tier.contains(3)", 21, "'contains' cannot be used with a text and a whole"),
        ("dyn(member.points) == 'x'", 1, "dyn() is not available here."),
        ("", 1, "The condition is empty."),
        ("  \n ", 1, "The condition is empty."),
    ],
)
def test_refusals_say_what_to_write(text: str, position: int | None, reason: str) -> None:
    """A marketer is told where it goes wrong, why, and which name was probably meant."""
    with pytest.raises(BadCondition) as refused:
        check(text, EVENT)

    assert reason in refused.value.reason
    assert position is None or refused.value.position == position
    assert "member.points" in refused.value.allowed
    assert refused.value.code == "bad_condition"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("true || " * (LENGTH_MAX // 8) + "true", f"{LENGTH_MAX} are allowed"),
        ("(" * 25 + "true" + ")" * 25, "more than 24 deep"),
        ("[" * 400 + "]" * 400, "more than 24 deep"),
        (
            "member.tags.exists(a, member.tags.exists(b, member.tags.exists(c,"
            " member.tags.exists(d, a == d))))",
            "At most 3",
        ),
    ],
)
def test_limits_are_said_before_the_engine_sweats(text: str, reason: str) -> None:
    """A condition too long, too deep or too loopy is refused at once, never tried."""
    with pytest.raises(BadCondition, match=reason):
        check(text, MEMBER)


def test_brackets_inside_texts_do_not_count_as_nesting() -> None:
    """A text full of brackets is a text."""
    assert not compile_condition(f"member.tier == '{'(' * 60}.exists('", MEMBER).holds(FACTS)


@pytest.mark.parametrize(
    ("scope", "text", "fits"),
    [
        (MEMBER, "event.amount_minor > 1", False),
        (MEMBER, "offer.points > 1", False),
        (EVENT, "offer.taken == 0", False),
        (OFFER, "member.points >= offer.points && offer.taken == 0", True),
        (OFFER, "event.type == 'purchase'", False),
    ],
)
def test_a_scope_hides_what_is_not_known_there(scope: Scope, text: str, fits: bool) -> None:
    """An audience cannot ask about an event, a purchase cannot ask about an offer."""
    if fits:
        check(text, scope)
        return
    with pytest.raises(BadCondition, match="There is no"):
        check(text, scope)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("event.attributes['video'] == 'yes'", "the attribute 'video' is missing"),
        ("member.points / member.expiring_points > 1", "divides by zero"),
        ("member.points * 9223372036854775807 > 1", "too large"),
        ("int(event.store) > 1", "has no answer"),
    ],
)
def test_a_question_without_an_answer_is_an_error_not_a_yes(text: str, why: str) -> None:
    """The engine hands its errors over as truthy values; nobody may get points for one."""
    with pytest.raises(ConditionFailed, match=why):
        compile_condition(text, EVENT).holds(FACTS)


def test_facts_that_nobody_looked_up_are_named() -> None:
    """A missing fact is the caller's mistake and says so; facts not asked for may be missing."""
    condition = compile_condition("member.points > 3 && member.tier == 'gold'", MEMBER)

    assert condition.names == {"member.points", "member.tier"}
    with pytest.raises(ConditionFailed, match=r"needs member\.tier"):
        condition.holds({"member.points": 5})


@pytest.mark.parametrize(
    "text",
    [
        "member .points > 3",
        "member\n  . points > 3",
        "(member).points > 3",
        "member // the member's\n.points > 3",
        '"member.tier" != "" && member.points > 3',
        '["tier"].exists(member, member == "tier") && member.points > 3',
    ],
)
def test_a_name_is_found_however_it_is_written(text: str) -> None:
    """What passes the check at the desk is answered at the door: by that fact and no other."""
    condition = compile_condition(text, MEMBER)

    assert condition.names == {"member.points"}
    assert condition.fits({"member.points": 5})
    assert not condition.fits({"member.points": 3})


def test_a_fact_of_the_wrong_kind_is_an_error() -> None:
    """Nothing is guessed from a fact that came as nothing or as text."""
    for wrong in (None, "1250"):
        with pytest.raises(ConditionFailed, match=r"member\.points came as"):
            compile_condition("member.points > 3", MEMBER).holds({"member.points": wrong})


@pytest.mark.parametrize(
    "text", ['gold" || true || "', "a\\", 'a\\"b', "两行\n文字", "'", "", "\r\n\t${x}"]
)
def test_a_value_put_into_a_condition_stays_a_value(text: str) -> None:
    """A parameter's text can never become part of the rule it stands in."""
    condition = compile_condition(f"member.tier == {literal(text)}", MEMBER)

    assert condition.holds({"member.tier": text})
    assert not condition.holds({"member.tier": "silver"})


def test_attributes_reach_conditions_as_text() -> None:
    """Yes and no read as true and false, numbers as their digits, nothing is left out."""
    attributes = {"photo": True, "stars": 5, "note": "好", "none": None}

    assert attributes_as_text(attributes) == {"photo": "true", "stars": "5", "note": "好"}
