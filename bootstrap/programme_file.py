"""Reads the programme's own rules from YAML, and says what is wrong where."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from bootstrap.setting_places import read_text
from bootstrap.settings import SettingsError
from loyalty.near_miss import did_you_mean
from loyalty.programme import Programme


def read_programme(path: Path | None) -> Programme:
    """The programme in the file, or the defaults; raises SettingsError with every problem."""
    if path is None:
        return Programme()
    try:
        written = yaml.safe_load(read_text("programme_file", path))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "is not YAML"
        raise SettingsError([f"{path}{line}: {problem}"]) from None
    if written is not None and not isinstance(written, dict):
        raise SettingsError([f"{path}: must be a list of `field: value` lines"])
    try:
        return Programme.model_validate(written or {})
    except ValidationError as error:
        raise SettingsError([_problem(path, each) for each in error.errors()]) from None


def _problem(path: Path, found: Any) -> str:
    place = ".".join(str(part) for part in found["loc"])
    if found["type"] == "extra_forbidden":
        allowed = _fields_at(found["loc"][:-1])
        near = did_you_mean(str(found["loc"][-1]), allowed)
        return f"{path}: {place} is not known.{near} Allowed: {', '.join(allowed)}."
    says = str(found["msg"]).removeprefix("Value error, ")
    where = f"{path}: {place}" if place else str(path)
    # What is wrong with a block as a whole names the field itself.
    whole = found["type"] == "value_error" and isinstance(found["input"], dict)
    return f"{where}: {says}" + ("" if whole else f" (is {found['input']!r})")


def _fields_at(place: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = Programme
    for part in place:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return sorted(model.model_fields)
