"""Two versions of a template side by side: what was taken out, what was put in."""

from hypothesis import given
from hypothesis import strategies as st

from loyalty.line_changes import LineChange, changes

TEXTS = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12).map("\n".join)


def test_a_changed_line_is_one_taken_out_and_one_put_in() -> None:
    """With the lines around it, and their numbers before and after."""
    [found] = changes({"campaign.yaml": "a\nb\nc\n"}, {"campaign.yaml": "a\nB\nc\n"})

    assert (found.file, found.added, found.removed) == ("campaign.yaml", 1, 1)
    assert found.lines == (
        LineChange("same", 1, 1, "a"),
        LineChange("removed", 2, None, "b"),
        LineChange("added", None, 2, "B"),
        LineChange("same", 3, 3, "c"),
    )


def test_what_is_far_from_a_change_is_left_out() -> None:
    """Three lines around it are enough to see where one is."""
    before = [str(n) for n in range(1, 21)]
    after = [*before[:9], "ten", *before[10:]]

    [found] = changes({"f": "\n".join(before)}, {"f": "\n".join(after)})

    assert [line.text for line in found.lines] == [
        "", "7", "8", "9", "10", "ten", "11", "12", "13", "",
    ]  # fmt: skip


def test_files_that_came_and_went_are_told_whole() -> None:
    """The campaign stands first; files that are the same are left out."""
    before = {"campaign.yaml": "a", "messages/old.en.j2": "x", "messages/same.en.j2": "s"}
    after = {"campaign.yaml": "b", "messages/new.en.j2": "y", "messages/same.en.j2": "s"}

    found = [(each.file, each.added, each.removed) for each in changes(before, after)]

    assert found == [
        ("campaign.yaml", 1, 1),
        ("messages/new.en.j2", 1, 0),
        ("messages/old.en.j2", 0, 1),
    ]


@given(TEXTS, TEXTS)
def test_the_new_text_can_be_read_from_the_changes(before: str, after: str) -> None:
    """Whatever was typed: what is told put in or kept is the new text at those numbers."""
    for found in changes({"f": before}, {"f": after}):
        old, new = before.split("\n"), after.split("\n")
        for line in found.lines:
            assert line.before is None or old[line.before - 1] == line.text
            assert line.after is None or new[line.after - 1] == line.text
