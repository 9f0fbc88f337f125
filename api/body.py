"""How routes take bodies and ids, and how they answer what was recorded."""

import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any

from fastapi import Path, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from api.problems import Refused

# An escaped NUL in JSON, and not an escaped backslash before `u0000`.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

MemberId = Annotated[str, Path(min_length=1, max_length=64, description="The member's id")]
CampaignId = Annotated[str, Path(min_length=1, max_length=64, description="The campaign's id")]
LongId = Annotated[
    str, Path(min_length=1, max_length=255, description="May hold slashes, written as they are")
]
PageSize = Annotated[int, Query(ge=1, le=200, description="Rows on one page")]
After = Annotated[str, Query(max_length=255, description="`next` of the page before")]
Before = Annotated[
    int | None, Query(ge=0, le=2**62, description="`next` of the page before; none = newest")
]


class CleanRoute(APIRoute):
    """Refuses a body that no database could keep, before anything reads it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def clean(request: Request) -> Response:
            if _NUL.search(await request.body()):
                raise Refused("malformed", "A text in the body holds a NUL character.")
            return await handle(request)

        return clean


REPLAYED = {
    "Idempotency-Replayed": {
        "description": "`true` when this body was recorded before and the first answer comes again",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


def recorded(answer: Mapping[str, Any]) -> JSONResponse:
    """201 for what is new; 200 and a header for what was recorded before."""
    if answer.get("replayed"):
        return JSONResponse(dict(answer), 200, headers={"Idempotency-Replayed": "true"})
    return JSONResponse(dict(answer), 201)


def twice(model: Any, new: str) -> dict[int | str, dict[str, Any]]:
    """The two successes of an idempotent route: recorded now, or recorded before."""
    again = "Recorded before with the same body: the first answer again"
    return {
        200: {"model": model, "description": again, "headers": REPLAYED},
        201: {"model": model, "description": new},
    }
