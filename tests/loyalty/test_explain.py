"""Explanations: every decision the program can take has its sentence in both languages."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from loyalty.explain import sentence
from loyalty.explain_words import EN, ZH, Words, words_of
from loyalty.messages import Reason
from loyalty.records import Decision
from loyalty.refused_claim import ClaimRefusal, RefusedClaim

AT = datetime(2026, 3, 8, 1, 0, tzinfo=UTC)
LOYALTY = Path(__file__).parents[2] / "loyalty"
# Where reasons are written: the function's name, and which argument of a call is the reason.
REASON_AT = {
    "decide": 3, "_decide": 3, "Refusal": 0, "_end": 2, "_pass_over": 4, "Do": 2,
    "give_back": 3, "free_stock": 3, "Close": 1, "said": 1, ".said": 0,
}  # fmt: skip


def decision(reason: str, verdict: str = "done", **inputs: Any) -> Decision:
    return Decision(
        key="k",
        campaign_id="welcome",
        version=1,
        member_id="m-1",
        step_id="thanks",
        verdict=verdict,
        reason=reason,
        at=AT,
        inputs=inputs,
        until=AT,
    )


def _written() -> Iterator[str]:
    """Every reason code that stands in the source, found in the calls that write decisions."""
    for path in LOYALTY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name == "said" and isinstance(node.func, ast.Attribute):
                name = ".said"  # what is said of a member, where no decision is on record
            if name not in REASON_AT and name not in ("Decision", "carry_out"):
                continue
            place = REASON_AT.get(name)
            given = [k.value for k in node.keywords if k.arg == "reason"]
            if place is not None and len(node.args) > place:
                given.append(node.args[place])
            for value in given:
                yield from _texts(value)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        yield str(node.values[0].value).partition(":")[0]


WRITTEN = sorted(set(_written()) | {"missed", "skipped"})


def test_the_source_was_really_searched() -> None:
    """The list of reasons is found, not kept by hand: the well-known ones are among them."""
    known = {
        "admitted", "holdout", "budget_exhausted", "cooling_down", "not_in_audience", "goal_met",
        "goal_undone", "reached", "one_missing", "reminder_due", "wait_opened", "met", "waited",
        "way", "campaign_paused", "campaign_stopped", "member_left", "cancelled_by_operator",
        "journey_ended", "condition_not_met", "told", "claim_reserved", "claim_confirmed",
        "claim_released", "claim_expired", "no_inviter", "nothing_to_give", "never_reached",
    }  # fmt: skip

    assert known <= set(WRITTEN)


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize("reason", WRITTEN)
def test_every_reason_has_words(reason: str, words: Words) -> None:
    """Whatever the program decides, a marketer can read why."""
    assert reason in words.reasons or reason in words.because


@pytest.mark.parametrize("reason", get_args(ClaimRefusal))
def test_a_claim_that_took_nothing_is_explained(reason: ClaimRefusal) -> None:
    """When, which press, and why: nothing is left to fill in."""
    facts = dict.fromkeys(
        ("asked", "remaining", "taken", "per_member", "needed", "available"), 7
    ) | {"opens_at": AT.isoformat(), "closes_at": AT.isoformat()}
    refused = RefusedClaim("m-1", "soup", reason, "web-1", 1, AT, facts)
    for locale in ("en", "zh"):
        said = sentence(refused.decision(), locale)
        assert f"claim_{reason}" in words_of(locale).reasons
        assert ("2026-03-08 01:00 UTC" in said, "web-1" in said, "–" in said) == (True, True, False)


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
def test_every_rule_of_the_contact_gate_has_words(words: Words) -> None:
    """Why a message was held back is said for each rule there is."""
    assert set(words.rules) == set(get_args(Reason))


def test_both_languages_say_the_same() -> None:
    """Each sentence exists in both languages and names the same figures."""
    for table in ("acts", "because", "reasons", "rules", "channels", "entering"):
        english, chinese = getattr(EN, table), getattr(ZH, table)
        assert english.keys() == chinese.keys()
        for name in english:
            assert _fields(english[name]) == _fields(chinese[name]), name


def _fields(pattern: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(pattern) if name}


@pytest.mark.parametrize(
    ("found", "en", "zh"),
    [
        (
            decision("reached", points=500, to="member", recipient="m-1"),
            "thanks: gave 500 points.",
            "thanks：发放 500 积分。",
        ),
        (
            decision("goal_met", points=1000, to="inviter", recipient="m-0"),
            "thanks: gave 1,000 points to the inviter for reaching the goal.",
            "thanks：向邀请人发放 1,000 积分（达成目标）。",
        ),
        (
            decision("reached", multiplier_bp=25_000),
            "thanks: gave a card for 2.5 times the points until 2026-03-08 09:00 Asia/Shanghai.",
            "thanks：发放 2.5 倍积分卡，有效期至 2026-03-08 09:00 Asia/Shanghai。",
        ),
        (
            decision("quiet_hours", "deferred", message="hello", channel="email"),
            "thanks: the message hello by e-mail waits until 2026-03-08 09:00 Asia/Shanghai: "
            "it is quiet hours where the member lives.",
            "thanks：邮件消息“hello”推迟到 2026-03-08 09:00 Asia/Shanghai："
            "会员所在地处于免打扰时段。",
        ),
        (
            decision("campaign_stopped", "skipped", message="hello", channel="inbox"),
            "thanks: the message hello by the in-app inbox was not sent: "
            "the campaign was stopped.",
            "thanks：站内信消息“hello”未发送：活动已停止。",
        ),
        (
            decision("goal_met", count=3, needed=3),
            "thanks: the goal was reached with 3 of 3.",
            "thanks：目标已达成（3/3）。",
        ),
        (
            decision("wait_opened", "waiting", goals={"buy": 3, "check_in": 5}),
            "thanks: waits for buy × 3, check_in × 5, until 2026-03-08 09:00 Asia/Shanghai.",
            "thanks：等待 buy × 3、check_in × 5，截至 2026-03-08 09:00 Asia/Shanghai。",
        ),
        (
            decision("way:regulars"),
            "thanks: took the way 'regulars'.",
            "thanks：进入分支“regulars”。",
        ),
        (
            decision("way:otherwise"),
            "thanks: took the way 'no'.",
            "thanks：进入分支“否”。",
        ),
        (
            decision(
                "not_in_audience",
                "not_admitted",
                audience="(member.purchases == 0) && (true) && (member.tier == 'gold && co')",
                days_since_purchase=None,
                purchases=4,
                points=20,
            ),
            "Not meant for this member: the audience is purchases = 0 and tier = 'gold && co' "
            "(seen: – days since a purchase, 4 in all, 20 points).",
            "不适用于该会员：目标人群为 购买次数 = 0 且 等级 = 'gold && co'"
            "（实际：距上次购买 – 天，共购买 4 次，20 积分）。",
        ),
        (
            decision(
                "not_in_audience",
                "not_admitted",
                audience='member.points > 9 && !("vip" in member.tags)',
                days_since_purchase=36_500,
                purchases=0,
                points=20,
            ),
            'Not meant for this member: the audience is points > 9 and !("vip" in tags) '
            "(seen: no purchase yet, 20 points).",
            '不适用于该会员：目标人群为 积分 > 9 且 !("vip" in 标签)'
            "（实际：从未购买，20 积分）。",
        ),
        (
            decision(
                "not_in_audience",
                "not_admitted",
                audience='member.points > 9 && "vip" in member.tags',
                failed=[
                    {"rule": "member.points > 9", "seen": {"member.points": 2}},
                    {"rule": '"vip" in member.tags', "seen": {}},
                ],
            ),
            'Not meant for this member: it asks for points > 9 (here: points 2); "vip" in tags. '
            'The whole audience is points > 9 and "vip" in tags.',
            '不适用于该会员：要求积分 > 9（实际：积分 2）；"vip" in 标签。'
            '完整的目标人群为 积分 > 9 且 "vip" in 标签。',
        ),
    ],
)  # fmt: skip
def test_a_decision_reads_as_one_sentence(found: Decision, en: str, zh: str) -> None:
    """Figures, dates in the programme's zone and reasons stand in one plain sentence."""
    shanghai = ZoneInfo("Asia/Shanghai")

    assert sentence(found, "en", shanghai) == en
    assert sentence(found, "zh", shanghai) == zh


def test_a_figure_that_was_not_noted_reads_as_a_dash() -> None:
    """Rows of an older program, with fewer figures, still read as a sentence."""
    assert sentence(decision("cooling_down", "not_admitted"), "en") == (
        "Not admitted: the last run was at –; again from 2026-03-08 01:00 UTC on."
    )


def test_a_reason_from_a_newer_program_is_shown_as_it_is() -> None:
    """While two versions run side by side, nothing fails for a word the older does not know."""
    assert sentence(decision("swapped"), "en") == "thanks: done (swapped)."
