"""Every shipped template loads, compiles, and says the same thing after a trip through JSON."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.text_rules import check as check_text
from loyalty.errors import Invalid, Unknown
from loyalty.journeys.compile import compile as compile_template
from loyalty.journeys.compile import compile_example, message_variables
from loyalty.journeys.compiled import Compiled, EnterDaily, EnterMonthly, EnterOnEvent
from loyalty.journeys.load import load, load_all, load_named, load_texts
from loyalty.journeys.moments import Tell, in_order
from loyalty.journeys.plan import Await, Card, Grant
from loyalty.journeys.values import Refused, read_value
from loyalty.programme import Programme
from loyalty.templates import LOCALES, Bilingual, Parameter, Template, Text
from loyalty.timing import Length

ROOT = Path(__file__).parents[2] / "campaign_templates"
DOCUMENT = ROOT.parent / "docs" / "writing-a-template.md"
NAMES = sorted(folder.name for folder in ROOT.iterdir() if folder.is_dir())
TEMPLATES = load_all(ROOT)
REQUIRED = {
    "limited_time_exchange": {
        "opens_at": "2027-03-08T10:00:00+08:00",
        "closes_at": "2027-03-10T22:00:00+08:00",
    }
}
LONG = " || ".join(['"vip" in member.tags'] * 60)


def compiled(name: str, **values: Any) -> Compiled:
    return compile_template(TEMPLATES[name], REQUIRED.get(name, {}) | values)


def problems(name: str, **values: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        compiled(name, **values)
    return [(p["field"], p["code"]) for p in refused.value.problems]


def test_the_four_campaigns_are_there() -> None:
    """A retailer starts with these four."""
    assert NAMES == [
        "dormant_wake_up",
        "limited_time_exchange",
        "monthly_task_pack",
        "new_member_bonus",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_template_compiles_and_survives_json(name: str) -> None:
    """What was launched is what is read back from the version's row, bit for bit."""
    made = compiled(name)

    again = Compiled.model_validate_json(made.model_dump_json())

    assert again == made
    assert (again.hash, again.plan_hash) == (made.hash, made.plan_hash)
    stored = Template.model_validate_json(TEMPLATES[name].model_dump_json())
    assert stored.hash == TEMPLATES[name].hash == made.template_hash
    assert set(made.plan.nodes) >= {n.next for n in made.plan.nodes.values() if n.next}


@pytest.mark.parametrize("name", NAMES)
def test_every_message_can_be_sent_in_both_languages(name: str) -> None:
    """No text names a value that its place in the journey does not know."""
    template = TEMPLATES[name]
    variables = message_variables(template)

    assert set(template.messages) == set(variables)
    for message, texts in template.messages.items():
        assert set(texts) == set(LOCALES)
        for text in texts.values():
            for source in (text.subject, text.text):
                assert check_text(source, variables[message]) == []


def test_new_member_bonus_has_the_figures_of_the_programme() -> None:
    """500 points, a double card for 7 days, 300 each for inviter and invitee within 30 days."""
    made = compiled("new_member_bonus")
    steps = {id: node.step for id, node in made.plan.nodes.items()}

    assert made.enter == EnterOnEvent(on="member.registered")
    assert made.reentry.rule == "once_per_member"
    assert made.holdout_bp == 1000
    assert steps["grant"] == Grant(points=500)
    assert steps["card"] == Card(multiplier_bp=20_000, lasts=Length(days=7))
    assert steps["invitee_reward"] == Grant(points=300)
    assert steps["inviter_reward"] == Grant(points=300, to="inviter")
    wait = steps["first_order"]
    assert isinstance(wait, Await)
    assert wait.until.after == Length(days=30)
    first = wait.remind[0].at
    assert first is not None
    assert (first.after, first.minus) == (Length(days=7), Length(days=2))


def test_monthly_task_pack_has_three_tasks_at_once() -> None:
    """3 purchases bring 1,000, a review with a photo 200; late uploads count."""
    made = compiled("monthly_task_pack")
    wait = made.plan.nodes["tasks"].step

    assert made.enter == EnterMonthly(day=1, at="09:00")
    assert made.reentry.may_overlap
    assert isinstance(wait, Await)
    purchases, check_ins, review = wait.goals
    assert (purchases.count, purchases.once_per) == (3, "day_and_store")
    assert purchases.where == "event.amount_minor >= 2000"
    assert purchases.reward[0] == Grant(points=1000)
    assert purchases.almost is not None
    assert (check_ins.on, check_ins.count, check_ins.once_per) == ("check_in", 5, "day")
    assert (review.on, review.count, review.reward[0]) == ("review", 1, Grant(points=200))
    assert (wait.until.end_of, wait.lateness, wait.settle) == (
        "month",
        Length(days=3),
        "at_deadline",
    )


