"""Where a problem stands: the line and the column at which whoever wrote it has to look."""

import pytest

from loyalty.earning.load import read_rules
from loyalty.journeys.load import load_texts
from loyalty.templates import BrokenTemplate
from tests.stories import SHANGHAI
from tests.templates.test_broken_templates import GOOD, TEXTS


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "code"),
    [
        # A field stands where its name begins, also behind Chinese characters on its line.
        ("enter: {on: member", "entre: {on: member", 17, 1, "unknown_section"),
        ("title: {en: Treat, zh: 礼遇}", "title: {zh: 礼遇, ne: Treat}", 2, 17, "unknown_field"),
        ("on: member.registered", "on: member.joined", 17, 9, "unknown_event_type"),
        ("member.purchases > 0", "member.purchase > 0", 18, 1, "bad_condition"),
        # A step stands where its first field begins; what is missing, where it belongs.
        ("- grant: $gift_points", "- gramt: $gift_points", 20, 5, "unknown_step"),
        ("    help: {en: Given once., zh: 发放一次。}\n", "", 5, 3, "missing"),
        ("within: $wait_days", "within: 7 days", 22, 58, "not_a_length"),
        ("      - notify: thanks\n", "      - notify: [thanks]\n", 24, 9, "not_a_text"),
        # What is no YAML stands where reading it ended.
        ("summary: {en: A treat.", "summary: {en: A: treat.", 3, 16, "unreadable"),
        ("audience:", "audience: *all\nnote:", 18, 11, "unreadable"),
        ("audience:", "enter: once\naudience:", 18, 1, "unreadable"),
    ],
)
def test_a_problem_says_line_and_column(
    old: str, new: str, line: int, column: int, code: str
) -> None:
    """Counted from 1, the column in characters: what every editor counts in."""
    assert GOOD.count(old) == 1

    with pytest.raises(BrokenTemplate) as broken:
        load_texts("treat", {"campaign.yaml": GOOD.replace(old, new), **TEXTS})

    places = [(each.line, each.column, each.code) for each in broken.value.found]
    assert (line, column, code) in places, places


def test_a_broken_file_does_not_hide_broken_messages() -> None:
    """Nobody mends the YAML only to hear of the texts afterwards."""
    texts = {**TEXTS, "messages/thanks.en.j2": "Hello\n"}

    with pytest.raises(BrokenTemplate) as broken:
        load_texts("treat", {"campaign.yaml": "a: {b: [", **texts})

    files = [each.file for each in broken.value.found]
    assert files[0] == "campaign.yaml"
    assert set(files[1:]) == {"messages/thanks.en.j2"}


def test_a_template_without_a_folder_says_its_own_name() -> None:
    """What is pasted into a browser has no folder yet."""
    assert load_texts(None, {"campaign.yaml": GOOD, **TEXTS}).name == "treat"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("base: {minor: 1000}\nbasse: {}\n", 2, 1),
        ("rules:\n  - id: night\n    bonus_bb: 5\n", 3, 5),
        ("rules:\n  - {id: night, when: {weekday: [sat]}}\n", 2, 24),
        ("base: {minor: [}\n", 1, 16),
    ],
)
def test_earning_rules_say_line_and_column_too(text: str, line: int, column: int) -> None:
    """The same reader, the same places."""
    rules, problems = read_rules(text, ("survey",), SHANGHAI)

    assert rules is None
    assert (line, column) in [(each.line, each.column) for each in problems], problems
