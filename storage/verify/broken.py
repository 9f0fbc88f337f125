"""What a check says: that all holds, or the first row that does not, by table and key."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "broken", "skipped"]


@dataclass(frozen=True, slots=True)
class Broken:
    """One row that does not hold: `key` is its primary key as text, `what` says how."""

    table: str
    key: str
    what: str

    def sentence(self) -> str:
        return f"{self.table} {self.key}: {self.what}"


class RowBroken(Exception):
    """Raised where a row does not hold, to be told as the check's finding."""

    def __init__(self, table: str, key: object, what: str) -> None:
        self.broken = Broken(table, str(key), what)
        super().__init__(self.broken.sentence())


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what must hold, whether it does, and the first row that breaks it.

    A check is skipped where an earlier one took the ground from under it, or where only a part of
    the ledger was asked for.
    """

    check: str
    state: State
    broken: Broken | None = None
