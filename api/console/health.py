"""Health: how every part is, what to do about it, and the list that shows the things themselves."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from api.console.health_words import ADVICE, PARTS, WHOLE
from api.console.rendering import page
from api.console.sessions import person
from api.health_overview import overview
from api.keys import Caller
from api.services import Given
from loyalty.programme import CHANNELS

router = APIRouter()


@router.get("/health")
async def read_health(
    request: Request, services: Given, caller: Annotated[Caller, person("read_health")]
) -> Response:
    found = await overview(services)
    return page(
        request, "health.html", state=found.state, parts=found.parts, queues=found.queues,
        database=found.database, day=found.day, sums=found.sums, channels=CHANNELS,
        names=PARTS, advice=ADVICE, whole=WHOLE,
    )  # fmt: skip
