"""A journey's picture shows every step, and nothing in it lies on top of anything else."""

from itertools import combinations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty import plain_conditions
from loyalty.journeys.compile import compile_example
from loyalty.journeys.compiled import Compiled, EnterByApi, Reentry
from loyalty.journeys.load import load_all
from loyalty.journeys.picture import picture, picture_of_template
from loyalty.journeys.picture_shapes import Picture, PictureEdge, PictureNode
from loyalty.journeys.picture_text import SMALL, TITLE, width_of, wrapped
from loyalty.journeys.picture_words import EN, ZH
from loyalty.journeys.plan import (
    Arm,
    Await,
    Branch,
    Card,
    End,
    Goal,
    Grant,
    Moment,
    Node,
    Notify,
    Plan,
    Split,
    Step,
    Tag,
    Wait,
)
from loyalty.plain_conditions import plain_condition
from loyalty.programme import Programme
from loyalty.templates import LOCALES, Bilingual
from loyalty.timing import Length

TEMPLATES = load_all(Path(__file__).parents[2] / "campaign_templates")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def drawn(plan: Plan) -> Picture:
    rules = Compiled(
        template="any", template_hash="", values={}, message_values={}, plan=plan,
        enter=EnterByApi(), audience=None, reentry=Reentry(rule="once_per_member"),
        holdout_bp=0, budget_points=None, messages={}, message_variables={},
    )  # fmt: skip
    return picture(rules, Bilingual(en="Any", zh="任意"), SHANGHAI)


