"""Forms: dotted names become nested values, and refusals find their way back beside the field.

    form = await form_of(request)                # {"values": {"points": "50"}, "groups": ["a"]}
    try:
        use_case(...)
    except LoyaltyError as error:
        return page(request, "launch.html", 422, form=form, errors=errors_of(error))

A part that is a number makes a list (`audience.groups.0.tier`); gaps are closed up. A name that
ends in `[]` is always a list; another name sent several times is one too. Values are texts as they
were typed, trimmed of nothing.
"""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from api.problems import Refused
from loyalty.errors import Invalid, LoyaltyError
from loyalty.typed_numbers import unparted

Form = dict[str, Any]
NAME_MAX = 200
FIELDS_MAX = 5000
WHOLE = ""
"""Where errors stand that belong to no field: at the top of the form."""


async def form_of(request: Request) -> Form:
    """What was posted, nested. Raises Refused for names that contradict each other or never end."""
    sent = await request.form(max_files=4, max_fields=FIELDS_MAX)
    whole: dict[str, Any] = {}
    for name in dict.fromkeys(sent.keys()):
        if len(name) > NAME_MAX:
            raise Refused("malformed", "A field of the form has too long a name.")
        values = sent.getlist(name)
        always = name.endswith("[]")
        value: Any = values if always or len(values) > 1 else values[0]
        if any(isinstance(each, str) and "\0" in each for each in values):
            raise Refused("malformed", "The form holds a NUL character.")
        _put(whole, name.removesuffix("[]").split("."), value)
    return {key: _lists(value) for key, value in whole.items()}


def _put(whole: dict[str, Any], parts: list[str], value: Any) -> None:
    *branches, last = parts
    for part in branches:
        whole = whole.setdefault(part, {})
        if not isinstance(whole, dict):
            raise Refused("malformed", "Two fields of the form have contradicting names.")
    if last in whole:
        raise Refused("malformed", "Two fields of the form have contradicting names.")
    whole[last] = value


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(each) for key, each in value.items()}


def at(form: Any, path: str, default: Any = "") -> Any:
    """The value at a dotted path, `default` where there is none."""
    for part in path.removesuffix("[]").split("."):
        if isinstance(form, Mapping) and part in form:
            form = form[part]
        elif isinstance(form, list | tuple) and part.isdecimal() and int(part) < len(form):
            form = form[int(part)]
        else:
            return default
    return default if form is None else form


def whole(typed: object) -> int | str:
    """A whole number as people type it, its thousands parted or not; else the text, to be refused.

    At most 18 digits: more would fit neither a column nor anybody's purse.
    """
    text = unparted(typed)
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else text


def errors_of(error: LoyaltyError | ValidationError) -> dict[str, str]:
    """What was refused, by dotted path; what belongs to no field stands under WHOLE."""
    if isinstance(error, ValidationError):
        return {
            ".".join(str(part) for part in each["loc"]): _plain(str(each["msg"]))
            for each in error.errors()
        }
    if not isinstance(error, Invalid):
        return {WHOLE: error.detail}
    found: dict[str, str] = {}
    for problem in error.problems:
        message = str(problem.get("message") or problem.get("code"))
        found.setdefault(str(problem.get("field", WHOLE)), _plain(message))
    return found


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ").strip()
    return message[:1].upper() + message[1:]
