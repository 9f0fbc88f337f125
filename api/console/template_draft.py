"""A template as the editor's form holds it: every word that was typed, good or not."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.console.forms import Form, at
from loyalty.journeys.compile import FILE
from loyalty.journeys.load import FILE_NAME
from loyalty.templates import LOCALES, Problem

_HEAD = re.compile(r"^name: *([a-z][a-z0-9_]{0,47}) *$", re.MULTILINE)
_NEW_TEXT = "Subject: \n\n"
BLANK: Mapping[str, str] = {
    FILE: """\
name: my_template
title: {en: My template, zh: 我的模板}
summary:
  en: Members who join get points and a message.
  zh: 会员入会即得积分和一条消息。

parameters:
  gift_points:
    type: points
    default: 100
    min: 1
    max: 5000
    label: {en: Points for joining, zh: 入会积分}
    help: {en: Given once., zh: 仅发放一次。}
    unit: {en: points, zh: 积分}

enter: {on: member.registered}
reentry: {once: per_member}
holdout: 10%
goal: {on: purchase, within: P30D}

journey:
  - grant: $gift_points
  - notify: {message: welcome, purpose: service}
  - end: welcomed
""",
    "messages/welcome.en.j2": """\
Subject: {{ values.gift_points }} points for you

Welcome! You now have {{ points.available }} points.
""",
    "messages/welcome.zh.j2": """\
Subject: 送您 {{ values.gift_points }} 积分

欢迎加入！您现有 {{ points.available }} 积分。
""",
}


@dataclass(frozen=True, slots=True)
class DraftFile:
    path: str
    text: str

    @property
    def message(self) -> str:
        """The message's name, or nothing for the campaign."""
        found = FILE_NAME.match(self.path)
        return found[1] if found else ""

    @property
    def locale(self) -> str:
        found = FILE_NAME.match(self.path)
        return found[2] if found else ""

    @property
    def count(self) -> int:
        """Lines in it."""
        return self.text.count("\n") + 1


@dataclass(frozen=True, slots=True)
class Draft:
    """`name` is that of the template that is edited; none for a new one, which says its own."""

    files: tuple[DraftFile, ...]
    name: str = ""
    after_version: int = 0
    tab: int = 0
    typed: Form = field(default_factory=dict)  # the form's other fields

    @property
    def texts(self) -> dict[str, str]:
        return {each.path: each.text for each in self.files}

    @property
    def says(self) -> str:
        """The name under which it would be saved, as far as it can be read."""
        found = _HEAD.search(self.texts.get(FILE, ""))
        return self.name or (found[1] if found else "")

    def with_message(self, message: str) -> "Draft":
        """With one more message, empty in every language, and its first text in front."""
        paths = {f"messages/{message}.{locale}.j2": _NEW_TEXT for locale in LOCALES}
        texts = {**paths, **self.texts}
        first = next(n for n, path in enumerate(in_order(texts)) if path in paths)
        return self._of(texts, first)

    def without_message(self, message: str) -> "Draft":
        return self._of({e.path: e.text for e in self.files if e.message != message}, 0)

    def _of(self, texts: Mapping[str, str], tab: int) -> "Draft":
        return Draft(files_of(texts), self.name, self.after_version, tab, self.typed)

    def place_of(self, file: str) -> int | None:
        """Which tab a file has."""
        return next((n for n, each in enumerate(self.files) if each.path == file), None)


def in_order(paths: Iterable[str]) -> Sequence[str]:
    """The campaign first, then messages by name, each in the languages' own order."""

    def rank(path: str) -> tuple[bool, str, int]:
        found = FILE_NAME.match(path)
        locale = found[2] if found else ""
        return path != FILE, found[1] if found else path, (*LOCALES, locale).index(locale)

    return sorted(paths, key=rank)


def files_of(texts: Mapping[str, str]) -> tuple[DraftFile, ...]:
    return tuple(DraftFile(path, texts[path]) for path in in_order(texts))


def draft_of(form: Form) -> Draft:
    """What was posted. Browsers send lines with both their ends; files have the one."""
    sent = form.get("files")
    texts: dict[str, str] = {}
    for each in sent if isinstance(sent, list) else []:
        path, text = str(at(each, "path")), str(at(each, "text"))
        texts[path] = text.replace("\r\n", "\n").replace("\r", "\n")
    return Draft(
        files=files_of(texts),
        name=str(at(form, "name")),
        after_version=_number(at(form, "after_version")),
        tab=_number(at(form, "tab")),
        typed=form,
    )


def marks(draft: Draft, findings: Sequence[Problem]) -> list[Mapping[str, Any]]:
    """Each finding with the tab it stands in, for the list beside the editor."""
    return [
        {"tab": draft.place_of(each.file), "problem": each, "line": each.line} for each in findings
    ]


def _number(text: Any) -> int:
    return int(text) if str(text).isdecimal() and len(str(text)) < 9 else 0
