"""A marketer's own campaign, written as text files in a folder: it runs, and no code is changed."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from storage import tables
from tests.stories import FIRST_DAY, SHANGHAI, Told

HEAD = """
name: {name}
title: {{en: Our own, zh: 自建活动}}
summary: {{en: Something that nobody foresaw., zh: 自定义活动。}}
parameters:
  points:
    type: points
    default: 50
    min: 1
    max: 500
    label: {{en: Points, zh: 积分}}
    help: {{en: What each member gets., zh: 每位会员获得的积分。}}
"""

BIRTHDAY = """
enter: api
reentry: {again_after: P300D}
budget_points: 10000
journey:
  - wait: {for: P1D, local_time: "08:30"}
  - split:
      - arm: drink
        weight: 50
        steps:
          - coupon: {coupon: free_drink, for: P14D}
      - arm: points
        weight: 50
        steps:
          - grant: $points
  - branch: '"vip" in member.tags'
    then:
      - notify: for_you
  - tag: {add: [had_birthday], remove: [new]}
  - id: marked
    branch: '"had_birthday" in member.tags && !("new" in member.tags)'
    then:
      - end: treated
  - end: overlooked
"""

SURVEY = """
enter: once
audience: member.purchases > 0
journey:
  - notify: for_you
  - id: answers
    await: {on: survey, within: P3D}
    met:
      - grant: $points
      - end: answered
    missed:
      - end: silent
"""


def write(folder: Path, name: str, body: str) -> Path:
    """The template's folder, as a marketer would put it there."""
    messages = folder / name / "messages"
    messages.mkdir(parents=True)
    (folder / name / "campaign.yaml").write_text(HEAD.format(name=name) + body)
    for locale, text in (("en", "{{ values.points }} points for you"), ("zh", "送您积分")):
        (messages / f"for_you.{locale}.j2").write_text(f"Subject: {text}\n\n{text}.\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "own"


async def test_a_birthday_treat_runs_from_a_folder_of_text(told: Told, folder: Path) -> None:
    """The app reports the birthday; at half past eight next day comes a drink or points."""
    root = write(folder, "birthday_treat", BIRTHDAY)
    treat = await told.launch("birthday_treat", root=root, values={"points": 80})
    # The draw is by hash of member and campaign, whose name is new each time: enough of them that
    # nobody's half is ever empty.
    names = [f"m{n}" for n in range(20)]
    for name in names:
        await told.joins(name, tags=["new", "vip"] if name == "m0" else ["new"])
        assert await told.enters(name, treat, "2027") is not None
    morning = datetime(2027, 1, 6, 8, 30, tzinfo=SHANGHAI)  # a day later it is past half past eight
    assert (await told.enrolment("m0", treat)).wake_at == morning

    await told.until(morning)

    coupons = {row.member_id for row in await told._rows(select(tables.coupons))}
    assert 0 < len(coupons) < len(names)
    for name in names:
        run = await told.enrolment(name, treat)
        assert run.outcome == "treated"
        assert await told.points(name) == (0 if run.member_id in coupons else 80)
        assert await told.messages(name) == (["for_you"] if name == "m0" else [])
    row = await told.campaign(treat)
    assert (row.granted_points, row.reserved_points) == ((len(names) - len(coupons)) * 80, 0)


async def test_the_same_birthday_twice_is_one(told: Told, folder: Path) -> None:
    """Knocking again, by the same name or another, opens nothing; who is stopped out is told."""
    root = write(folder, "birthday_treat", BIRTHDAY)
    treat = await told.launch("birthday_treat", root=root)
    await told.joins("lee")

    assert await told.enters("lee", treat, "2027") is not None
    assert await told.enters("lee", treat, "2027") is None
    assert await told.enters("lee", treat, "again") is None
    await told.days(3)
    assert await told.enters("lee", treat, "2027b") is None

    assert [r for r in await told.reasons("lee", treat) if r.startswith("not_admitted")] == [
        "not_admitted:already_entered", "not_admitted:already_running",
        "not_admitted:cooling_down",
    ]  # fmt: skip


async def test_a_survey_asks_everybody_once_at_launch(told: Told, folder: Path) -> None:
    """Who answers within three days is paid; the campaign is over when the last run is."""
    for name in ("lee", "kim"):
        await told.joins(name)
        await told.buys(name)
    await told.joins("never")
    survey = await told.launch("survey_us", root=write(folder, "survey_us", SURVEY))
    await told.joins("late")
    await told.days(1)

    await told.does("lee", "survey")
    assert await told.outcome("lee", survey) == "answered"
    assert await told.enrolments("never", survey) == []
    assert await told.enrolments("late", survey) == []
    assert (await told.campaign(survey)).state == "launched"
    await told.until(FIRST_DAY + timedelta(days=5))

    assert await told.outcome("kim", survey) == "silent"
    assert (await told.campaign(survey)).state == "finished"


async def test_a_survey_under_way_can_be_paused_and_stopped(told: Told, folder: Path) -> None:
    """Everybody was admitted at launch, and still the marketer holds it in hand."""
    for name in ("lee", "kim"):
        await told.joins(name)
        await told.buys(name)
    survey = await told.launch("survey_us", root=write(folder, "survey_us", SURVEY))
    await told.days(1)

    await told.pause(survey)
    await told.does("lee", "survey")
    assert (await told.enrolment("lee", survey)).state == "held"
    await told.resume(survey)
    assert await told.outcome("lee", survey) == "answered"
    await told.stop(survey)

    assert await told.outcome("kim", survey) == "stopped"
