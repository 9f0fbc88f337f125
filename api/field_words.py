"""Why a field was refused, in words for whoever wrote the request rather than the model."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.console.field_words import FIELD_WORDS
from loyalty.written_forms import in_words


def message_of(found: Mapping[str, Any]) -> str:
    """One of pydantic's findings in plain words; what is rare stays in pydantic's own."""
    said = str(found["msg"]).removeprefix("Value error, ")
    words = FIELD_WORDS.get(str(found["type"]))
    if words is None:
        return said
    try:
        context = dict(found.get("ctx", {}))
        return words % (context | {"form": in_words(str(context.get("pattern")))})
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
