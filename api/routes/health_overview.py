"""How the whole is, part by part, with what to do about each."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.console.health_words import ADVICE
from api.errors import problems
from api.health_overview import overview
from api.keys import Caller, needs
from api.services import Given
from loyalty.health import State

router = APIRouter(tags=["Health"])


class PartView(BaseModel):
    part: str
    state: State
    advice: str = Field(description="Stable: programs may branch on it")
    what_to_do: str
    figures: dict[str, Any]
    list: str | None = Field(None, description="The repair list that shows the things themselves")


class WorkerView(BaseModel):
    identity: str
    seen_at: datetime | None = None


class QueueView(BaseModel):
    kind: str
    waiting: int
    oldest_seconds: float
    workers: list[WorkerView]


class HealthView(BaseModel):
    """As bad as its worst part; what nobody could say does not count."""

    state: State
    parts: list[PartView]
    queues: list[QueueView] = Field(description="None while Temporal does not answer")
    delivery_day: dict[str, dict[str, Any]] = Field(description="By channel, last 24 hours")


@router.get("/v1/health/overview", summary="Read how everything is", responses=problems())
async def read_health(given: Given, caller: Annotated[Caller, needs("read_health")]) -> HealthView:
    """Relay, Temporal's queues and workers, database, channels, ledger: each judged, with advice.

    `/readyz` says whether this process can work; this says how the programme is.
    """
    found = await overview(given)
    return HealthView(
        state=found.state,
        parts=[
            PartView(
                part=each.part,
                state=each.state,
                advice=each.advice,
                what_to_do=ADVICE[each.advice],
                figures=dict(each.figures),
                list=each.list,
            )
            for each in found.parts
        ],
        queues=[
            QueueView(
                kind=each.kind,
                waiting=each.waiting,
                oldest_seconds=each.oldest_seconds,
                workers=[WorkerView(identity=w.identity, seen_at=w.seen_at) for w in each.workers],
            )
            for each in found.queues
        ],
        delivery_day={name: dict(figures) for name, figures in found.day.items()},
    )
