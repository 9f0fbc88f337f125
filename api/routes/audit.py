"""Who did what, and why: the acts of people and programs."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.errors import problems
from api.keys import Caller, needs
from api.reads import ActSearch
from api.services import Given
from loyalty.events import Instant

router = APIRouter(tags=["Audit"])


class ActView(BaseModel):
    id: int
    at: datetime
    actor: str = Field(description="The key or person that acted")
    actor_name: str | None = Field(None, description="What they are called, where that is known")
    action: str
    target: str
    reason: str | None
    detail: dict[str, Any]


class AuditView(BaseModel):
    acts: list[ActView]
    next: int | None = Field(None, description="`before` of the next page; none = the end")


class WhichActs(BaseModel):
    model_config = ConfigDict(extra="forbid")
    target: str | None = Field(None, min_length=1, max_length=255, description="Any id")
    actor: str | None = Field(
        None, min_length=1, max_length=255, description="An id, a name or an e-mail address"
    )
    action: str | None = Field(
        None,
        pattern=r"^[a-z_]+(\.[a-z_]*)?$",
        max_length=48,
        description="`run.retry`, or `run` for all about runs",
    )
    since: Instant | None = Field(None, description="From then on")
    until: Instant | None = Field(None, description="Before then")
    before: int | None = Field(
        None, ge=0, le=2**62, description="`next` of the page before; none = newest"
    )
    limit: int = Field(50, ge=1, le=200, description="Rows on one page")


@router.get("/v1/audit", summary="Read the audit trail", responses=problems())
def read_audit(
    given: Given,
    caller: Annotated[Caller, needs("read_audit")],
    which: Annotated[WhichActs, Query()],
) -> AuditView:
    """Newest first. Nothing in it can be changed or taken out."""
    rows = given.reads.acts(ActSearch(**which.model_dump()))
    acts = [ActView.model_validate(dict(row)) for row in rows]
    return AuditView(acts=acts, next=acts[-1].id if len(acts) == which.limit else None)
