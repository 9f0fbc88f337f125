"""How routes take ids and pages, and how they answer what was recorded."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import Path, Query
from fastapi.responses import JSONResponse

from loyalty.registration import MEMBER_ID

# Held to its pattern here already: what is no id may be an address, and is not repeated.
MemberId = Annotated[str, Path(pattern=MEMBER_ID, description="The member's id")]
CampaignId = Annotated[str, Path(min_length=1, max_length=64, description="The campaign's id")]
LongId = Annotated[
    str, Path(min_length=1, max_length=255, description="May hold slashes, written as they are")
]
PageSize = Annotated[int, Query(ge=1, le=200, description="Rows on one page")]
After = Annotated[str, Query(max_length=255, description="`next` of the page before")]
Before = Annotated[
    int | None, Query(ge=0, le=2**62, description="`next` of the page before; none = newest")
]


REPLAYED = {
    "Idempotency-Replayed": {
        "description": "`true` when this body was recorded before and the first answer comes again",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


class Answer(JSONResponse):
    """Any JSON, written by a faster hand: a receipt's working is long."""

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def recorded(answer: Mapping[str, Any]) -> JSONResponse:
    """201 for what is new; 200 and a header for what was recorded before."""
    if answer.get("replayed"):
        return Answer(dict(answer), 200, headers={"Idempotency-Replayed": "true"})
    return Answer(dict(answer), 201)


def twice(model: Any, new: str) -> dict[int | str, dict[str, Any]]:
    """The two successes of an idempotent route: recorded now, or recorded before."""
    again = "Recorded before with the same body: the first answer again"
    return {
        200: {"model": model, "description": again, "headers": REPLAYED},
        201: {"model": model, "description": new},
    }
