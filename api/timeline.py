"""One run in plain words: what happened, why, and what wakes it next."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from loyalty.explain import sentence
from loyalty.explain_words import words_of

Source = Literal["decision", "message", "operator", "temporal"]


class Moment(BaseModel):
    """One line of a timeline."""

    at: datetime
    source: Source = Field(description="Where it is recorded")
    text: str
    step: str | None = None
    verdict: str | None = None
    reason: str | None = None


class Next(BaseModel):
    """What wakes the run, whichever comes first."""

    text: str
    at: datetime | None = Field(None, description="Its timer; none = it has none")
    events: list[str] = Field([], description="Types of events it waits for")


def merge(
    view: Mapping[str, Any], temporal: Iterable[Moment], locale: str, zone: ZoneInfo
) -> list[Moment]:
    """Everything on record about a run, by time; at one instant the decision comes first."""
    order: dict[Source, int] = {"operator": 0, "decision": 1, "message": 2, "temporal": 3}
    moments = [
        Moment(
            at=each.at,
            source="decision",
            text=sentence(each, locale, zone),
            step=each.step_id,
            verdict=each.verdict,
            reason=each.reason,
        )
        for each in view["decisions"]
    ]
    told = {(each.reason, each.at) for each in view["decisions"]}
    for message in view["messages"]:
        moments += [
            each for each in _message(message, locale, zone) if (each.reason, each.at) not in told
        ]
    moments += [_command(each, locale) for each in view["commands"]]
    return sorted([*moments, *temporal], key=lambda each: (each.at, order[each.source]))


_SENT = {
    "en": "The message {message!r} went out by {channel}.",
    "zh": "消息“{message}”已通过{channel}发出。",
}
_HELD: dict[str, dict[str, str]] = {
    "en": {
        "defer": "The message {message!r} by {channel} was put off until {until}: {reason}.",
        "drop": "The message {message!r} by {channel} was not sent: {reason}.",
    },
    "zh": {
        "defer": "{channel}消息“{message}”推迟到 {until}：{reason}。",
        "drop": "{channel}消息“{message}”未发送：{reason}。",
    },
}
_COMMANDS = {
    "en": {
        "retry": "{actor} told the run to look again: {reason}",
        "skip": "{actor} ended the wait early: {reason}",
        "cancel": "{actor} cancelled the run: {reason}",
    },
    "zh": {
        "retry": "{actor} 要求重试：{reason}",
        "skip": "{actor} 提前结束了等待：{reason}",
        "cancel": "{actor} 取消了该流程：{reason}",
    },
}


def _message(message: Mapping[str, Any], locale: str, zone: ZoneInfo) -> list[Moment]:
    words = words_of(locale)
    channel = words.channels.get(message["channel"], message["channel"])
    names = {"message": message["message"], "channel": channel}
    moments = []
    for verdict in message["verdicts"]:
        if verdict["verdict"] == "send":
            continue
        until = _clock(verdict["until"], zone)
        reason = words.rules.get(verdict["reason"], verdict["reason"])
        text = _HELD[locale][verdict["verdict"]].format(**names, until=until, reason=reason)
        moments.append(
            Moment(
                at=verdict["at"],
                source="message",
                text=text,
                verdict=verdict["verdict"],
                reason=verdict["reason"],
            )
        )
    if message["sent_at"]:
        text = _SENT[locale].format(**names)
        moments.append(Moment(at=message["sent_at"], source="message", text=text, verdict="sent"))
    return moments


def _command(command: Mapping[str, Any], locale: str) -> Moment:
    text = _COMMANDS[locale][command["command"]].format(
        actor=command["actor"], reason=command["reason"]
    )
    return Moment(at=command["at"], source="operator", text=text, verdict=command["command"])


_NEXT = {
    "en": {
        "admitted": "It begins as soon as its workflow is started.",
        "held": "The campaign is paused: the run goes on when it is resumed.",
        "both": "It wakes at {at}, or at once when one of these comes: {events}.",
        "timer": "It wakes at {at}.",
        "events": "It wakes when one of these comes: {events}.",
        "nothing": "Nothing is set to wake it. An operator should look at it, and retry.",
    },
    "zh": {
        "admitted": "工作流启动后即开始。",
        "held": "活动已暂停：恢复后继续。",
        "both": "将在 {at} 唤醒；若先发生以下事件则立即唤醒：{events}。",
        "timer": "将在 {at} 唤醒。",
        "events": "发生以下事件时唤醒：{events}。",
        "nothing": "没有任何唤醒条件，请运营人员检查并重试。",
    },
}


def next_of(view: Mapping[str, Any], locale: str, zone: ZoneInfo) -> Next | None:
    """What the run waits for; none = it has ended."""
    if view["state"] == "ended":
        return None
    at: datetime | None = view["wake_at"]
    events = sorted({wait["event_type"] for wait in view["waits"]})
    if view["state"] == "held":
        words = "held"
    elif at and events:
        words = "both"
    elif at:
        words = "timer"
    elif events:
        words = "events"
    else:
        words = "admitted" if view["state"] == "admitted" else "nothing"
    text = _NEXT[locale][words].format(at=_clock(at, zone), events=", ".join(events))
    return Next(text=text, at=at, events=events)


def _clock(at: datetime | None, zone: ZoneInfo) -> str:
    """The instant as the programme's clocks show it."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else "-"
