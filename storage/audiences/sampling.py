"""Some members who stand for all: a large programme answers while somebody waits.

Every so-many-th member by a number that says nothing about the member: the place of the row, or a
hash of the id. The same members each time, so that a figure does not flicker while one types.
"""

from sqlalchemy import ColumnElement, Connection, func, literal_column, select, true

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


def one_in(step: int, dialect: str) -> ColumnElement[bool]:
    """Whether a member is one of those who are asked."""
    if step == 1:
        return true()
    some = members.alias("some")
    number: ColumnElement[int] = (
        literal_column("some.rowid") if dialect == "sqlite" else func.hashtext(some.c.id)
    )
    return members.c.id.in_(select(some.c.id).where(number % step == 0))
