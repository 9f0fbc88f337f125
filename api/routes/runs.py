"""Runs: one member's way through one campaign, to search, to read, and to act on."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api import runs
from api.errors import problems
from api.keys import Caller, needs
from api.problems import locale_of
from api.reads import RunSearch, View
from api.recording import LongId
from api.routes.messages import ReasonBody
from api.services import Given, Services
from api.timeline import Moment, Next, merge, next_of
from loyalty.errors import Unknown
from loyalty.operate import Command, command
from loyalty.records import EnrolmentState

router = APIRouter(tags=["Runs"])


class RunView(BaseModel):
    """One member's run of one campaign."""

    id: str = Field(description="Also its workflow id in Temporal")
    campaign_id: str
    template: str
    member_id: str
    version: int
    arm: str = Field(description="treated, or holdout: measured, never met")
    state: EnrolmentState
    outcome: str | None = None
    admitted_at: datetime
    ended_at: datetime | None = None
    wake_at: datetime | None = None
    granted_points: int


class Which(BaseModel):
    """Which runs to find; what is not given does not narrow."""

    model_config = ConfigDict(extra="forbid")
    member_id: str | None = Field(None, min_length=1, max_length=64)
    campaign_id: str | None = Field(None, min_length=1, max_length=64)
    state: EnrolmentState | None = None
    stuck: bool = Field(False, description="Only runs that nothing will wake any more")
    after: str = Field("", max_length=255, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=200, description="Rows on one page")


class RunsView(BaseModel):
    runs: list[RunView]
    next: str | None = Field(None, description="`after` of the next page; none = the end")


class Timeline(RunView):
    """A run with everything that happened in it and what wakes it next."""

    next: Next | None = Field(description="none = it has ended")
    temporal: runs.InTemporal
    timeline: list[Moment]


class CommandTaken(BaseModel):
    """The run carries it out at its next turn, which it was just woken for."""

    run: str
    command: Command
    number: int


_ACT = problems("unknown", "wrong_state", write=True)


@router.get("/v1/runs", summary="Search runs", responses=problems())
def search_runs(
    given: Given,
    caller: Annotated[Caller, needs("read_runs")],
    which: Annotated[Which, Query()],
) -> RunsView:
    """By member, campaign and state; by id."""
    rows = given.reads.search_runs(RunSearch(**which.model_dump()))
    shown = [RunView.model_validate(dict(row)) for row in rows]
    return RunsView(runs=shown, next=shown[-1].id if len(shown) == which.limit else None)


@router.post("/v1/runs/{run_id:path}/retry", summary="Make a run look again", responses=_ACT)
def retry_run(
    run_id: LongId,
    body: ReasonBody,
    given: Given,
    caller: Annotated[Caller, needs("operate_runs")],
) -> CommandTaken:
    """Harmless at any time: the run judges its state anew."""
    return _give(given, run_id, "retry", body, caller)


@router.post("/v1/runs/{run_id:path}/skip", summary="End a run's present wait", responses=_ACT)
def skip_wait(
    run_id: LongId,
    body: ReasonBody,
    given: Given,
    caller: Annotated[Caller, needs("operate_runs")],
) -> CommandTaken:
    """The run goes on as if its deadline had come."""
    return _give(given, run_id, "skip", body, caller)


@router.post("/v1/runs/{run_id:path}/cancel", summary="Cancel a run", responses=_ACT)
def cancel_run(
    run_id: LongId,
    body: ReasonBody,
    given: Given,
    caller: Annotated[Caller, needs("operate_runs")],
) -> CommandTaken:
    """Ends it here. What was given stays given."""
    return _give(given, run_id, "cancel", body, caller)


@router.get(
    "/v1/runs/{run_id:path}", summary="Read a run's timeline", responses=problems("unknown")
)
async def read_run(
    request: Request,
    run_id: LongId,
    given: Given,
    caller: Annotated[Caller, needs("read_runs")],
) -> Timeline:
    """What happened, why, and what wakes it next, in English or Chinese.

    Decisions, messages and operators' acts come from the database, the rest from Temporal; when
    that does not answer, `temporal` says so.
    """
    await run_in_threadpool(found_run, given, run_id)
    locale, zone = locale_of(request), given.programme.tz
    known, moments = await runs.look(given.temporal, run_id, locale)
    # Looked up after Temporal was asked: each step is a row before it is in a history.
    view = await run_in_threadpool(found_run, given, run_id)
    row = {name: view[name] for name in RunView.model_fields}
    return Timeline(
        **row,
        next=next_of(view, locale, zone),
        temporal=known,
        timeline=merge(view, moments, locale, zone),
    )


def found_run(given: Services, run_id: str) -> View:
    view = given.reads.run(run_id)
    if view is None:
        raise Unknown("run", run_id)
    return view


def _give(
    given: Given, run_id: str, name: Command, body: ReasonBody, caller: Caller
) -> CommandTaken:
    answer = given.store.run(lambda tx: command(tx, run_id, name, body.reason, caller.actor))
    return CommandTaken.model_validate(answer)
