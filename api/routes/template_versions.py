"""Templates of one's own: check what is being written, save versions, read them back."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import recorded, twice
from api.services import Given
from loyalty import template_versions
from loyalty.errors import Unknown
from loyalty.journeys.yaml_tree import SIZE_MAX
from loyalty.ports import Transaction
from loyalty.template_versions import FILES_MAX
from loyalty.templates import Bilingual, BrokenTemplate, Problem

router = APIRouter(tags=["Templates"])

_FILES: dict[str, Any] = {
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
        Annotated[str, Field(max_length=SIZE_MAX)],
    ],
    Field(
        min_length=1,
        max_length=FILES_MAX,
        description="Text by relative name: `campaign.yaml`, `messages/<message>.<locale>.j2`",
    ),
]
Name = Annotated[
    str, Path(pattern=r"^[a-z][a-z0-9_]{0,47}$", description="The template's name: `name` in it")
]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="The version's number")]


class TemplateFiles(BaseModel):
    """A template as it is written."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"files": _FILES}]})
    files: Files


class TemplateChecked(BaseModel):
    """Everything that is wrong; without any finding it can be saved."""

    findings: list[Problem]
    name: str | None = Field(None, description="none where the files could not be read")
    title: Bilingual | None = None
    summary: Bilingual | None = None


class VersionToSave(TemplateFiles):
    """The next version, and the one it was written on top of."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"files": _FILES, "after_version": 0, "note": "First draft"}]
        },
    )
    after_version: int = Field(
        ge=0, le=2**31 - 2, description="The version that was edited; 0 = there is none yet"
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


class Source(BaseModel):
    """The files of a template that can be launched now: what a copy begins with."""

    name: str
    origin: Literal["shipped", "own"] = Field(description="own = saved here")
    version: int | None = Field(description="none for a shipped one")
    files: dict[str, str]


@router.post(
    "/v1/templates/check", summary="Check a template being written", responses=problems(write=True)
)
def check_template(
    body: TemplateFiles, given: Given, caller: Annotated[Caller, needs("read_campaigns")]
) -> TemplateChecked:
    """Every problem with its file, line and column, as for a template's folder. Saves nothing."""
    template, findings = given.read_texts(None, body.files)
    if template is None:
        return TemplateChecked(findings=list(findings))
    return TemplateChecked(
        findings=list(findings),
        name=template.name,
        title=template.title,
        summary=template.summary,
    )


@router.get(
    "/v1/template-versions",
    summary="List templates of one's own",
    responses=problems(),
)
def list_template_versions(
    given: Given, caller: Annotated[Caller, needs("read_campaigns")]
) -> VersionLines:
    """Every version of every template that was saved here, by name, newest first."""
    found = given.store.read(lambda tx: tx.template_versions.listed())
    return VersionLines(versions=[_line(each) for each in found])


@router.get(
    "/v1/templates/{name}/files",
    summary="Read a template's files",
    responses=problems("unknown"),
)
def read_template_files(
    name: Name, given: Given, caller: Annotated[Caller, needs("read_campaigns")]
) -> Source:
    """As written: of a shipped template, or of the newest version of one's own."""
    return source(given, name)


@router.get(
    "/v1/templates/{name}/versions",
    summary="List a template's versions",
    responses=problems("unknown"),
)
def list_versions_of_template(
    name: Name, given: Given, caller: Annotated[Caller, needs("read_campaigns")]
) -> VersionLines:
    """Newest first. Shipped templates have none."""
    found = given.store.read(lambda tx: template_versions.versions(tx, name))
    return VersionLines(versions=[_line(each) for each in found])


@router.get(
    "/v1/templates/{name}/versions/{version}",
    summary="Read a version of a template",
    responses=problems("unknown"),
)
def read_template_version(
    name: Name,
    version: Number,
    given: Given,
    caller: Annotated[Caller, needs("read_campaigns")],
) -> VersionView:
    """With its files as they were saved."""
    found = given.store.read(lambda tx: template_versions.version(tx, name, version))
    return VersionView.model_validate(found, from_attributes=True)


@router.post(
    "/v1/templates/{name}/versions",
    summary="Save a version of a template",
    status_code=201,
    responses=problems("changed_meanwhile", "broken_template", write=True)
    | twice(VersionSaved, "Saved now"),
)
def save_template_version(
    name: Name,
    body: VersionToSave,
    given: Given,
    caller: Annotated[Caller, needs("change_campaigns")],
) -> JSONResponse:
    """Campaigns that are drafted from now on get it, on every process; running ones keep theirs.

    Refused while anything is wrong with it, and with 409 when somebody else saved since
    `after_version`. The same files again by the same caller change nothing.
    """
    line, replayed = save(
        given, name, body.files, body.after_version, note=body.note, actor=caller.actor
    )
    return recorded({**line.model_dump(mode="json"), "replayed": replayed})


def save(
    given: Given, name: str, files: dict[str, str], after_version: int, *, note: str, actor: str
) -> tuple[VersionLine, bool]:
    """Check and save; raises BrokenTemplate with every problem, or ChangedMeanwhile."""
    template, found = given.read_texts(name, files)
    if template is None or found:
        raise BrokenTemplate(name, found)
    shipped = given.shipped().keys()

    def work(tx: Transaction) -> tuple[Any, bool]:
        return template_versions.save(
            tx,
            template,
            files,
            after_version=after_version,
            note=note,
            actor=actor,
            shipped=shipped,
        )

    made, replayed = given.store.run(work)
    return _line(made), replayed


def source(given: Given, name: str) -> Source:
    """What a template is written as now; raises Unknown."""
    shipped = given.shipped().get(name)
    if shipped is not None:
        return Source(name=name, origin="shipped", version=None, files=dict(shipped))
    found = given.store.read(lambda tx: tx.template_versions.latest(name))
    if found is None:
        raise Unknown("template", name)
    return Source(name=name, origin="own", version=found.version, files=dict(found.files))


def _line(version: Any) -> VersionLine:
    return VersionLine.model_validate(version, from_attributes=True)
