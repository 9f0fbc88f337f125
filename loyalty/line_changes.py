"""What changed between two versions of texts, line by line."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Literal

How = Literal["same", "added", "removed", "skipped"]
AROUND = 3
"""Lines that are shown unchanged before and after a change."""
COMPARED_MAX = 1_000
"""Lines of a file that are compared one by one: the work grows with their square, or worse."""


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
    for tag, old, old_end, new, new_end in _steps(before, after):
        if tag == "equal":
            # Only what stands near a change is shown; the ends of the file are near none.
            first = old + AROUND if old or new else old
            last = old_end - AROUND if old_end < len(before) or new_end < len(after) else old_end
            if last <= first:
                first = last = old_end
            for n in range(old, first):
                yield LineChange("same", n + 1, new + n - old + 1, before[n])
            if first < last:
                yield LineChange("skipped", None, None, "")
            for n in range(last, old_end):
                yield LineChange("same", n + 1, new + n - old + 1, before[n])
            continue
        for n in range(old, old_end):
            yield LineChange("removed", n + 1, None, before[n])
        for n in range(new, new_end):
            yield LineChange("added", None, n + 1, after[n])


def _steps(before: list[str], after: list[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """How one becomes the other; what lies between equal heads and tails is compared if short."""
    head = _alike(before, after)
    tail = _alike(reversed(before[head:]), reversed(after[head:]))
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    yield "equal", 0, head, 0, head
    if max(len(old), len(new)) > COMPARED_MAX:
        found: list[tuple[str, int, int, int, int]] = [("replace", 0, len(old), 0, len(new))]
    else:
        found = list(SequenceMatcher(None, old, new).get_opcodes())
    for tag, *places in found:
        one, one_end, other, other_end = [head + place for place in places]
        yield tag, one, one_end, other, other_end
    yield "equal", head + len(old), len(before), head + len(new), len(after)


def _alike(before: Iterable[str], after: Iterable[str]) -> int:
    """With how many lines both begin."""
    pairs = zip(before, after, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
