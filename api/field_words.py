"""Why a field was refused, in words for whoever wrote the request rather than the model."""

from collections.abc import Mapping, Sequence
from typing import Any

from loyalty.written_forms import in_words

_WORDS = {
    "missing": "is needed",
    "extra_forbidden": "is not known here; nothing is taken silently",
    "timezone_aware": "needs its offset from UTC, as in 2026-10-03T10:15:00+08:00",
    "datetime_from_date_parsing": "must be an instant, as in 2026-10-03T10:15:00+08:00",
    "datetime_parsing": "must be an instant, as in 2026-10-03T10:15:00+08:00",
    "datetime_type": "must be an instant, as in 2026-10-03T10:15:00+08:00",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be a text",
    "string_pattern_mismatch": "must be {form}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length}",
    "too_long": "must have at most {max_length}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be one of: {expected}",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object with names and values",
    "model_attributes_type": "must be an object with names and values",
    "model_type": "must be an object with names and values",
}


def message_of(found: Mapping[str, Any]) -> str:
    """One of pydantic's findings in plain words; what is rare stays in pydantic's own."""
    said = str(found["msg"]).removeprefix("Value error, ")
    words = _WORDS.get(str(found["type"]))
    if words is None:
        return said
    try:
        context = dict(found.get("ctx", {}))
        return words.format_map(context | {"form": in_words(str(context.get("pattern")))})
    except KeyError:
        return said


def meant(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without the list that is called too short only because what it holds was refused."""
    places = [tuple(each["loc"]) for each in found]
    return [
        each
        for each, place in zip(found, places, strict=True)
        if each["type"] != "too_short"
        or not any(other[: len(place)] == place != other for other in places)
    ]
