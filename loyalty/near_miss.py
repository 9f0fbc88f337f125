"""What somebody probably meant: the nearest allowed name to the one they wrote."""

from collections.abc import Iterable
from difflib import SequenceMatcher

_CLOSE_ENOUGH = 0.62  # tried on the misspellings of tests/loyalty/test_conditions.py


def near_miss(written: str, allowed: Iterable[str]) -> str | None:
    """The allowed name most like `written`, or none when nothing is like it.

    Dotted names are also compared by their last part and by its words, because people remember
    `amount` better than `event.amount_minor`.
    """
    best, score = None, _CLOSE_ENOUGH
    for name in sorted(allowed):
        likeness = _likeness(written.lower(), name.lower())
        if likeness > score:
            best, score = name, likeness
    return best


def did_you_mean(written: str, allowed: Iterable[str]) -> str:
    """` Did you mean X?` to put behind a sentence, or nothing."""
    best = near_miss(written, allowed)
    return f" Did you mean {best}?" if best else ""


def _likeness(written: str, name: str) -> float:
    last_written, last = written.rsplit(".", 1)[-1], name.rsplit(".", 1)[-1]
    by_word = max(_ratio(last_written, word) for word in last.split("_"))
    return max(_ratio(written, name), 0.97 * _ratio(last_written, last), 0.9 * by_word)


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
