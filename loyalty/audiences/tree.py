"""A condition over members as a tree, where it is of the plain kind that SQL can answer too.

Plain are comparisons of one fact with one figure or text, `in`, and, or, not. Everything else is
for the condition's own engine only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from loyalty.failing import joined

Value = int | str | bool


@dataclass(frozen=True, slots=True)
class Fact:
    """A variable, or one entry of it: `member.spend_within["90"]`."""

    name: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    fact: Fact
    sign: str  # == != < <= > >=
    value: Value


@dataclass(frozen=True, slots=True)
class Holds:
    """One of `values` is in the list that the fact is."""

    value: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class OneOf:
    fact: Fact
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Tree"


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Engine:
    """A part that only the engine can answer."""

    text: str


Tree = Compare | Holds | OneOf | Not | Both | Either | Engine | bool


class NotPlain(Exception):
    """The condition says something that has no tree."""


_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\\n]|\\["\\nr])*")|(?P<number>-?\d+(?![\w.]))"""
    r"""|(?P<name>[a-z_]\w*(?:\.[a-z_]\w*)*)|(?P<sign>&&|\|\||==|!=|<=|>=|[<>!()\[\],]))"""
)
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n", "\\r": "\r"}


@lru_cache(maxsize=1024)
def tree_of(text: str) -> Tree:
    """The condition's tree. Of several joined by `&&`, each that is not plain stays a text."""
    try:
        return _Reader(text).whole()
    except NotPlain:
        parts = list(joined(text))
        if len(parts) < 2:
            return Engine(text)
        return Both(tuple(tree_of(part) for part in parts))


def engine_parts(tree: Tree) -> Sequence[str]:
    """The texts that the engine must answer, of those that must all hold."""
    if isinstance(tree, Engine):
        return [tree.text]
    return [t for part in tree.parts for t in engine_parts(part)] if isinstance(tree, Both) else []


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise NotPlain
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self._at = 0

    def whole(self) -> Tree:
        tree = self._either()
        if self._at < len(self._tokens):
            raise NotPlain
        return tree

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise NotPlain
        self._at += 1
        return self._tokens[self._at - 1]

    def _skip(self, sign: str) -> bool:
        here = self._at < len(self._tokens) and self._tokens[self._at] == ("sign", sign)
        self._at += here
        return here

    def _either(self) -> Tree:
        parts = [self._both()]
        while self._skip("||"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self) -> Tree:
        parts = [self._one()]
        while self._skip("&&"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _one(self) -> Tree:
        if self._skip("!"):
            return Not(self._one())
        if self._skip("("):
            inside = self._either()
            if not self._skip(")"):
                raise NotPlain
            return inside
        return self._relation(self._operand())

    def _operand(self) -> Fact | Value:
        kind, said = self._next()
        if kind == "text":
            return re.sub(r"\\.", lambda found: _ESCAPES[found[0]], said[1:-1])
        if kind == "number":
            return int(said)
        if kind != "name" or said == "in":
            raise NotPlain
        if said in ("true", "false"):
            return said == "true"
        if not self._skip("["):
            return Fact(said)
        key = self._operand()
        if not isinstance(key, str) or not self._skip("]"):
            raise NotPlain
        return Fact(said, key)

    def _relation(self, left: Fact | Value) -> Tree:
        kind, said = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if (kind, said) == ("name", "in"):
            self._at += 1
            return self._in(left)
        if kind == "sign" and said in _FLIPPED:
            self._at += 1
            right = self._operand()
            if isinstance(left, Fact) and not isinstance(right, Fact):
                return Compare(left, said, right)
            if isinstance(right, Fact) and not isinstance(left, Fact):
                return Compare(right, _FLIPPED[said], left)
            raise NotPlain
        if isinstance(left, bool):
            return left
        if isinstance(left, Fact):
            return Compare(left, "==", True)
        raise NotPlain

    def _in(self, left: Fact | Value) -> Tree:
        if not self._skip("["):
            right = self._operand()
            if isinstance(left, str) and isinstance(right, Fact) and right.key is None:
                return Holds(left, right)
            raise NotPlain
        values: list[Value] = []
        while not self._skip("]"):
            value = self._operand()
            if isinstance(value, Fact):
                raise NotPlain
            values.append(value)
            if not self._skip(",") and self._tokens[self._at : self._at + 1] != [("sign", "]")]:
                raise NotPlain
        if not isinstance(left, Fact):
            raise NotPlain
        return OneOf(left, tuple(values))
