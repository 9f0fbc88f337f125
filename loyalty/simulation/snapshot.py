"""A snapshot that several simulations share: what one has read, the others need not ask for."""

from collections.abc import Callable, Hashable
from typing import Any, cast

from loyalty.ports import Transaction


def read_once(tx: Transaction) -> Transaction:
    """The same snapshot; a question that was asked before gets the answer it got then.

    Only for a transaction that writes nothing: what it reads stays as it is until it ends.
    """
    return cast(Transaction, _Snapshot(tx))


class _Snapshot:
    def __init__(self, real: Transaction) -> None:
        self._real = real
        self._ports: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name not in self._ports:
            found = getattr(self._real, name)
            self._ports[name] = found if name in ("now", "programme") else _Port(found)
        return self._ports[name]


class _Port:
    def __init__(self, real: Any) -> None:
        self._real = real
        self._answers: dict[Hashable, Any] = {}

    def __getattr__(self, name: str) -> Any:
        ask: Callable[..., Any] = getattr(self._real, name)

        def once(*given: Any, **named: Any) -> Any:
            question = (name, _key(given), _key(sorted(named.items())))
            if question not in self._answers:
                self._answers[question] = ask(*given, **named)
            return self._answers[question]

        return once


def _key(value: Any) -> Hashable:
    if isinstance(value, (list, tuple)):
        return tuple(_key(each) for each in value)
    if isinstance(value, (set, frozenset)):
        return frozenset(value)
    return cast(Hashable, value)