_ids = [f"s{i}" for i in range(14)]
_next = st.sampled_from([*_ids, None])
_texts = st.text(st.sampled_from("abc W積分“≥ "), min_size=1, max_size=60)
_steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Grant, points=st.integers(0, 10**6), to=st.sampled_from(["member", "inviter"])),
    st.builds(Card, multiplier_bp=st.just(20_000), lasts=st.just(Length(days=7))),
    st.builds(Tag, add=st.tuples(_texts), remove=st.tuples(_texts)),
    st.builds(Notify, message=st.just("welcome")),
    st.builds(Wait, until=st.builds(Moment, after=st.builds(Length, days=st.integers(0, 40)))),
    st.builds(Branch, condition=_texts, then=_next, otherwise=_next),
    st.builds(
        Await,
        goals=st.lists(
            st.builds(Goal, id=st.just("g"), on=st.just("purchase"), count=st.integers(1, 5)),
            min_size=1,
            max_size=4,
        ),
        until=st.just(Moment(end_of="month")),
        met=_next,
        missed=_next,
    ),
    st.lists(st.builds(Arm, id=st.sampled_from(["a", "b"]), weight=st.just(5), next=_next),
             min_size=2, max_size=4).map(lambda arms: Split(arms=tuple(arms))),
    st.builds(End, outcome=st.just("done")),
)  # fmt: skip


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan at all: also such as no template makes, with rings and steps nobody reaches."""
    used = _ids[: draw(st.integers(1, len(_ids)))]
    nodes = {id: Node(step=draw(_steps), next=draw(st.sampled_from([*used, None]))) for id in used}
    known = {id: _within(node, set(used)) for id, node in nodes.items()}
    return Plan(template="any", start=used[0], nodes=known)


def _within(node: Node, used: set[str]) -> Node:
    """The step with every way leading to a step that is there."""
    step = node.step
    ways: dict[str, Any] = {
        name: None
        for name in ("met", "missed", "then", "otherwise")
        if getattr(step, name, None) not in used and hasattr(step, name)
    }
    if isinstance(step, Split):
        arms = [a if a.next in used else a.model_copy(update={"next": None}) for a in step.arms]
        ways = {"arms": tuple(arms)}
    return node.model_copy(update={"step": step.model_copy(update=ways)})


def _apart(one: PictureNode, other: PictureNode) -> bool:
    return one.y + one.height < other.y or other.y + other.height < one.y


def _enters(edge: PictureEdge, box: PictureNode) -> bool:
    """Whether a line runs through the inside of a box."""
    for (x1, y1), (x2, y2) in zip(edge.points, edge.points[1:], strict=False):
        low_x, high_x, low_y, high_y = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
        across = low_x < box.x + box.width and high_x > box.x
        down = low_y < box.y + box.height and high_y > box.y
        if across and down:
            return True
    return False


def _check(picture: Picture) -> None:
    for one, other in combinations(picture.nodes, 2):
        assert _apart(one, other)
    for node in picture.nodes:
        assert node.x >= 0
        assert node.x + node.width <= picture.width
        assert node.y + node.height <= picture.height
        for label in node.labels.values():
            assert all(width_of(line, TITLE) <= node.width for line in label.title)
            assert all(width_of(line, SMALL) <= node.width for line in label.details)
    for edge in picture.edges:
        assert not any(_enters(edge, node) for node in picture.nodes)
        assert all(0 <= x <= picture.width and 0 <= y <= picture.height for x, y in edge.points)


@given(plans())
def test_no_plan_makes_boxes_meet_or_lines_run_through_them(plan: Plan) -> None:
    picture = drawn(plan)

    _check(picture)
    names = [node.id for node in picture.nodes]
    assert len(names) == len(set(names))
    assert plan.nodes.keys() <= set(names)
    assert {end for edge in picture.edges for end in (edge.source, edge.target)} <= set(names)
    assert drawn(Plan.model_validate_json(plan.model_dump_json())) == picture


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_every_step_of_a_shipped_template_is_drawn_and_said(name: str) -> None:
    template = TEMPLATES[name]

    picture = picture_of_template(template, Programme())

    _check(picture)
    rules = compile_example(template)
    wanted = set(rules.plan.nodes) | {moment.id for moment in rules.moments}
    wanted |= {"entry"} if rules.enter else set()
    wanted |= {"exchange"} if rules.exchange else set()
    assert {node.id for node in picture.nodes} == wanted
    for language in LOCALES:
        assert len(picture.text[language]) == len(picture.nodes)
        assert all(node.labels[language].title[0] for node in picture.nodes)
    # A telephone is 390 pixels wide, less a margin.
    assert picture.width <= 360


@pytest.mark.parametrize(
    ("written", "english", "chinese"),
    [
        ("has(event.attributes.photo)", "photo is given", "已提供 photo"),
        (
            '!(event.attributes.photo in ["", "no"])',
            'photo is none of "", "no"',
            'photo 不是 "", "no"',
        ),
        (
            "member.points >= 5000 && member.has_inviter",
            "points ≥ 5000 and was invited",
            "积分 ≥ 5000 且 有邀请人",
        ),
    ],
)
def test_a_condition_is_said_as_one_would_read_it_aloud(
    written: str, english: str, chinese: str
) -> None:
    assert plain_condition(written, plain_conditions.EN) == english
    assert plain_condition(written, plain_conditions.ZH) == chinese


def test_a_question_leads_to_both_answers_and_on_to_what_follows() -> None:
    """Who had points about to expire and who had none get different messages, then wait alike."""
    picture = picture_of_template(TEMPLATES["dormant_wake_up"], Programme())

    ways = {
        (edge.source, edge.label.text["en"]): edge.target for edge in picture.edges if edge.label
    }
    assert ways["branch", "Yes"] == "notify_points_expiring"
    assert ways["branch", "No"] == "notify_we_miss_you"
    assert ways["first_try", "Done"] == "notify_welcome_back"
    assert ways["first_try", "Not in time"] == "was_awake"
    plain = {(edge.source, edge.target) for edge in picture.edges if edge.label is None}
    assert {("notify_points_expiring", "first_try"), ("notify_we_miss_you", "first_try")} <= plain


def test_a_journey_that_just_stops_is_drawn_to_its_end() -> None:
    plan = Plan(template="any", start="gift", nodes={"gift": Node(step=Grant(points=50))})

    picture = drawn(plan)

    assert [node.id for node in picture.nodes] == ["entry", "gift", "completed"]
    assert picture.nodes[1].labels["zh"].title == ("50 积分",)


def test_the_arms_of_a_draw_say_their_share() -> None:
    arms = (Arm(id="letter", weight=1, next="a"), Arm(id="nothing", weight=3))
    plan = Plan(
        template="any",
        start="draw",
        nodes={"draw": Node(step=Split(arms=arms)), "a": Node(step=Grant(points=5))},
    )

    labels = [edge.label.text for edge in drawn(plan).edges if edge.label]

    assert [label["en"] for label in labels] == ["letter: 25%", "nothing: 75%"]


def test_a_long_condition_is_cut_to_six_lines() -> None:
    lines = wrapped("member.points > 100 && " * 90, 200, TITLE)

    assert len(lines) == 6
    assert lines[-1].endswith("…")


def test_both_languages_have_the_same_words() -> None:
    for part in ("kinds", "says", "ways", "events", "lengths", "channels"):
        assert getattr(EN, part).keys() == getattr(ZH, part).keys()
