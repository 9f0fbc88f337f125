"""Texts: what a marketer may write, what is refused before launch, how values read."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from delivery.render import MAX_OUTPUT, CannotRender, render
from delivery.text_rules import check
from loyalty.message_context import ALWAYS, CARD, OFFER, WAIT, Variable, goal_variables

SHANGHAI = ZoneInfo("Asia/Shanghai")
VARIABLES = (*ALWAYS, *CARD, *WAIT, *OFFER, *goal_variables("items", 3))
VALUES: dict[str, Any] = {v.name: v.example for v in VARIABLES}


def said(text: str, locale: str = "en", **values: Any) -> str:
    known = {name.replace("__", "."): value for name, value in values.items()}
    return render({"subject": "", "text": text}, VALUES | known, locale, SHANGHAI).text


def codes(text: str, variables: tuple[Variable, ...] = VARIABLES) -> list[str]:
    return [problem.code for problem in check(text, variables)]


# --- how values read ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        ("{{ points.available }}", "1,250", "1,250"),
        ("{{ points.available|points }}", "1,250", "1,250"),
        ("{{ points.expiring_on|default('?') }}", "March 31, 2027", "2027年3月31日"),
        ("{{ card.ends_on }}", "March 8, 2027 10:00 AM", "2027年3月8日 10:00"),
        ("{{ card.ends_on|date }}", "March 8, 2027", "2027年3月8日"),
        ("{{ card.ends_on|date('medium') }}", "Mar 8, 2027", "2027年3月8日"),
        ("{{ card.ends_on|time }}", "10:00 AM", "10:00"),
        ("{{ card.multiplier }}x", "2x", "2x"),
        ("{{ member.tier|upper }}", "GOLD", "GOLD"),
        ("{{ goals.items.count }} of {{ goals.items.needed }}", "2 of 3", "2 of 3"),
        ("{{ 'yes' if points.expiring > 0 else 'no' }}", "yes", "yes"),
        ("{% if member.tier == 'gold' %}Gold{% else %}-{% endif %}", "Gold", "Gold"),
    ],
)
def test_values_read_as_the_language_writes_them(text: str, en: str, zh: str) -> None:
    assert codes(text) == []
    assert said(text, "en") == en
    assert said(text, "zh") == zh


def test_a_name_that_is_not_known_is_left_out_politely() -> None:
    """A member without a first name is greeted without one, never as None."""
    greeting = "Hello{% if member.first_name %} {{ member.first_name }}{% endif %}!"
    polite = "Hello {{ member.first_name|default('friend') }}!"

    assert codes(greeting) == codes(polite) == []
    assert said(greeting) == "Hello Lee!"
    assert said(greeting, member__first_name=None) == "Hello!"
    assert said(polite, member__first_name=None) == "Hello friend!"


def test_dates_follow_the_programmes_zone() -> None:
    text = {"subject": "s", "text": "{{ wait.ends_on|date }}"}

    assert render(text, VALUES, "en", ZoneInfo("UTC")).text == "March 31, 2027"
    assert render(text, VALUES, "en", SHANGHAI).text == "April 1, 2027"


def test_a_subject_is_one_line_and_not_endless() -> None:
    text = {"subject": "Hi\r\nBcc: all@example.com {{ campaign.name }}", "text": "t"}

    subject = render(text, VALUES | {"campaign.name": "x" * 999}, "en", SHANGHAI).subject

    assert subject.startswith("Hi Bcc: all@example.com xxx")
    assert "\n" not in subject
    assert len(subject) == 300


def test_a_locale_nobody_knows_reads_as_english() -> None:
    assert said("{{ card.ends_on|date }}", "xx-YY") == "March 8, 2027"
    assert said("{{ card.ends_on|date }}", "zh-CN") == "2027年3月8日"


def test_what_a_value_contains_is_never_run() -> None:
    """A member called {{ points.available }} is greeted by that name."""
    assert said("{{ member.first_name }}", member__first_name="{{ 7 }}") == "{{ 7 }}"


# --- what is refused before launch --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ member.nickname }}", "undefined"),
        ("{{ nobody }}", "undefined"),
        ("{{ member }}", "undefined"),
        ("{{ goals.visits.count }}", "undefined"),
        ("{{ nobody|default('x') }}", "undefined"),
        ("{% if nobody %}x{% endif %}", "undefined"),
        ("{{ member.first_name }}", "may_be_empty"),
        ("{% if points.expiring > 0 %}{{ reward.name }}{% endif %}", "may_be_empty"),
        ("{% if not reward.name %}{{ reward.name }}{% endif %}", "may_be_empty"),
        ("{% if reward.name or member.tier %}{{ reward.name }}{% endif %}", "may_be_empty"),
        ("{% for x in member.tags %}{{ x }}{% endfor %}", "forbidden"),
        ("{{ range(10) }}", "forbidden"),
        ("{{ member.tier.upper() }}", "forbidden"),
        ("{{ 'a' * 1000000000 }}", "forbidden"),
        ("{{ 10 ** 10 }}", "forbidden"),
        ("{{ points.available + 1 }}", "forbidden"),
        ("{{ 'a' ~ 'b' }}", "forbidden"),
        ("{{ member['tier'] }}", "forbidden"),
        ("{{ [1, 2] }}", "forbidden"),
        ("{{ {'a': 1} }}", "forbidden"),
        ("{% set x = 1 %}", "forbidden"),
        ("{% include 'secrets' %}", "forbidden"),
        ("{% import 'os' as os %}", "forbidden"),
        ("{% macro m() %}{% endmacro %}", "forbidden"),
        ("{% filter upper %}x{% endfilter %}", "forbidden"),
        ("{{ 'a' in member.tier }}", "forbidden"),
        ("{{ member.tier is defined }}", "forbidden"),
        ("{{ 'x' if points.expiring }}", "forbidden"),
        ("{{ ''.__class__ }}", "forbidden"),
        ("{{ member.__class__.__mro__ }}", "undefined"),
        ("{{ _locale }}", "undefined"),
        ("{{ member.tier|center(99999999) }}", "unknown_filter"),
        ("{{ member.tier|map('upper') }}", "unknown_filter"),
        ("{{ '%s'|format(member.tier) }}", "unknown_filter"),
        ("{{ member.tier|date }}", "wrong_type"),
        ("{{ card.ends_on|points }}", "wrong_type"),
        ("{{ points.expiring_on|default('-')|time }}", "wrong_type"),
        ("{% if member.tier > 3 %}x{% endif %}", "wrong_type"),
        ("{{ card.ends_on|date('iso') }}", "arguments"),
        ("{{ 'today'|date }}", "cannot_render"),
        ("{{ member.tier|default }}", "arguments"),
        ("{{ member.tier|upper('x') }}", "arguments"),
        ("{{ member.tier", "syntax"),
        ("{% if member.tier %}", "syntax"),
        ("x" * 20_001, "too_long"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "too_deep"),
        ("{{ a" + ".b" * 5000 + " }}", "too_deep"),
        ("{{ member.tier" + "|upper" * 500 + " }}", "too_deep"),
        ("{% if member.tier %}" * 150 + "x" + "{% endif %}" * 150, "too_deep"),
        ("{{ " + "9" * 5000 + " }}", "too_deep"),
    ],
)
def test_a_text_that_could_fail_or_do_harm_is_refused(text: str, code: str) -> None:
    assert code in codes(text)


@pytest.mark.parametrize(
    "text",
    [
        "Plain words, 中文, {# a note #} and 100%.",
        "{% if reward.name and points.available > 5 %}{{ reward.name }}{% endif %}",
        "{% if not reward.name %}-{% else %}{{ reward.name }}{% endif %}",
        "{% if not reward.name %}-{% elif points.expiring %}{{ reward.name }}{% endif %}",
        "{% if not (reward.name and member.first_name) %}-{% endif %}",
        "{{ reward.name if reward.name else 'nothing' }}",
        "{% if member.first_name == 'Lee' %}Lee!{% endif %}",
        "{% if member.tier != 'gold' or points.available >= 10 %}x{% endif %}",
    ],
)
def test_an_honest_text_passes_and_renders(text: str) -> None:
    assert codes(text) == []
    assert said(text) is not None


def test_a_problem_says_where_and_what_was_meant() -> None:
    text = "Hello\n\n{{ member.teir }} and {{ points.avialable }}"

    first, second = check(text, VARIABLES, file="messages/welcome.en.j2")

    assert (first.file, first.line, first.field) == ("messages/welcome.en.j2", 3, "text")
    assert "Did you mean member.tier?" in first.message
    assert "Did you mean points.available?" in second.message
    assert "member.tier" in first.allowed


# --- what fails at delivery, loudly -------------------------------------------------------------


def test_a_name_without_a_value_fails_the_message() -> None:
    """Better no message than one with a hole: the operator sees which name was missing."""
    with pytest.raises(CannotRender, match=r"ends_on"):
        render({"subject": "s", "text": "{{ card.ends_on }}"}, {"card.x": 1}, "en", SHANGHAI)


def test_a_message_that_grows_without_end_is_cut_off() -> None:
    long = "{{ campaign.name }}" * 5

    with pytest.raises(CannotRender, match="longer"):
        said(long, campaign__name="x" * (MAX_OUTPUT // 4))


def test_the_sandbox_holds_even_for_a_text_that_was_never_checked() -> None:
    for attack in ("{{ member.__class__ }}", "{{ member.__init__.__globals__ }}"):
        with pytest.raises(CannotRender):
            said(attack)
