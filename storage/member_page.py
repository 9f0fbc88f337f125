"""Members' rows as whole members, for pages of them."""

from collections.abc import Sequence
from typing import Any

from loyalty.members import Member
from storage.rows import Shape
from storage.tables import members

SHAPE = Shape(Member, members)
COLUMNS = SHAPE.columns
_TAGS = SHAPE.names.index("tags")


def member_of_row(row: Sequence[Any]) -> Member:
    fields: tuple[Any, ...] = (*row[:_TAGS], tuple(row[_TAGS]), *row[_TAGS + 1 :])
    return Member(*fields)
