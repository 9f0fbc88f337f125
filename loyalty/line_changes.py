"""What changed between two versions of texts, line by line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

How = Literal["same", "added", "removed", "skipped"]
AROUND = 3
"""Lines that are shown unchanged before and after a change."""


@dataclass(frozen=True, slots=True)
class LineChange:
    """A line and its numbers before and after; none where it is not there.

    `skipped` stands for a run of unchanged lines that are left out; `text` is then empty.
    """

    how: How
    before: int | None
    after: int | None
    text: str


@dataclass(frozen=True, slots=True)
class FileChange:
    file: str
    added: int
    removed: int
    lines: tuple[LineChange, ...]


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[FileChange]:
    """Every file that differs: `campaign.yaml` first, the others by name."""
    names = sorted(before.keys() | after.keys(), key=lambda name: ("/" in name, name))
    return [
        _change(name, _lines(before.get(name, "")), _lines(after.get(name, "")))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _change(file: str, before: list[str], after: list[str]) -> FileChange:
    lines = tuple(_walk(before, after))
    return FileChange(
        file=file,
        added=sum(line.how == "added" for line in lines),
        removed=sum(line.how == "removed" for line in lines),
        lines=lines,
    )


def _walk(before: list[str], after: list[str]) -> Iterator[LineChange]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    told = 0  # lines of `before` that were told
    for group in matcher.get_grouped_opcodes(AROUND):
        if group[0][1] > told:
            yield LineChange("skipped", None, None, "")
        told = group[-1][2]
        for tag, old, old_end, new, new_end in group:
            if tag == "equal":
                for n in range(old_end - old):
                    yield LineChange("same", old + n + 1, new + n + 1, before[old + n])
                continue
            for n in range(old, old_end):
                yield LineChange("removed", n + 1, None, before[n])
            for n in range(new, new_end):
                yield LineChange("added", None, n + 1, after[n])
    if 0 < told < len(before):
        yield LineChange("skipped", None, None, "")
