"""Versions of the earning rules. They never change, so a process asks for new ones now and then.

A version is made at least a minute before it counts (`activate.LEAD`), and a process looks again
after half of that: every receipt is judged by the right one without a statement of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from loyalty.earning.activate import LEAD
from loyalty.earning.rule_set import RuleSet
from loyalty.earning.version import RulesVersion
from storage import tables
from storage.rows import InsertOnce, Shape

_table = tables.earning_rules
_shape = Shape(RulesVersion, _table)
# By version; `at` looks for the last of those that began latest.
_ALL = select(*_shape.columns).order_by(_table.c.version)
_ADD = InsertOnce(_table)


@dataclass(slots=True)
class RulesKnown:
    """What a process knew of the versions when it last looked; one for each store."""

    at: datetime | None = None
    versions: tuple[RulesVersion, ...] = ()


class SqlEarningRules:
    """The EarningRules port on one transaction's connection."""

    def __init__(self, connection: Connection, now: datetime, known: RulesKnown) -> None:
        self._connection = connection
        self._now = now
        self._known = known

    def at(self, instant: datetime) -> RulesVersion | None:
        known = self._known
        if known.at is None or not known.at <= self._now < known.at + LEAD / 2:
            known.versions, known.at = tuple(self.listed()), self._now
        begun = [each for each in known.versions if each.active_from <= instant]
        return max(begun, key=lambda each: (each.active_from, each.version), default=None)

    def listed(self) -> Sequence[RulesVersion]:
        # The same version stays the same object, so that what was made ready stays ready.
        there = {each.version: each for each in self._known.versions}
        rows = self._connection.execute(_ALL)
        return [there.get(row.version) or _version(row) for row in rows]

    def add(self, version: RulesVersion) -> bool:
        row = _shape.values(version) | {"body": version.body.model_dump(mode="json")}
        return _ADD(self._connection, row)


def _version(row: Any) -> RulesVersion:
    return RulesVersion(**{**row._mapping, "body": RuleSet.model_validate(row.body)})