def test_dormant_wake_up_tries_twice_by_two_channels_and_rests() -> None:
    """Points about to expire first, a double card by e-mail next, then ninety days of rest."""
    made = compiled("dormant_wake_up")
    nodes = made.plan.nodes

    assert made.enter == EnterDaily(at="10:00")
    assert made.audience == "(member.purchases > 0) && (member.days_since_purchase >= 90) && (true)"
    assert (made.reentry.rule, made.reentry.after) == ("again_after", Length(days=90))
    first, second = nodes["first_try"], nodes["second_try"]
    assert isinstance(first.step, Await)
    assert isinstance(second.step, Await)
    assert (first.step.missed, nodes["was_awake"].next) == ("was_awake", "card")
    assert (second.step.missed, second.next) == ("end_gave_up", "notify_welcome_back")
    assert nodes["notify_double_points"].step.model_dump()["channels"] == ("email",)
    assert nodes["notify_welcome_back"].next == "end_woken"


def test_limited_time_exchange_opens_and_closes_by_itself() -> None:
    """Announced a day before, last hours six hours before the end, in the programme's zone."""
    made = compiled("limited_time_exchange")

    coming = [(f"{at:%d %H:%M}", m.id) for at, m in in_order(made.moments, Programme().tz)]
    assert coming == [
        ("07 02:00", "announce"),
        ("08 02:00", "open"),
        ("10 08:00", "last_hours"),
        ("10 14:00", "close"),
    ]
    assert made.exchange is not None
    assert (made.exchange.stock, made.exchange.per_member) == (100, 1)
    assert made.exchange.hold == Length(seconds=900)
    assert (made.enter, made.plan.start) == (None, None)
    last_hours = made.moments[2].act
    assert isinstance(last_hours, Tell)
    assert "offer.taken == 0" in (last_hours.where or "")


# --- the marketer's values ------------------------------------------------------------------------


def test_wrong_values_are_listed_by_field() -> None:
    """All at once, each with what would fit."""
    assert sorted(
        problems(
            "new_member_bonus",
            welcome_points=6000,
            double_days="a week",
            multiplier=1,
            holdout="60%",
            welcom_points=5,
        )
    ) == [
        ("double_days", "not_whole"),
        ("holdout", "too_large"),
        ("multiplier", "too_small"),
        ("welcom_points", "unknown_parameter"),
        ("welcome_points", "too_large"),
    ]


@pytest.mark.parametrize(
    ("name", "values", "field", "code"),
    [
        ("new_member_bonus", {"welcome_points": 12.5}, "welcome_points", "not_whole"),
        ("new_member_bonus", {"welcome_points": True}, "welcome_points", "not_whole"),
        ("new_member_bonus", {"multiplier": "NaN"}, "multiplier", "not_a_number"),
        ("new_member_bonus", {"multiplier": "1e9999999"}, "multiplier", "not_a_number"),
        ("monthly_task_pack", {"start_at": "24:00"}, "start_at", "not_a_time"),
        ("monthly_task_pack", {"audience": "member.teir == 'x'"}, "audience", "bad_condition"),
        ("monthly_task_pack", {"audience": "true) || (true"}, "audience", "bad_condition"),
        ("limited_time_exchange", {"sku": "a b"}, "sku", "not_a_sku"),
        ("limited_time_exchange", {"title_en": " "}, "title_en", "wrong_length"),
        ("limited_time_exchange", {"opens_at": "2027-03-08"}, "opens_at", "not_a_datetime"),
        ("limited_time_exchange", {"opens_at": "2027-03-08T10:00"}, "opens_at", "no_offset"),
        ("limited_time_exchange", {"opens_at": None}, "opens_at", "missing"),
        (
            "limited_time_exchange",
            {"closes_at": "9999-12-31T23:59:59-08:00"},  # meant as "never"
            "closes_at",
            "out_of_bounds",
        ),
        (
            "limited_time_exchange",
            {"opens_at": "0001-01-01T00:00:00+08:00"},
            "opens_at",
            "out_of_bounds",
        ),
        (
            "limited_time_exchange",
            {"closes_at": "2027-03-01T10:00:00Z"},
            "exchange.closes_at",
            "closes_before_open",
        ),
        # Each may be judged; both together, as whoever is told, are longer than a condition may be.
        ("limited_time_exchange", {"audience": LONG, "who": LONG}, "audience", "bad_condition"),
    ],
)
def test_a_wrong_value_is_refused(name: str, values: dict[str, Any], field: str, code: str) -> None:
    """Nothing that does not fit is launched."""
    assert problems(name, **values) == [(field, code)]


def test_a_date_without_offset_is_read_in_the_zone_of_the_programme() -> None:
    """Ten o'clock means ten o'clock where the shops are, when the caller says where that is."""
    values = {"opens_at": "2027-03-08T10:00", "closes_at": "2027-03-10T22:00"}
    template = TEMPLATES["limited_time_exchange"]

    made = compile_template(template, values, zone=Programme().tz)

    assert made == compiled("limited_time_exchange")


