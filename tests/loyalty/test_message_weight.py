"""What a message weighs before it is sent: SMS segments and the length of its subject."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.message_weight import SEGMENT, sms, weigh


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments", "left"),
    [
        ("", "gsm7", 0, 0, 0),
        ("a" * 160, "gsm7", 160, 1, 0),
        ("a" * 161, "gsm7", 161, 2, 153 * 2 - 161),
        ("a" * 306, "gsm7", 306, 2, 0),
        ("a" * 307, "gsm7", 307, 3, 152),
        ("€" * 80, "gsm7", 160, 1, 0),
        ("€" * 81, "gsm7", 162, 2, 153 - 10),  # 76 of them fill 152 units; one unit stays empty
        ("点" * 70, "ucs2", 70, 1, 0),
        ("点" * 71, "ucs2", 71, 2, 67 * 2 - 71),
        ("a" * 69 + "点", "ucs2", 70, 1, 0),
        ("😀" * 35, "ucs2", 70, 1, 0),
        ("😀" * 36, "ucs2", 72, 2, 67 - 6),  # 33 of them fill 66 units
    ],
)
def test_sms_segments(text: str, encoding: str, units: int, segments: int, left: int) -> None:
    """At, and one beyond, each limit of both alphabets; two-unit signs are never cut in half."""
    found = sms(text)
    assert (found.encoding, found.units, found.segments, found.left) == (
        encoding, units, segments, left,
    )  # fmt: skip


def test_the_sign_that_makes_a_text_dear_is_named() -> None:
    """A curly apostrophe halves the room: the marketer is told which sign it was."""
    assert sms("Don’t miss it").because == "’"
    assert sms("Don't miss it").because is None


@given(st.text(max_size=400))
def test_segments_hold_the_text_and_no_segment_is_spare(text: str) -> None:
    """As many segments as the units need, at most one unit lost at the end of each."""
    found = sms(text)
    alone, each = SEGMENT[found.encoding]
    if found.units <= alone:
        assert found.segments == (1 if text else 0)
    else:
        assert (found.segments - 1) * (each - 1) < found.units <= found.segments * each


@pytest.mark.parametrize(
    ("subject", "limit", "too_long"),
    [
        ("x" * 60, 60, False),
        ("x" * 61, 60, True),
        ("积" * 30, 30, False),
        ("积" * 31, 30, True),
        ("Your 积分", 30, False),
    ],
)
def test_subject_length(subject: str, limit: int, too_long: bool) -> None:
    """Sixty characters, or thirty as soon as it is Chinese."""
    weight = weigh(subject, "text")
    assert (weight.subject_limit, weight.subject_too_long) == (limit, too_long)
