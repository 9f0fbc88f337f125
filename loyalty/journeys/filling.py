"""Fills a marketer's values into a template: `$name` as a whole value, `${name}` in a condition."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from loyalty.conditions import literal
from loyalty.journeys.findings import Findings
from loyalty.journeys.values import Multiplier, Percent, Value
from loyalty.journeys.yaml_tree import Path
from loyalty.templates import Parameter
from loyalty.timing import Length

_WHOLE = re.compile(r"^\$([A-Za-z_]\w*)$")
_INSIDE = re.compile(r"\$\{([^}]*)\}")
CONDITION_FIELDS = frozenset({"where", "branch", "audience", "who"})


class Filling:
    """One pass over a template's body; remembers which parameters were used."""

    def __init__(
        self,
        parameters: Mapping[str, Parameter],
        values: Mapping[str, Value],
        findings: Findings,
    ) -> None:
        self._parameters = parameters
        self._values = values
        self._findings = findings
        self.used: set[str] = set()

    def fill(self, part: Any, path: Path = ()) -> Any:
        """`part` with every parameter replaced by its value, typed."""
        if isinstance(part, dict):
            return {key: self.fill(value, (*path, key)) for key, value in part.items()}
        if isinstance(part, list):
            return [self.fill(value, (*path, i)) for i, value in enumerate(part)]
        if not isinstance(part, str):
            return part
        whole = _WHOLE.match(part)
        if whole:
            value = self._value(whole[1], path)
            return value.typed if value else part
        if "${" in part:
            return self._inside(part, path)
        return part

    def _inside(self, text: str, path: Path) -> str:
        if not CONDITION_FIELDS & set(path):
            message = "${name} works inside conditions only; use $name as the whole value."
            self._findings.add(path, "parameter_inside_text", message)
            return text

        def replace(found: re.Match[str]) -> str:
            name = found[1].strip()
            value = self._value(name, path)
            return self._literal(name, value, path) if value else found[0]

        return _INSIDE.sub(replace, text)

    def _literal(self, name: str, value: Value, path: Path) -> str:
        if self._parameters[name].type == "condition":
            return f"({value.typed})"
        if isinstance(value.typed, datetime):
            return f"timestamp({literal(value.plain)})"
        if isinstance(value.typed, (Percent, Multiplier)):
            kind = self._parameters[name].type
            message = f"A {kind} cannot stand in a condition: conditions know whole numbers."
            self._findings.add(path, "parameter_inside_text", message)
        # A length stands as its number of days, to be compared with member.days_since_...
        return literal(value.typed.days if isinstance(value.typed, Length) else value.typed)

    def _value(self, name: str, path: Path) -> Value | None:
        self.used.add(name)
        value = self._values.get(name)
        if value is None and name not in self._parameters:
            self._findings.unknown(path, "parameter", name, self._parameters)
        return value
