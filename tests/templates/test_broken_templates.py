"""A broken template says where it is broken and what would be right, all problems at once."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from loyalty.conditions import EVENT
from loyalty.journeys.load import load_texts
from loyalty.templates import BrokenTemplate, Problem

ROOT = Path(__file__).parents[2] / "campaign_templates"

GOOD = """\
name: treat
title: {en: Treat, zh: 礼遇}
summary: {en: A treat., zh: 一份礼遇。}
parameters:
  gift_points:
    type: points
    default: 100
    min: 1
    max: 500
    label: {en: Gift, zh: 赠送积分}
    help: {en: Given once., zh: 发放一次。}
  wait_days:
    type: days
    default: 7
    label: {en: Days, zh: 天数}
    help: {en: To buy., zh: 购买期限。}
enter: {on: member.registered, where: event.channel == "app"}
audience: member.purchases > 0
journey:
  - grant: $gift_points
  - id: order
    await: {on: purchase, where: event.amount_minor > 0, within: $wait_days}
    met:
      - notify: thanks
    missed:
      - end: gave_up
  - end: done
"""
TEXTS = {
    "messages/thanks.en.j2": "Subject: Thanks\n\nThank you.\n",
    "messages/thanks.zh.j2": "Subject: 感谢\n\n谢谢您。\n",
}


def found(yaml: str, texts: dict[str, str] | None = None) -> list[Problem]:
    """What is wrong with a template of these files."""
    files = {"campaign.yaml": yaml, **(TEXTS if texts is None else texts)}
    with pytest.raises(BrokenTemplate) as broken:
        load_texts("treat", files)
    return list(broken.value.found)


def test_the_template_that_the_table_breaks_is_whole() -> None:
    """Every row below breaks exactly one thing."""
    assert load_texts("treat", {"campaign.yaml": GOOD, **TEXTS}).name == "treat"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "enter: {on: member",
            "entre: {on: member",
            "campaign.yaml:17: entre: There is no section 'entre'. Did you mean enter?",
        ),
        (
            "name: treat",
            "name: treats",
            "campaign.yaml:1: name: The template is called 'treats', its folder 'treat'.",
        ),
        (
            "title: {en: Treat, zh: 礼遇}",
            "title: {en: Treat}",
            "campaign.yaml:2: title.zh: This is",
        ),
        (
            "grant: $gift_points",
            "grant: $gift_point",
            "campaign.yaml:20: step 'grant', grant: There is no parameter 'gift_point'."
            " Did you mean gift_points? Allowed: gift_points, wait_days.",
        ),
        (
            "- grant: $gift_points",
            "- gramt: $gift_points",
            "campaign.yaml:20: journey.0: There is no step 'gramt'. Did you mean grant? Allowed:",
        ),
        (
            "grant: $gift_points",
            "grant: {points: $gift_points, too: inviter}",
            "campaign.yaml:20: step 'grant', grant.too: There is no field 'too'. Did you mean to?",
        ),
        (
            "grant: $gift_points",
            "grant: {points: $gift_points, to: inviters}",
            "campaign.yaml:20: step 'grant', grant.to: 'inviters' is not one of the choices."
            " Did you mean inviter? Allowed: member, inviter.",
        ),
        (
            "grant: $gift_points",
            "grant: $wait_days",
            "step 'grant', grant.points: A whole number is wanted here, not the length P7D.",
        ),
        (
            "notify: thanks",
            "notify: thank",
            "campaign.yaml:24: step 'notify_thank', notify: There is no message 'thank'."
            " Did you mean thanks? Allowed: thanks.",
        ),
        (
            "notify: thanks",
            "notify: {message: thanks, channels: [e-mail]}",
            "notify.channels.0: 'e-mail' is not one of the choices. Did you mean email?"
            " Allowed: inbox, email, webhook.",
        ),
        (
            "on: purchase,",
            "on: purchases,",
            "campaign.yaml:22: step 'order', await.on: There is no event type 'purchases'."
            " Did you mean purchase?",
        ),
        (
            "event.amount_minor > 0",
            "purchase.amout > 0",
            "campaign.yaml:22: step 'order', await.where: There is no 'purchase.amout' here."
            " Did you mean event.amount_minor? (character 1 of: purchase.amout > 0)",
        ),
        (
            "member.purchases > 0",
            "event.amount_minor > 0",
            "campaign.yaml:18: audience: There is no 'event.amount_minor' here.",
        ),
        (
            "member.purchases > 0",
            "member.points > ${gift}",
            "campaign.yaml:18: audience: There is no parameter 'gift'. Did you mean gift_points?",
        ),
        (
            "within: $wait_days",
            "within: 7 days",
            "campaign.yaml:22: step 'order', await.within: A length is wanted here, not '7 days'."
            " Allowed: P30D, P1M, PT6H ..., a days parameter.",
        ),
        (
            "within: $wait_days",
            "count: 1",
            "step 'order', await: A wait says when it ends: `within` (a length) or `until`",
        ),
        (
            "within: $wait_days",
            "count: 0, within: $wait_days",
            "step 'order', await.count: 0 is out of bounds. Allowed: from 1 to 1000.",
        ),
        (
            "within: $wait_days",
            "within: $wait_days, almost: thanks",
            "await.almost: With a count of 1 nobody is ever one short: leave `almost` out.",
        ),
        (
            "within: $wait_days",
            "within: $wait_days, remind: {message: thanks}",
            "await.remind: A reminder says when: `at` (counted from the wait's start) or",
        ),
        (
            "within: $wait_days",
            "until: {after: P1D, end_of: month}, lateness: $wait_days",
            "await.until: A moment is exactly one of `after`, `at` and `end_of`.",
        ),
        (
            "where: event.amount_minor > 0",
            "where: event.amount_minor > 0 && member.purchases == 1",
            "campaign.yaml:22: step 'order', await.where: member.purchases changes, and every look"
            " at a goal judges all of its acts again: ask it in `audience` or in a `branch`, or ask"
            " event.first_purchase here. Allowed: event.amount_minor, event.attributes,",
        ),
        (
            "where: event.amount_minor > 0",
            "where: now < timestamp('2027-03-08T10:00:00Z')",
            "step 'order', await.where: now changes, and every look",
        ),
        (
            "audience: member",
            "goal: {on: purchase, where: member.tier == 'gold', within: P7D}\naudience: member",
            "campaign.yaml:18: goal.where: member.tier changes, and every look",
        ),
        (
            "within: $wait_days",
            'until: {at: "9999-12-31T00:00:00Z"}, lateness: $wait_days',
            "step 'order', await.until.at: The year 9999 is out of bounds. Allowed: from 2000 to",
        ),
        (
            "within: $wait_days",
            "within: $wait_days, remind: {id: purchase, message: thanks, before_end: P1D}",
            "campaign.yaml:22: step 'order', await: Two goals or reminders would be called"
            " 'purchase': give one of them an `id`.",
        ),
        (
            "within: $wait_days",
            "within: $wait_days, remind: [{message: thanks, at: P1D}, {message: thanks, at: P2D}]",
            "step 'order', await: Two goals or reminders would be called 'remind_thanks'",
        ),
        (
            "on: purchase, where: event.amount_minor > 0,",
            "goals: [{on: purchase}, {on: purchase, count: 2}],",
            "step 'order', await: Two goals or reminders would be called 'purchase'",
        ),
        (
            "  - end: done\n",
            "  - end: done\n  - notify: thanks\n",
            "campaign.yaml:24: step 'notify_thanks', step: Two steps would be called 'notify_thank",
        ),
        (
            "  - end: done\n",
            "  - end: done\n  - tag: bought\n",
            "campaign.yaml:28: step 'tag', step: No member can reach this step: the one before it"
            " ends every way.",
        ),
        (
            "      - notify: thanks\n",
            "      - notify: thanks\n      - end: thanked\n",
            "campaign.yaml:28: step 'end_done', step: No member can reach this step",
        ),
        (
            "  - end: done\n",
            "  - grant: 5\n",
            "campaign.yaml:27: step 'grant', step: Two steps would be called 'grant': give one of"
            " them an `id`.",
        ),
        ("id: order", "id: Order", "campaign.yaml:21: step 'Order', id: 'Order' is not a name:"),
        ("id: order", "id: entry", "step 'entry', id: 'entry' is kept for the decision to admit"),
        (
            "- grant: $gift_points",
            "- {grant: $gift_points, notify: thanks}",
            "campaign.yaml:20: journey.0: One step does one thing; here stand grant and notify.",
        ),
        (
            "enter: {on: member.registered, where",
            "enter: {weekly: 1, where",
            "campaign.yaml:17: enter: Members enter in exactly one way. Allowed: {on: event type}",
        ),
        (
            "audience:",
            "reentry: {once: per_period}\naudience:",
            "campaign.yaml:18: reentry: Only a monthly or daily campaign has periods.",
        ),
        ("audience:", "holdout: 60%\naudience:", "campaign.yaml:18: holdout: More than half held"),
        ("    default: 100", "    default: 501", "gift_points.default: 501 is above 500. Allowed:"),
        ("    type: days", "    type: day", "wait_days.type: 'day' is not one of the choices."),
        (
            "    default: 7\n",
            "",
            "campaign.yaml:12: parameters.wait_days: A parameter without a default needs an exam",
        ),
        (
            "within: $wait_days",
            "within: P7D",
            "campaign.yaml:12: parameters.wait_days: Nothing uses the parameter 'wait_days'.",
        ),
        ("      - notify: thanks\n", "      - tag: x\n", "journey: No step sends the message 'tha"),
        ("audience:", "enter: once\naudience:", "campaign.yaml:18: file: 'enter' stands here twic"),
        (
            "- grant: $gift_points",
            "- grant: !!python/name:os.system ''",
            "file: Aliases (*) and tags",
        ),
        (
            'app"}\naudience: member',
            'app"}\naudience: &a [*a]\nx: member',
            "campaign.yaml:18: file: ",
        ),
        ("{en: A treat.", "{en: A: treat.", "campaign.yaml:3: file: This is not YAML:"),
    ],
)
def test_a_broken_template_says_what_would_be_right(old: str, new: str, said: str) -> None:
    """File, line, step, field, what is wrong, what is allowed."""
    assert GOOD.count(old) == 1

    problems = [str(problem) for problem in found(GOOD.replace(old, new))]

    assert any(said.casefold() in problem.casefold() for problem in problems), problems


@pytest.mark.parametrize("fact", sorted(EVENT.variables))
def test_a_goal_asks_nothing_that_could_undo_it(fact: str) -> None:
    """A reward of 500 must not end because the 500 made somebody rich, or the month went by."""
    files = {"campaign.yaml": GOOD.replace("event.amount_minor > 0", f"{fact} == {fact}"), **TEXTS}

    if fact.startswith("event.") or fact in ("member.source", "member.has_inviter"):
        assert load_texts("treat", files)
    else:
        assert [(p.field, p.code) for p in found(files["campaign.yaml"])] == [
            ("await.where", "changing_fact")
        ]


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("messages/thanks.zh.j2", None, "messages/thanks.zh.j2:1: file: The message 'thanks' has"),
        ("messages/thanks.en.j2", "Hello\n\nYou\n", "The first line is `Subject: ` and the subj"),
        ("messages/thanks.en.j2", "Subject: Hi\nYou\n", "j2:2: file: The second line is empty."),
        ("messages/thanks.en.j2", "Subject: Hi\n\n", "j2:3: file: The message has no text."),
        ("messages/thanks.en.j2", "Subject: Hi\n\n" + "a" * 4001, "has 4001 characters. Allowed"),
        (
            "messages/thanks.fr.j2",
            "Subject: Hi\n\nYou\n",
            "Not a message's file. Allowed: messages/<mess",
        ),
        ("messages/notes.txt", "Buy milk", "messages/notes.txt:1: file: Not a message's file."),
    ],
)
def test_broken_messages_are_named(path: str, text: str | None, said: str) -> None:
    """Every text exists in both languages and has a subject and a body."""
    texts = {name: body for name, body in {**TEXTS, path: text}.items() if body is not None}

    problems = [str(problem) for problem in found(GOOD, texts)]

    assert any(said in problem for problem in problems), problems


def test_a_reminder_of_a_message_with_a_long_name_needs_a_short_id() -> None:
    """The name of the message fits, the name of the reminder made of it does not."""
    long = "a" * 45
    texts = TEXTS | {f"messages/{long}.{locale}.j2": "Subject: S\n\nT" for locale in ("en", "zh")}
    remind = "within: $wait_days, remind: {%smessage: " + long + ", before_end: P1D}"

    problems = found(GOOD.replace("within: $wait_days", remind % ""), texts)

    assert [(p.field, p.code) for p in problems] == [("await.remind.id", "not_a_name")]
    short = GOOD.replace("within: $wait_days", remind % "id: soon, ")
    assert load_texts("treat", {"campaign.yaml": short, **texts})


def test_all_problems_come_at_once() -> None:
    """Nobody mends a template one error message at a time."""
    broken = (
        GOOD.replace("on: purchase,", "on: purchases,")
        .replace("grant: $gift_points", "grant: -1")
        .replace("member.purchases > 0", "member.purchase > 0")
    )

    assert {(p.field, p.code) for p in found(broken)} == {
        ("await.on", "unknown_event_type"),
        ("grant.points", "out_of_bounds"),
        ("audience", "bad_condition"),
        ("parameters.gift_points", "unused_parameter"),
    }


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("title: {en: Treat, zh: 礼遇}", "title: {en: Treat}", "title.zh"),
        ("name: treat", "name: treats", "name"),
        ("enter: {on", "entre: {on", "entre"),
    ],
)
def test_a_fault_at_the_top_hides_none_further_down(old: str, new: str, field: str) -> None:
    """A title without Chinese is no reason to say nothing of the journey, and invents no other."""
    broken = GOOD.replace(old, new).replace("member.purchases > 0", "member.purchase > 0")

    fields = {problem.field for problem in found(broken)}

    assert fields == {field, "audience"}


@pytest.mark.parametrize(
    "yaml",
    [
        "",
        "- a\n- b\n",
        "just text",
        "name: treat\njourney: 3\n",
        "? {a: 1}\n: 2\n",
        "\t",
        "a: {b: [",
        "[" * 90_000,  # deeper than any stack
    ],
)
def test_nonsense_is_refused_not_crashed_on(yaml: str) -> None:
    """Whatever stands in the file, the answer is a list of problems."""
    assert found(yaml)


@pytest.mark.parametrize(
    "journey",
    [
        "3",
        "[3]",
        "[[]]",
        "[{}]",
        "[{await: 3}]",
        "[{await: {goals: 3, within: P1D}}]",
        "[{await: {goals: [3, {on: 4}], within: P1D}}]",
        "[{await: {on: purchase, reward: 3, within: P1D}}]",
        "[{await: {on: purchase, reward: [3], within: P1D}, met: 3}]",
        "[{await: {on: purchase, within: P1D, remind: [3, {message: thanks, at: 3}]}}]",
        "[{await: {on: purchase, until: [], remind: 3}}]",
        "[{branch: 3, then: {a: 1}}]",
        "[{branch: [true, 3]}]",
        "[{split: 3}]",
        "[{split: [3, {arm: a, weight: 0}, {arm: b, weight: 1, steps: 3}]}]",
        "[{wait: {}}, {wait: {for: {}}}, {wait: []}]",
        "[{grant: {}}, {card: 2}, {coupon: x}, {tag: [x]}, {notify: [x]}, {end: {}}]",
        "[{id: {}, end: done}, {id: 3, end: done}]",
    ],
)
def test_wrong_shapes_are_problems_not_crashes(journey: str) -> None:
    """A list where fields belong, a number where a list belongs: each is said, none blows up."""
    head = GOOD.split("journey:")[0]

    problems = found(f"{head}journey: {journey}\n")

    assert any(problem.field != "parameters" and problem.line >= 19 for problem in problems)


def changed(part: Any, odd: Any) -> Iterator[Any]:
    """`part` with each of its places in turn taken by `odd`."""
    yield odd
    if isinstance(part, (dict, list)):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            for other in changed(value, odd):
                copy = dict(part) if isinstance(part, dict) else list(part)
                copy[key] = other
                yield copy


def filled(part: Any, figures: dict[str, Any]) -> Any:
    """`part` with the defaults of all parameters filled in, so that the text stays short."""
    if isinstance(part, dict):
        return {key: filled(value, figures) for key, value in part.items()}
    if isinstance(part, list):
        return [filled(value, figures) for value in part]
    for name, figure in figures.items():
        value = figure.get("default", figure.get("example"))
        part = part.replace(f"${{{name}}}", value)
        if part == f"${name}":
            part = f"P{value}D" if figure["type"] == "days" else value
    return int(part) if part.isdigit() else part


@pytest.mark.parametrize("odd", [3, {"a": 1}])
@pytest.mark.parametrize("name", ["limited_time_exchange", "monthly_task_pack"])
def test_anything_anywhere_is_read_or_refused(name: str, odd: Any) -> None:
    """Whatever a marketer puts wherever, reading it ends with a template or a list of problems."""
    folder = ROOT / name
    files = {f"messages/{p.name}": p.read_text("utf-8") for p in (folder / "messages").iterdir()}
    whole = yaml.load((folder / "campaign.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)
    figures = whole.pop("parameters")
    whole = filled(whole, figures)
    assert load_texts(name, {"campaign.yaml": yaml.safe_dump(whole), **files})

    for broken in changed(whole, odd):
        with suppress(BrokenTemplate):
            load_texts(name, {"campaign.yaml": yaml.safe_dump(broken), **files})
