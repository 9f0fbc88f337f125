"""What needs a hand, and jobs that mend it, one thing or ten thousand, at a pace."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.errors import problems
from api.keys import Caller, needs
from api.reads import View
from api.recording import After, PageSize, recorded, twice
from api.repairs import cursor_of, narrowed_rows, read_cursor
from api.routes.messages import ReasonBody
from api.routes.repair_shapes import (
    ItemView,
    JobStarted,
    JobsView,
    JobView,
    JobWithItems,
    ListView,
    RepairsView,
    Thing,
    ThingsView,
    Which,
)
from api.services import Given
from loyalty import repair_jobs
from loyalty.errors import Unknown
from loyalty.repairs import (
    ACTS,
    LISTS,
    TARGETS_MAX,
    ItemState,
    JobRequest,
    ListName,
    Narrowed,
)

router = APIRouter(tags=["Repairs"])

JobId = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:-]{0,127}$", description="The job's id")
]


@router.get("/v1/repairs", summary="Count what needs a hand", responses=problems())
async def count_repairs(
    given: Given, caller: Annotated[Caller, needs("operate_runs")]
) -> RepairsView:
    """Each list with its count and what can be done about it."""
    counts = await counted(given)
    lists = [ListView(list=name, count=counts[name], acts=ACTS[name]) for name in LISTS]
    return RepairsView(
        lists=lists,
        adjustments=counts["adjustments"] or 0,
        launches=counts["launches"] or 0,
    )


async def counted(given: Given) -> dict[str, int | None]:
    """Every list's count; none for what Temporal would have to say and does not."""
    counts = await run_in_threadpool(given.reads.repairs.counts, given.programme.lateness)
    failing = await given.failing_runs()
    runs = await run_in_threadpool(given.reads.repairs.runs, failing.ids)
    return {**counts, "failing_runs": len(runs) if failing.asked else None}


@router.get("/v1/repairs/jobs", summary="List jobs", responses=problems())
def list_jobs(
    given: Given,
    caller: Annotated[Caller, needs("operate_runs")],
    after: After = "",
    limit: PageSize = 50,
) -> JobsView:
    """Newest first."""
    rows = given.reads.repairs.jobs(after=after, limit=limit)
    shown = [JobView.model_validate(dict(row)) for row in rows]
    return JobsView(jobs=shown, next=shown[-1].id if len(shown) == limit else None)


@router.post(
    "/v1/repairs/jobs",
    summary="Start a job",
    status_code=201,
    responses=problems("key_reused", write=True) | twice(JobStarted, "Started now"),
)
async def start_job(
    body: JobRequest, given: Given, caller: Annotated[Caller, needs("operate_runs")]
) -> JSONResponse:
    """Acts on each target once, so many a minute; a target alone is done at once.

    With `all`, the targets are what the list shows now; what comes later is not touched.
    """
    return recorded(await started(given, body, caller.actor))


async def started(given: Given, request: JobRequest, actor: str) -> dict[str, Any]:
    """Freeze the targets and put the job in line; the same job again gets the first answer."""
    before = await run_in_threadpool(given.store.read, lambda tx: repair_jobs.repeated(tx, request))
    if before is not None:
        return before
    targets = request.targets or await _shown(given, request.list, request.all or Narrowed())
    return await run_in_threadpool(
        given.store.run, lambda tx: repair_jobs.start(tx, request, targets, actor)
    )


async def _shown(given: Given, name: ListName, part: Narrowed) -> Sequence[str]:
    if name == "failing_runs":
        rows, _ = await _failing(given, part)
        return [row["target"] for row in rows]
    repairs, lateness = given.reads.repairs, given.programme.lateness
    return await run_in_threadpool(repairs.targets, name, lateness, part, limit=TARGETS_MAX + 1)


@router.get("/v1/repairs/jobs/{job_id}", summary="Read a job", responses=problems("unknown"))
def read_job(
    job_id: JobId,
    given: Given,
    caller: Annotated[Caller, needs("operate_runs")],
    state: Annotated[ItemState | None, Query(description="Only items like this")] = None,
    after: Annotated[int, Query(ge=0, le=TARGETS_MAX)] = 0,
    limit: PageSize = 50,
) -> JobWithItems:
    """How far it is, and what came of each item, in their order."""
    job = given.reads.repairs.job(job_id)
    if job is None:
        raise Unknown("job", job_id)
    rows = given.reads.repairs.items(job_id, state=state, after=after, limit=limit)
    items = [ItemView.model_validate(dict(row)) for row in rows]
    more = items[-1].number if len(items) == limit else None
    return JobWithItems.model_validate({**job, "items": items, "next": more})


@router.post(
    "/v1/repairs/jobs/{job_id}/stop",
    summary="Stop a job",
    responses=problems("unknown", "wrong_state", write=True),
)
def stop_job(
    job_id: JobId,
    body: ReasonBody,
    given: Given,
    caller: Annotated[Caller, needs("operate_runs")],
) -> JobStarted:
    """What is done stays done; the rest is left alone."""
    answer = given.store.run(lambda tx: repair_jobs.stop(tx, job_id, body.reason, caller.actor))
    return JobStarted.model_validate(answer)


@router.get("/v1/repairs/{list}", summary="List what needs a hand", responses=problems())
async def list_things(
    list: ListName,
    given: Given,
    caller: Annotated[Caller, needs("operate_runs")],
    which: Annotated[Which, Query()],
) -> ThingsView:
    """Oldest first."""
    rows, answered = await things(given, list, which.part, which.after, which.limit)
    shown = [Thing.model_validate(dict(row)) for row in rows]
    more = cursor_of(rows[-1]) if len(rows) == which.limit else None
    return ThingsView(things=shown, answered=answered, next=more)


async def things(
    given: Given, name: ListName, part: Narrowed, after: str, limit: int
) -> tuple[Sequence[View], bool]:
    """A page of a list, and whether whoever knows answered."""
    seen = read_cursor(after)
    if name == "failing_runs":
        rows, answered = await _failing(given, part)
        rest = [row for row in rows if seen is None or (row["at"], row["target"]) > seen]
        return rest[:limit], answered
    rows = await run_in_threadpool(
        given.reads.repairs.page, name, given.programme.lateness, part, after=seen, limit=limit
    )
    return rows, True


async def _failing(given: Given, part: Narrowed) -> tuple[Sequence[View], bool]:
    failing = await given.failing_runs()
    rows = await run_in_threadpool(given.reads.repairs.runs, failing.ids)
    found = sorted(narrowed_rows(rows, part), key=lambda row: (row["at"], row["target"]))
    return found, failing.asked
