"""Templates of one's own: save versions, read them back, compare them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.errors import problems
from api.keys import Caller, needs
from api.recording import recorded, twice
from api.routes.template_shapes import (
    ChangedFile,
    Compared,
    Name,
    Number,
    Source,
    VersionLine,
    VersionLines,
    VersionSaved,
    VersionToSave,
    VersionView,
)
from api.services import Given
from loyalty import template_versions
from loyalty.errors import Unknown
from loyalty.line_changes import changes
from loyalty.ports import Transaction
from loyalty.templates import BrokenTemplate

router = APIRouter(tags=["Templates"])


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


@router.get(
    "/v1/templates/{name}/versions/{version}/changes",
    summary="Compare two versions of a template",
    responses=problems("unknown"),
)
def compare_template_versions(
    name: Name,
    version: Number,
    given: Given,
    caller: Annotated[Caller, needs("read_campaigns")],
    since: Annotated[
        int | None, Query(ge=0, le=2**31 - 1, description="none = the one before; 0 = nothing")
    ] = None,
) -> Compared:
    """Line by line, with a few unchanged lines around each change."""
    return compared(given, name, version - 1 if since is None else since, version)


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


def compared(given: Given, name: str, since: int, version: int) -> Compared:
    """What changed from one version to another; raises Unknown."""

    def work(tx: Transaction) -> Compared:
        new = template_versions.version(tx, name, version).files
        old = template_versions.version(tx, name, since).files if since else {}
        files = [_changed(each) for each in changes(old, new)]
        return Compared(since=since, version=version, files=files)

    return given.store.read(work)


def _changed(file: Any) -> ChangedFile:
    return ChangedFile.model_validate(file, from_attributes=True)


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
