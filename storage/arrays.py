"""Lists of values as PostgreSQL reads them: one text for a whole column of a batch.

The driver's own encoding looks at every value by itself; a batch has thousands of them, nearly all
without a character that must be escaped. What cannot be joined plainly is found by counting.
"""

from collections.abc import Callable, Sequence
from typing import Any

Encode = Callable[[Any], str]


def texts(values: Sequence[str | None]) -> str:
    """Text; none is NULL."""
    there = [each for each in values if each is not None]
    if len(there) < len(values):
        quoted = ("NULL" if each is None else f'"{_escaped(each)}"' for each in values)
        return "{" + ",".join(quoted) + "}"
    joined = '","'.join(there)
    if "\\" in joined or joined.count('"') != 2 * (len(there) - 1):
        joined = '","'.join([_escaped(each) for each in there])
    return '{"' + joined + '"}' if there else "{}"


def numbers(values: Sequence[int | None]) -> str:
    """Whole numbers, none is NULL: Python's own list is nearly it."""
    listed = str(list(values))[1:-1]
    return "{" + (listed.replace("None", "NULL") if None in values else listed) + "}"


def written_by(encode: Encode) -> Callable[[Sequence[Any]], str]:
    """Values of any other kind, each as the text that `encode` gives."""

    def array(values: Sequence[Any]) -> str:
        return texts([None if each is None else encode(each) for each in values])

    return array


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