@pytest.mark.parametrize(
    ("given", "plain"), [("7.5%", "7.5%"), (10, "10%"), (0, "0%"), ("50 %", "50%")]
)
def test_a_percentage_is_exact(given: Any, plain: str) -> None:
    """Shares are kept in basis points, never as floats."""
    made = compiled("dormant_wake_up", holdout=given)

    assert made.values["holdout"] == plain
    assert made.holdout_bp == int(float(plain.removesuffix("%")) * 100)


@pytest.mark.parametrize("given", [True, "true", "True"])
def test_a_yes_may_be_said_or_written(given: Any) -> None:
    """A shell has words only; what is neither yes nor no is refused."""
    label = Bilingual(en="Twice?", zh="两次？")
    parameter = Parameter(type="bool", label=label, help=label)

    assert read_value(parameter, given).plain is True
    assert read_value(parameter, "false").plain is False
    with pytest.raises(Refused):
        read_value(parameter, "perhaps")


def fitting(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Any value that the form would let a marketer enter."""
    low, high = parameter.min, parameter.max
    if parameter.type == "multiplier":
        return st.decimals(str(low), str(high), places=2).map(str)
    if parameter.type == "percent":
        return st.decimals(str(low), str(high), places=1).map(lambda n: f"{n}%")
    if parameter.type == "local_time":
        return st.tuples(st.integers(0, 23), st.integers(0, 59)).map(
            lambda t: f"{t[0]:02}:{t[1]:02}"
        )
    if parameter.type == "condition":
        return st.sampled_from(["true", "member.points > 3 || false", "'金卡' == member.tier"])
    if parameter.type in ("text", "sku"):
        letters = st.sampled_from("aZ9" if parameter.type == "sku" else 'aZ9 "\\${杯}')
        return st.text(letters, min_size=1, max_size=20).filter(lambda t: bool(t.strip()))
    if parameter.type == "datetime":
        return st.just(parameter.example)
    return st.integers(int(low or 0), int(high or 100))


@pytest.mark.parametrize("name", NAMES)
def test_any_values_within_bounds_compile(name: str) -> None:
    """A marketer who keeps to the form can always launch."""
    parameters = TEMPLATES[name].parameters

    @settings(max_examples=40, deadline=None)
    @given(st.fixed_dictionaries({n: fitting(p) for n, p in parameters.items()}))
    def every(values: dict[str, Any]) -> None:
        made = compile_template(TEMPLATES[name], values)
        assert Compiled.model_validate_json(made.model_dump_json()) == made
        assert set(made.values) == set(parameters)

    every()


def test_other_values_are_another_version() -> None:
    """Every version has its own hash; the plan's changes only when the journey does."""
    one, other = compiled("new_member_bonus"), compiled("new_member_bonus", holdout="5%")

    assert one.hash != other.hash
    assert one.plan_hash == other.plan_hash
    assert compiled("new_member_bonus", welcome_points=1).plan_hash != one.plan_hash


def test_money_in_a_message_says_that_it_is_money() -> None:
    """2000 in the row is read as twenty yuan, not as two thousand."""
    carried = compiled("monthly_task_pack").message_values

    assert carried["values.minimum_spend"] == {"type": "money", "value": 2000}
    assert carried["values.purchases"] == 3


# --- reading folders ------------------------------------------------------------------------------


def test_an_unknown_template_is_named() -> None:
    """A misspelt or malicious name finds nothing."""
    for name in ("birthday", "../secrets", "new_member_bonus/.."):
        with pytest.raises(Unknown, match="There is no template"):
            load_named(ROOT, name)
    assert load_named(ROOT, "new_member_bonus").name == "new_member_bonus"


def test_the_example_of_the_documentation_works(tmp_path: Path) -> None:
    """Whoever copies the page's example has a campaign that launches."""
    folder = tmp_path / "first_reviews"
    blocks = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.M | re.S)
    for path, text in blocks:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")

    template = load(folder)

    assert compile_example(template).plan.start == "notify_invitation"
    for message, known in message_variables(template).items():
        for text in template.messages[message].values():
            assert check_text(text.subject + "\n" + text.text, known) == []


def test_texts_are_carried_as_written() -> None:
    """Subject and text of a file, without the blank line between."""
    files = {
        "campaign.yaml": (
            "name: t\ntitle: {en: T, zh: 题}\nsummary: {en: S, zh: 摘}\nenter: api\n"
            "journey:\n  - notify: hi\n"
        ),
        "messages/hi.en.j2": "Subject: Hi: {{ member.tier }}\n\nOne\n\nTwo\n",
        "messages/hi.zh.j2": "Subject: 你好\n\n一\n",
    }

    assert load_texts("t", files).messages["hi"]["en"] == Text(
        subject="Hi: {{ member.tier }}", text="One\n\nTwo"
    )
