"""Two versions of a template side by side: what was taken out, what was put in."""

from hypothesis import given
from hypothesis import strategies as st

from loyalty.line_changes import COMPARED_MAX, LineChange, changes

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


def test_a_change_at_the_ends_of_a_file() -> None:
    """Nothing is left out beyond them, and what stands between two changes that are near."""
    before = [str(n) for n in range(1, 11)]

    [found] = changes({"f": "\n".join(before)}, {"f": "\n".join(["0", *before[:-1], "ten"])})

    told = [line.text for line in found.lines]
    assert told == ["0", "1", "2", "3", "", "7", "8", "9", "10", "ten"]
    [near] = changes({"f": "\n".join(before[:7])}, {"f": "\n".join(["0", *before[1:6], "six"])})
    assert [line.text for line in near.lines] == ["1", "0", "2", "3", "4", "5", "6", "7", "six"]


def test_a_figure_changed_among_ever_so_many_lines_is_found_at_once() -> None:
    """Lines before the first change and after the last are compared with no others."""
    alike = ["#"] * 49_000
    [found] = changes(
        {"f": "\n".join([*alike, "50", *alike])}, {"f": "\n".join([*alike, "60", *alike])}
    )

    assert [line.text for line in found.lines] == [
        "", "#", "#", "#", "50", "60", "#", "#", "#", "",
    ]  # fmt: skip


def test_a_file_rewritten_from_end_to_end_is_told_whole() -> None:
    """Where too much lies between the first change and the last, nobody looks for what stayed."""
    many = COMPARED_MAX + 1
    [found] = changes(
        {"f": "\n".join(["same", *["x", "y"] * many])},
        {"f": "\n".join(["same", *["x", "z"] * many])},
    )

    assert (found.removed, found.added) == (2 * many - 1, 2 * many - 1)
    assert [line.text for line in found.lines[:3]] == ["same", "x", "y"]


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
