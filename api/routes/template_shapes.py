"""What goes in and comes out where templates are written."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from loyalty.journeys.picture_shapes import Picture
from loyalty.journeys.yaml_tree import SIZE_MAX
from loyalty.template_versions import FILES_MAX
from loyalty.templates import Bilingual, Problem

FILES_EXAMPLE: dict[str, Any] = {
    "campaign.yaml": (
        "name: thank_you\n"
        "title: {en: Thank you, zh: 感谢}\n"
        "summary: {en: Points for those we invite., zh: 邀请的会员获得积分。}\n"
        "enter: api\n"
        "budget_points: 1000\n"
        "journey:\n"
        "  - grant: 50\n"
        "  - notify: thanks\n"
    ),
    "messages/thanks.en.j2": "Subject: Thank you\n\nYou have {{ points.available }} points.\n",
    "messages/thanks.zh.j2": "Subject: 感谢您\n\n您有 {{ points.available }} 积分。\n",
}
Files = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=80)],
        str,
    ],
    Field(
        min_length=1,
        max_length=FILES_MAX,
        description="Text by relative name: `campaign.yaml`, `messages/<message>.<locale>.j2`; up "
        f"to {SIZE_MAX:,} characters each",
    ),
]
Name = Annotated[
    str, Path(pattern=r"^[a-z][a-z0-9_]{0,47}$", description="The template's name: `name` in it")
]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The version's number")]


class TemplateFiles(BaseModel):
    """A template as it is written."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"files": FILES_EXAMPLE}]}
    )
    files: Files


class TemplateChecked(BaseModel):
    """Everything that is wrong; without any finding it can be saved."""

    findings: list[Problem]
    name: str | None = Field(None, description="none where the files could not be read")
    title: Bilingual | None = None
    summary: Bilingual | None = None
    picture: Picture | None = Field(None, description="The journey, where it could be read")


class VersionToSave(TemplateFiles):
    """The next version, and the one it was written on top of."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"files": FILES_EXAMPLE, "after_version": 0, "note": "First draft"}]
        },
    )
    after_version: int = Field(
        ge=0,
        le=2**31 - 2,
        strict=True,
        description="The version that was edited; 0 = there is none yet",
    )
    note: str = Field(min_length=3, max_length=500, description="What changed, and why")


class VersionLine(BaseModel):
    """A version without its files."""

    name: str
    version: int
    created_at: datetime
    created_by: str
    hash: str = Field(description="Changes exactly when a file does")
    note: str


class VersionLines(BaseModel):
    versions: list[VersionLine] = Field(description="Newest first")


class VersionView(VersionLine):
    files: dict[str, str]


class VersionSaved(VersionLine):
    replayed: bool


class ChangedLine(BaseModel):
    """A line, with its number before and after where it is there."""

    how: Literal["same", "added", "removed", "skipped"] = Field(
        description="skipped = unchanged lines that are left out here"
    )
    before: int | None
    after: int | None
    text: str


class ChangedFile(BaseModel):
    file: str
    added: int
    removed: int
    lines: list[ChangedLine]


class Compared(BaseModel):
    """What a version changed."""

    since: int
    version: int
    files: list[ChangedFile]


class Source(BaseModel):
    """The files of a template that can be launched now: what a copy begins with."""

    name: str
    origin: Literal["shipped", "own"] = Field(description="own = saved here")
    version: int | None = Field(description="none for a shipped one")
    files: dict[str, str]
