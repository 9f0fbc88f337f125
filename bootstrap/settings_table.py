"""Settings as the table in the documentation."""

import re
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bootstrap.settings import Settings, variable

# In an address, as far as the last `@`: some leave one in a password as it is.
_PASSWORD = re.compile(r"(://[^:/@]*:).*@|((?i:[?&](?:ssl)?password=))[^&]*")


def listed() -> list[tuple[str, FieldInfo]]:
    """Every setting by its name; those of a part come after all others."""
    own = Settings.__annotations__
    return sorted(Settings.model_fields.items(), key=lambda each: each[0] not in own)


def markdown() -> str:
    """The table of settings, for the documentation."""
    lines = ["| setting | default | what it does |", "| --- | --- | --- |"]
    for name, field in listed():
        default = field.default
        shown = "" if default in (None, "") else f"`{plain(default)}`"
        what = (field.description or "").replace("|", r"\|")
        lines.append(f"| `{variable(name)}` | {shown} | {what} |")
    return "\n".join(lines) + "\n"


def plain(value: Any) -> str:
    """A value as it is written into the environment."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def shown(value: Any) -> str:
    """A value as a screen may show it: no secret, and no password that an address holds."""
    if isinstance(value, SecretStr):
        return "(set)"
    return "" if value is None else _PASSWORD.sub(_hidden, plain(value))


def _hidden(found: re.Match[str]) -> str:
    return f"{found[1]}***@" if found[1] else f"{found[2]}***"
