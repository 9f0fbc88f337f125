"""A condition as a marketer would read it aloud, in place of how a template writes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TRUE = re.compile(r"\(true\) && | && \(true\)")
_ONE_OF_MANY = re.compile(r"(?<![\w\])])\(([^()]*)\)")
_NAME = re.compile(r"\b(?:member|event|offer)\.[a-z_]+\b")
_GIVEN = re.compile(r"\bhas\(event\.attributes\.([a-z_]+)\)")
_NONE_OF = re.compile(r"!\(([a-z_.]+) in \[([^\[\]]*)\]\)")
_ATTRIBUTE = re.compile(r"\bevent\.attributes\.([a-z_]+)\b")
_TEXT = re.compile(r"""("[^"]*"|'[^']*')""")


@dataclass(frozen=True, slots=True)
class ConditionWords:
    """One language: its word for each sign, and for each fact that a condition may name."""

    signs: Mapping[str, str]
    given: str  # that an attribute came with an event
    none_of: str
    facts: Mapping[str, str]


EN = ConditionWords(
    signs={" && ": " and ", " || ": " or ", " == ": " = ", " != ": " is not ", " >= ": " ≥ ",
           " <= ": " ≤ "},
    given=r"\1 is given",
    none_of=r"\1 is none of \2",
    facts={
        "member.days_since_purchase": "days since a purchase",
        "member.consents": "consents",
        "member.days_since_category": "days since buying from",
        "member.days_since_registration": "days since registration",
        "member.days_since_store": "days since buying in",
        "member.expiring_within": "points that lapse within days",
        "member.expiring_points": "points about to expire",
        "member.has_inviter": "was invited",
        "member.locale": "language",
        "member.points": "points",
        "member.purchases": "purchases",
        "member.source": "source",
        "member.spend_minor": "spend (minor units)",
        "member.spend_within": "spend (minor units) in days",
        "member.tags": "tags",
        "member.tier": "tier",
        "event.amount_minor": "amount (minor units)",
        "event.store": "store",
        "event.channel": "channel",
        "offer.points": "the price in points",
        "offer.remaining": "items left",
        "offer.taken": "items taken before",
    },
)  # fmt: skip
ZH = ConditionWords(
    signs={" && ": " 且 ", " || ": " 或 ", " == ": " = ", " != ": " ≠ ", " >= ": " ≥ ",
           " <= ": " ≤ "},
    given=r"已提供 \1",
    none_of=r"\1 不是 \2",
    facts={
        "member.days_since_purchase": "距上次购买天数",
        "member.consents": "允许的通知",
        "member.days_since_category": "距上次购买该品类天数",
        "member.days_since_registration": "注册天数",
        "member.days_since_store": "距上次在该门店消费天数",
        "member.expiring_within": "若干天内到期积分",
        "member.expiring_points": "即将到期积分",
        "member.has_inviter": "有邀请人",
        "member.locale": "语言",
        "member.points": "积分",
        "member.purchases": "购买次数",
        "member.source": "来源",
        "member.spend_minor": "消费金额（最小货币单位）",
        "member.spend_within": "若干天内消费金额（最小货币单位）",
        "member.tags": "标签",
        "member.tier": "等级",
        "event.amount_minor": "金额（最小货币单位）",
        "event.store": "门店",
        "event.channel": "渠道",
        "offer.points": "所需积分",
        "offer.remaining": "剩余数量",
        "offer.taken": "已兑数量",
    },
)  # fmt: skip


def plain_condition(text: str, words: ConditionWords) -> str:
    """The condition with facts and signs in words; what has no word stays as it was written."""
    text = _GIVEN.sub(words.given, _NONE_OF.sub(words.none_of, _TRUE.sub("", text)))
    if "||" not in text and "!(" not in text:
        # Brackets around each of several conditions say nothing when all of them must hold.
        text = _ONE_OF_MANY.sub(r"\1", text)
    parts = _TEXT.split(text)
    # Texts in quotation marks are the marketer's own: they stand at the odd places.
    return "".join(part if place % 2 else _said(part, words) for place, part in enumerate(parts))


def _said(part: str, words: ConditionWords) -> str:
    for sign, word in words.signs.items():
        part = part.replace(sign, word)
    part = _ATTRIBUTE.sub(r"\1", part)
    return _NAME.sub(lambda found: words.facts.get(found[0], found[0]), part)
