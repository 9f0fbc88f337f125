"""What one unit of work changed in memory, so that its refusal leaves no trace."""

from collections.abc import MutableMapping
from typing import Any

_ABSENT = object()


class Undo:
    """Changes to dictionaries and lists since the unit began; `roll_back` takes them back."""

    __slots__ = ("_log",)

    def __init__(self) -> None:
        self._log: list[tuple[Any, Any, Any]] = []

    def put(self, where: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        """Set a key, remembering what was there."""
        self._log.append((where, key, where.get(key, _ABSENT)))
        where[key] = value

    def append(self, where: list[Any], value: Any) -> None:
        """Add to a list, remembering how long it was."""
        self._log.append((where, None, len(where)))
        where.append(value)

    def forget(self) -> None:
        """The unit is done: what it changed stays."""
        self._log.clear()

    def roll_back(self) -> None:
        """Take back everything since the last `forget`, newest first."""
        for where, key, before in reversed(self._log):
            if key is None:
                del where[before:]
            elif before is _ABSENT:
                where.pop(key, None)
            else:
                where[key] = before
        self._log.clear()

    @property
    def empty(self) -> bool:
        return not self._log
