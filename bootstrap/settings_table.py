"""Settings as the table in the documentation."""

from typing import Any

from bootstrap.settings import Settings, variable


def markdown() -> str:
    """The table of settings, for the documentation."""
    lines = ["| setting | default | what it does |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default in (None, "") else f"`{_plain(default)}`"
        what = (field.description or "").replace("|", r"\|")
        lines.append(f"| `{variable(name)}` | {shown} | {what} |")
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
