"""What members used of their caps, changed in the transaction that posts (rule 22)."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Executable, bindparam, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from storage import tables

_table = tables.earning_counters
_USED = select(_table.c.rule_id, _table.c.period_key, _table.c.granted).where(
    _table.c.member_id == bindparam("member"),
    tuple_(_table.c.rule_id, _table.c.period_key).in_(bindparam("counters", expanding=True)),
)


def _add(insert: type[sqlite.Insert] | type[postgresql.Insert]) -> Executable:
    statement = insert(_table)
    return statement.on_conflict_do_update(
        index_elements=["member_id", "rule_id", "period_key"],
        set_={
            "granted": _table.c.granted + statement.excluded.granted,
            "wished": _table.c.wished + statement.excluded.wished,
        },
    )


_ADD = {"sqlite": _add(sqlite.Insert), "postgresql": _add(postgresql.Insert)}


class SqlCounters:
    """The Counters port on one transaction's connection; the member is locked before."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def used(
        self, member_id: str, counters: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], int]:
        if not counters:
            return {}
        rows = self._connection.execute(_USED, {"member": member_id, "counters": list(counters)})
        return {(row.rule_id, row.period_key): int(row.granted) for row in rows}

    def add(self, member_id: str, moved: Mapping[tuple[str, str], tuple[int, int]]) -> None:
        rows = [
            {
                "member_id": member_id,
                "rule_id": name,
                "period_key": period,
                "wished": wished,
                "granted": granted,
            }
            for (name, period), (wished, granted) in sorted(moved.items())
            if wished or granted
        ]
        if rows:
            self._connection.execute(_ADD[self._connection.dialect.name], rows)
