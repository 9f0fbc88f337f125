"""Repair: what needs a hand, list by list, and jobs that mend it."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.console.cookies import notice
from api.console.forms import Form, errors_of, form_of, whole
from api.console.people import names
from api.console.refusal_words import refusal
from api.console.rendering import go, page
from api.console.repair_words import EXPLAINED, GONE, KINDS, MEANING, STARTED, TITLES
from api.console.sessions import person
from api.keys import Caller
from api.repairs import cursor_of
from api.routes.messages import ReasonBody
from api.routes.repairs import counted, started, things
from api.services import Given, Services
from loyalty import repair_jobs
from loyalty.errors import LoyaltyError, Unknown, WrongState
from loyalty.repairs import ACTS, LISTS, ItemState, JobRequest, ListName, Narrowed

router = APIRouter()
Operator = Annotated[Caller, person("operate_runs")]
ROWS = 50
JOBS = 10
FIELDS = ("act", "reason", "pace", "targets", "campaign_id", "member_id")
ITEM_STATES: tuple[ItemState, ...] = ("waiting", "done", "failed")


@router.get("/repair")
async def read_repair(
    request: Request, services: Given, caller: Operator, after: str = ""
) -> Response:
    counts = await counted(services)
    jobs = await run_in_threadpool(services.reads.repairs.jobs, after=after[:128], limit=JOBS)
    later = "?" + urlencode({"after": jobs[-1]["id"]}) + "#jobs" if len(jobs) == JOBS else None
    shown = [(name, TITLES[name], MEANING[name], counts[name]) for name in LISTS]
    return page(
        request, "repair.html", lists=shown, jobs=jobs, titles=TITLES,
        adjustments=counts["adjustments"], launches=counts["launches"], after=after, later=later,
    )  # fmt: skip


@router.get("/repair/jobs/{job_id}")
def read_job(
    request: Request,
    job_id: str,
    services: Given,
    caller: Operator,
    state: str = "",
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    job = _job(services, job_id)
    wanted: ItemState | None = state if state in ITEM_STATES else None
    items = services.reads.repairs.items(job_id, state=wanted, after=after, limit=ROWS)
    later = None
    if len(items) == ROWS:
        later = "?" + urlencode({"state": state, "after": items[-1]["number"]})
    return page(
        request, "repair_job.html", job=job, items=items, state=state, later=later,
        titles=TITLES, names=names(services),
    )  # fmt: skip


@router.get("/repair/jobs/{job_id}/progress")
def read_progress(request: Request, job_id: str, services: Given, caller: Operator) -> Response:
    return page(request, "_repair_progress.html", job=_job(services, job_id))


@router.post("/repair/jobs/{job_id}/stop")
async def stop_job(request: Request, job_id: str, services: Given, caller: Operator) -> Response:
    form = await form_of(request)
    say = request.state.speech.gettext
    try:
        reason = ReasonBody(reason=str(form.get("reason", ""))).reason
    except ValidationError:
        answer = go(request, f"/console/repair/jobs/{job_id}")
        notice(request, answer, say("Give a reason to stop it."), "bad")
        return answer
    try:
        await run_in_threadpool(
            services.store.run, lambda tx: repair_jobs.stop(tx, job_id, reason, caller.actor)
        )
        told = say("The job is stopped. What was done stays done.")
    except WrongState:
        told = say("The job had ended before.")
    return go(request, f"/console/repair/jobs/{job_id}", told)


@router.get("/repair/{name}")
async def read_list(
    request: Request,
    name: str,
    services: Given,
    caller: Operator,
    campaign_id: str = "",
    member_id: str = "",
    after: str = "",
) -> Response:
    form = {"campaign_id": campaign_id, "member_id": member_id, "pace": "60"}
    return await _list(request, services, _known(name), form, after=after)


@router.post("/repair/{name}")
async def act(request: Request, name: str, services: Given, caller: Operator) -> Response:
    """Start a job over what was ticked, or over all that the list shows."""
    form = await form_of(request)
    which = _known(name)
    try:
        answer = await started(services, _request(which, form), caller.actor)
    except (ValidationError, LoyaltyError) as error:
        errors = _placed(errors_of(error))
        return await _list(request, services, which, form, status=422, errors=errors)
    sentence = STARTED[answer["act"]]
    told = request.state.speech.gettext(sentence)
    return go(request, f"/console/repair/jobs/{answer['id']}", told)


def _request(name: ListName, form: Form) -> JobRequest:
    asked: dict[str, Any] = {
        "id": form.get("id", ""),
        "list": name,
        "act": form.get("act", ""),
        "reason": form.get("reason", ""),
        "pace": whole(form.get("pace", "")),
    }
    if form.get("scope") == "all":
        asked["all"] = _narrowed(form)
    else:
        asked["targets"] = form.get("targets") or []
    return JobRequest.model_validate(asked)


def _placed(errors: Mapping[str, str]) -> dict[str, str]:
    """Errors of fields that the page does not have stand above."""
    return {name if name in FIELDS else "": said for name, said in errors.items()}


def _narrowed(form: Mapping[str, Any]) -> dict[str, str]:
    names = ("campaign_id", "member_id")
    return {each: text for each in names if (text := str(form.get(each, "")).strip())}


async def _list(
    request: Request,
    services: Services,
    name: ListName,
    form: Mapping[str, Any],
    *,
    after: str = "",
    status: int = 200,
    errors: Mapping[str, str] | None = None,
) -> Response:
    errors = dict(errors or {})
    try:
        part = Narrowed.model_validate(_narrowed(form))
        rows, answered = await things(services, name, part, after, ROWS)
    except (ValidationError, LoyaltyError) as error:
        # What cannot be asked for is shown as nothing, with what is wrong beside the field.
        errors |= _placed(errors_of(error))
        rows, answered, status = [], True, 422
    later = None
    if len(rows) == ROWS:
        later = "?" + urlencode({**_narrowed(form), "after": cursor_of(rows[-1])})
    return page(
        request, "repair_list.html", status, name=name, title_text=TITLES[name],
        meaning=MEANING[name], gone=GONE[name], rows=rows, answered=answered, later=later,
        acts=ACTS[name], explained=EXPLAINED, form=form, errors=errors,
        job_id=form.get("id") or services.new_id(), narrowed=bool(_narrowed(form)),
        kinds=KINDS.get(name), refusal=partial(refusal, request.state.speech),
    )  # fmt: skip


def _known(name: str) -> ListName:
    if name not in LISTS:
        raise Unknown("list", name)
    return name


def _job(services: Services, job_id: str) -> Mapping[str, Any]:
    job = services.reads.repairs.job(job_id)
    if job is None:
        raise Unknown("job", job_id)
    return job
