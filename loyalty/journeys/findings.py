"""Collects everything wrong with a template, each finding with its file, place, step and field."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from loyalty.conditions import BadCondition, Condition, Scope
from loyalty.journeys.yaml_tree import START, Path, Place, Unreadable
from loyalty.near_miss import did_you_mean
from loyalty.templates import Problem, place_key
from loyalty.written_forms import in_words

M = TypeVar("M", bound=BaseModel)

_WORDS = {
    "missing": "This is missing.",
    "int_type": "A whole number is wanted here.",
    "int_parsing": "A whole number is wanted here.",
    "string_type": "A text is wanted here.",
    "bool_type": "true or false is wanted here.",
    "list_type": "A list is wanted here.",
    "tuple_type": "A list is wanted here.",
    "too_short": "The list is empty.",
    "string_too_short": "The text is empty.",
    "string_pattern_mismatch": "It is written in another way here.",
    "model_type": "Fields are wanted here, not a single value.",
}


class Findings:
    """The problems of one template. Steps may be named after something was found inside them."""

    def __init__(self, file: str, places: Mapping[str, Place]) -> None:
        self._file = file
        self._places = places
        self._steps: dict[Path, str] = {}
        self._found: dict[tuple[Path, str, str], tuple[str, ...]] = {}

    @property
    def problems(self) -> list[Problem]:
        """All of them, in the order of the file."""
        problems = [
            self._problem(path, code, message, allowed)
            for (path, code, message), allowed in self._found.items()
        ]
        return sorted(problems, key=lambda problem: (problem.line, problem.column or 0))

    def name_step(self, path: Path, step: str) -> None:
        """Findings below `path` belong to this step."""
        self._steps[path] = step

    def add(self, path: Path, code: str, message: str, allowed: Iterable[str] = ()) -> None:
        self._found.setdefault((path, code, message), tuple(allowed))

    def _problem(self, path: Path, code: str, message: str, allowed: tuple[str, ...]) -> Problem:
        step_path = next((p for p in _prefixes(path) if p in self._steps), ())
        line, column = self._place(path)
        return Problem(
            file=self._file,
            line=line,
            column=column,
            step=self._steps.get(step_path),
            field=".".join(str(part) for part in path[len(step_path) :]) or "step",
            code=code,
            message=message,
            allowed=allowed,
        )

    def unknown(self, path: Path, what: str, name: object, allowed: Iterable[str]) -> None:
        """A name that does not exist, with the one that was probably meant."""
        allowed = tuple(allowed)
        hint = did_you_mean(str(name), allowed)
        code = "unknown_" + what.replace(" ", "_")
        self.add(path, code, f"There is no {what} {name!r}.{hint}", allowed)

    def read(self, model: type[M], value: Any, path: Path) -> M | None:
        """`value` as `model`, or none with what is wrong with it noted."""
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for detail in error.errors():
                self._note(model, path, detail)
            return None

    def condition(self, text: str | None, scope: Scope, path: Path) -> frozenset[str]:
        """The variables a condition reads; none, with what is wrong noted, where it is no good."""
        try:
            return Condition(text, scope).names if text is not None else frozenset()
        except BadCondition as bad:
            message = f"{bad.reason} (character {bad.position} of: {_short(bad.text)})"
            self.add(path, "bad_condition", message, bad.allowed)
            return frozenset()

    def _note(self, model: type[BaseModel], path: Path, detail: ErrorDetails) -> None:
        kind, context = detail["type"], detail.get("ctx", {})
        place = (*path, *detail["loc"])
        fields = tuple(f.alias or name for name, f in model.model_fields.items())
        if kind == "extra_forbidden":
            self.unknown(place, "field", detail["loc"][-1], fields)
        elif kind == "written":
            self.add(place, context["code"], context["message"], context["allowed"])
        elif kind == "literal_error":
            allowed = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
            message = f"{detail['input']!r} is not one of the choices."
            hint = did_you_mean(str(detail["input"]), allowed)
            self.add(place, "unknown_choice", message + hint, allowed)
        else:
            self.add(place, kind, _WORDS.get(kind, detail["msg"] + "."), _limits(context))

    def _place(self, path: Path) -> Place:
        keys = map(place_key, _prefixes(path))
        return next((self._places[key] for key in keys if key in self._places), START)


def unreadable(file: str, error: Unreadable) -> Problem:
    """The one problem of a text that is no YAML."""
    return Problem(
        file=file,
        line=error.line,
        column=error.column,
        field="file",
        code="unreadable",
        message=error.reason,
    )


def _prefixes(path: Path) -> list[Path]:
    return [path[:n] for n in range(len(path), -1, -1)]


def _limits(context: Mapping[str, Any]) -> tuple[str, ...]:
    words = {"ge": "from", "gt": "above", "le": "to", "lt": "below"}
    limits = [f"{words[key]} {value}" for key, value in context.items() if key in words]
    if "pattern" in context:
        limits.append(in_words(str(context["pattern"])))
    return tuple(limits)


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."
