"""One saved version of a template of one's own: its files as they were typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TemplateLine:
    """A version without its files: who saved it, when and why."""

    name: str
    version: int
    created_at: datetime
    created_by: str
    hash: str  # changes exactly when a file does
    note: str


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """Immutable once made; the highest version of a name counts."""

    name: str
    version: int
    files: Mapping[str, str]  # text by relative name, as a template's folder has them
    created_at: datetime
    created_by: str
    hash: str
    note: str
