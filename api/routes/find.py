"""Find: one text, looked up as everything that it may be."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.errors import problems
from api.keys import Caller, needs
from api.services import Given
from loyalty.finding import LONGEST, Kind, Mark, sought

router = APIRouter(tags=["Find"])

Typed = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=LONGEST, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]


class SearchBody(BaseModel):
    """In the body, not in the address: a phone number there would end up in logs."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"q": "m-1001"}]})
    q: Typed = Field(description="An id, card, phone, e-mail, receipt, or a campaign's name")


class HitView(BaseModel):
    """One thing that the text names."""

    kind: Kind
    id: str = Field(description="Of a receipt: its source, a colon, its number")
    by: Mark = Field(description="What of it the text is")
    title: str | None = Field(description="A name, or what kind of event or movement it is")
    member_id: str | None
    campaign_id: str | None
    detail: str | None = Field(description="Its state; of a receipt: the key of its posting")


class SearchView(BaseModel):
    hits: list[HitView] = Field(description="At most 20 of each kind")
    tried: list[
        Literal[
            "member_id", "card", "phone", "email", "receipt", "transaction", "campaign_id",
            "campaign_name", "run", "claim",
        ]
    ] = Field(description="What the text was looked up as")  # fmt: skip


@router.post("/v1/search", summary="Find anything", responses=problems(write=True))
def search(body: SearchBody, given: Given, caller: Annotated[Caller, needs("find")]) -> SearchView:
    """Exact, but for campaigns, which are also found by how their names begin.

    Phones are found however they are written. Members who were merged lead to who lives on.
    """
    asked = sought(body.q, given.programme.phone_country)
    hits = [HitView.model_validate(dict(hit)) for hit in given.reads.find(asked)]
    return SearchView.model_validate({"hits": hits, "tried": asked.tried})
