"""Whether this process lives, whether it can work, and its figures for Prometheus."""

import anyio
from anyio import to_thread
from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from api.services import Check, Given

router = APIRouter(tags=["Health"])
PATIENCE_SECONDS = 3.0
"""Less than the usual five seconds after which an orchestrator gives up asking."""


class Alive(BaseModel):
    status: str
    version: str


class Part(BaseModel):
    ok: bool
    detail: str


class Ready(BaseModel):
    """Each part with its state. Ready is whoever can record: that needs the database alone.

    While Temporal is away nothing is lost, so no till should be sent elsewhere for it.
    """

    ready: bool
    parts: dict[str, Part]


@router.get("/healthz", summary="Is this process alive?")
async def healthz(given: Given) -> Alive:
    return Alive(status="alive", version=given.version)


@router.get(
    "/readyz",
    summary="Can this process work?",
    responses={
        503: {
            "model": Ready,
            "description": "The database is away, or its tables are not those of this program",
        }
    },
)
async def readyz(given: Given) -> JSONResponse:
    """Asks the database, the version of its tables, and Temporal."""
    silent = Check(False, "no answer in time")
    checks = {"database": silent, "temporal": silent}

    async def ask_database() -> None:
        checks["database"] = await to_thread.run_sync(given.check_database, abandon_on_cancel=True)

    async def ask_temporal() -> None:
        checks["temporal"] = await given.check_temporal()

    with anyio.move_on_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as group:
            group.start_soon(ask_database)
            group.start_soon(ask_temporal)
    ready = checks["database"].ok
    parts = {name: Part(ok=check.ok, detail=check.detail) for name, check in checks.items()}
    answer = Ready(ready=ready, parts=parts)
    return JSONResponse(answer.model_dump(), 200 if ready else 503)


@router.get("/metrics", include_in_schema=False)
async def metrics(given: Given) -> Response:
    return Response(generate_latest(given.registry), media_type=CONTENT_TYPE_LATEST)
