"""Some members who stand for all: a large programme answers while somebody waits.

Those with the lowest draws: a draw is a hash of the id and says nothing about the member. The same
members each time, so that a figure does not flicker while one types.
"""

from sqlalchemy import ColumnElement, Connection, func, select, true

from storage.schema.members import DRAWS
from storage.tables import members

LARGE = 20_000
"""Up to so many members everybody is asked."""
SAMPLED = 2_000
"""Members who are asked in a larger programme: a half of all is then known to two in a hundred."""
FEW = 100
"""Fewer than so many of them who fit say too little about all."""


def step_of(connection: Connection) -> int:
    """One member in how many is asked; 1 = everybody."""
    beyond = select(members.c.id).order_by(members.c.id).offset(LARGE).limit(1)
    if connection.execute(beyond).first() is None:
        return 1
    if connection.dialect.name == "postgresql":
        # What a condition costs is overestimated, and compiling it takes longer than asking it.
        connection.execute(select(func.set_config("jit", "off", True)))
    total = connection.execute(select(func.count()).select_from(members)).scalar_one()
    return max(1, int(total) // SAMPLED)


def one_in(step: int) -> ColumnElement[bool]:
    """Whether a member is one of those who are asked."""
    return true() if step == 1 else members.c.draw < DRAWS // step
