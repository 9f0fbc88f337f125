"""Some members who stand for all: a large programme answers while somebody waits.

Those with the lowest draws: a draw is a hash of the id and says nothing about the member. The same
members each time, so that a figure does not flicker while one types.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import ColumnElement, Connection, func, select, true

from storage.schema.members import DRAWS
from storage.tables import members

LARGE = 20_000
"""Up to so many members everybody is asked what their own rows say."""
LARGE_TO_LOOK_UP = 5_000
"""Up to so many everybody's receipts, points or consents are looked up."""
SAMPLED = 2_000
"""Members who are asked in a larger programme: a half of all is then known to two in a hundred."""
FEW = 100
"""Fewer than so many of them who fit say too little about all."""


_LOWEST = 64
"""One in so many members has a draw as low as those that are counted for a first estimate."""


def step_of(connection: Connection, *, in_rows: bool) -> int:
    """One member in how many is asked; 1 = everybody. `in_rows`: their own rows say it."""
    if connection.dialect.name == "postgresql":
        # What a condition costs is overestimated, and compiling it takes longer than asking it.
        _set(connection, "jit", "off")
    most = LARGE if in_rows else LARGE_TO_LOOK_UP
    beyond = select(members.c.id).order_by(members.c.id).offset(most).limit(1)
    if connection.execute(beyond).first() is None:
        return 1
    lowest = select(func.count()).select_from(members).where(one_in(_LOWEST))
    return max(1, int(connection.execute(lowest).scalar_one()) * _LOWEST // SAMPLED)


def one_in(step: int) -> ColumnElement[bool]:
    """Whether a member is one of those who are asked."""
    return true() if step == 1 else members.c.draw < DRAWS // step


@contextmanager
def by_index(connection: Connection) -> Iterator[None]:
    """What belongs to the few who are asked is looked up, not searched for in whole tables."""
    if connection.dialect.name != "postgresql":
        yield
        return
    _set(connection, "enable_seqscan", "off")
    yield
    _set(connection, "enable_seqscan", "on")


def _set(connection: Connection, name: str, value: str) -> None:
    """For this transaction only, which ends here if anything fails."""
    connection.execute(select(func.set_config(name, value, True)))
