"""Write a template of one's own: checked while one types, tried on a member, saved as a version."""

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.console.forms import at, errors_of, form_of
from api.console.people import names
from api.console.rendering import go, page
from api.console.sessions import person
from api.console.template_draft import BLANK, Draft, draft_of, files_of, marks
from api.keys import Caller
from api.routes import template_versions as saving
from api.routes.template_check import checked
from api.routes.template_shapes import VersionToSave
from api.services import Given, Services
from loyalty import template_versions
from loyalty.errors import ChangedMeanwhile, LoyaltyError, Unknown
from loyalty.line_changes import changes
from loyalty.templates import BrokenTemplate

router = APIRouter()
Reader = Annotated[Caller, person("read_campaigns")]
Writer = Annotated[Caller, person("change_campaigns")]
_MESSAGE = re.compile(r"^[a-z][a-z0-9_]{0,47}$")


@router.get("/templates")
def templates(request: Request, caller: Reader) -> Response:
    return go(request, "/console/templates/mine")


@router.get("/templates/mine")
def list_mine(request: Request, given: Given, caller: Reader) -> Response:
    lines = given.store.read(lambda tx: tx.template_versions.listed())
    usable = given.templates()
    shipped = sorted(given.shipped())
    own: dict[str, list[object]] = {}
    for line in lines:
        own.setdefault(line.name, []).append(line)
    return page(
        request,
        "write_mine.html",
        own=own,
        usable=usable,
        shipped=[usable[name] for name in shipped if name in usable],
        taken=set(shipped),
        names=names(given),
    )


@router.get("/templates/new")
def begin(
    request: Request,
    given: Given,
    caller: Writer,
    source: Annotated[str, Query(alias="from", max_length=64)] = "",
) -> Response:
    """A new one: a copy of a template, or the least that can be launched."""
    if not source:
        return editor(request, given, Draft(files_of(BLANK)))
    found = saving.source(given, source)
    name = _free(given, source)
    files = template_versions.renamed(found.files, source, name)
    return editor(request, given, Draft(files_of(files)), copied=source)


@router.get("/templates/{name}/edit")
def edit(
    request: Request,
    name: str,
    given: Given,
    caller: Writer,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Response:
    """The newest version, or an older one to go on from."""
    lines = given.store.read(lambda tx: template_versions.versions(tx, name))
    newest = lines[0].version
    found = given.store.read(lambda tx: template_versions.version(tx, name, version or newest))
    draft = Draft(files_of(found.files), name, newest)
    return editor(request, given, draft, opened=found.version)


@router.get("/templates/{name}/versions")
def read_versions(
    request: Request,
    name: str,
    given: Given,
    caller: Reader,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    since: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
) -> Response:
    """Every version, and what one of them changed."""
    lines = given.store.read(lambda tx: template_versions.versions(tx, name))
    to = version or lines[0].version
    compared = saving.compared(given, name, to - 1 if since is None else since, to)
    return page(
        request,
        "write_versions.html",
        name=name,
        template=given.templates().get(name),
        lines=lines,
        compared=compared,
        names=names(given),
    )


@router.post("/templates/check")
async def check(request: Request, given: Given, caller: Writer) -> Response:
    """While one types: the findings and the picture. With a button: the whole page again."""
    form = await form_of(request)

    def work() -> Response:
        draft = draft_of(form)
        act, _, what = str(at(form, "act")).partition(":")
        if act == "add":
            return _with_message(request, given, draft)
        if act == "remove":
            return editor(request, given, draft.without_message(what))
        if "hx-request" not in request.headers:
            return editor(request, given, draft)
        found = checked(given, draft.texts)
        return page(
            request,
            "_write_checked.html",
            draft=draft,
            checked=found,
            marks=marks(draft, found.findings),
        )

    return await run_in_threadpool(work)


@router.post("/templates/save")
async def save(request: Request, given: Given, caller: Writer) -> Response:
    """The next version; whatever keeps it from being saved, everything typed is shown again."""
    form = await form_of(request)

    def work() -> Response:
        draft = draft_of(form)
        over = str(at(form, "over"))  # the version the writer has seen, and saves after
        after = int(over) if over.isdecimal() and len(over) < 9 else draft.after_version
        try:
            wished = VersionToSave(
                files=draft.texts, after_version=after, note=str(at(form, "note")).strip()
            )
            line, _ = saving.save(
                given, draft.says, wished.files, after, note=wished.note, actor=caller.actor
            )
        except BrokenTemplate:
            said = request.state.speech.gettext(
                "It was not saved. Mend what is listed first; nothing you typed is lost."
            )
            return editor(request, given, draft, 422, errors={"": said})
        except ChangedMeanwhile as error:
            return _conflict(request, given, draft, error)
        except (LoyaltyError, ValidationError) as error:
            return editor(request, given, draft, 422, errors=_above(errors_of(error)))
        said = request.state.speech.gettext(
            "Version %(version)s of %(name)s is saved. Campaigns made from now on get it.",
            version=line.version,
            name=line.name,
        )
        return go(request, f"/console/templates/{line.name}/versions", said)

    return await run_in_threadpool(work)


def _above(errors: dict[str, str]) -> dict[str, str]:
    """What belongs to no field of the form is said above it."""
    other = [text for field, text in errors.items() if field != "note"]
    return {**errors, "": other[0]} if other else errors


def _with_message(request: Request, given: Services, draft: Draft) -> Response:
    message = str(at(draft.typed, "message")).strip()
    if not _MESSAGE.match(message):
        said = request.state.speech.gettext("Small letters, digits and _, such as second_reminder.")
        return editor(request, given, draft, 422, errors={"message": said})
    return editor(request, given, draft.with_message(message))


def _conflict(request: Request, given: Services, draft: Draft, error: ChangedMeanwhile) -> Response:
    """Both: what somebody else saved, and what was typed here."""
    name = draft.says
    theirs = given.store.read(lambda tx: tx.template_versions.latest(name))
    if theirs is None:
        return editor(request, given, draft, 409, errors=errors_of(error))
    return editor(
        request,
        given,
        draft,
        409,
        theirs=theirs,
        differences=changes(theirs.files, draft.texts),
    )


def editor(
    request: Request, given: Services, draft: Draft, status: int = 200, **facts: object
) -> Response:
    """The editor's page with all that was typed."""
    found = checked(given, draft.texts)
    shown: dict[str, object] = {
        "trial": None,
        "errors": {},
        "theirs": None,
        "differences": [],
        "copied": "",
        "opened": None,
    }
    return page(
        request,
        "write.html",
        status,
        back=f"/console/templates/{draft.name}/edit" if draft.name else "/console/templates/new",
        draft=draft,
        checked=found,
        marks=marks(draft, found.findings),
        names=names(given),
        unsaved=request.method == "POST",  # saved, it leads to another page
        **{**shown, **facts},
    )


def _free(given: Services, source: str) -> str:
    """A name for a copy that nothing has yet."""
    taken = given.templates().keys() | given.shipped().keys()
    taken |= {line.name for line in given.store.read(lambda tx: tx.template_versions.listed())}
    wished = [f"my_{source}"[:44], *(f"my_{source}"[:44] + f"_{n}" for n in range(2, 1000))]
    found = next((name for name in wished if name not in taken), None)
    if found is None:
        raise Unknown("free name", source)
    return found
