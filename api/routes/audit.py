"""Who did what, and why: the acts of people and programs, by what they touched."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.errors import problems
from api.keys import Caller, needs
from api.recording import Before, PageSize
from api.services import Given

router = APIRouter(tags=["Audit"])


class ActView(BaseModel):
    id: int
    at: datetime
    actor: str = Field(description="The key that acted")
    action: str
    target: str
    reason: str | None
    detail: dict[str, Any]


class AuditView(BaseModel):
    acts: list[ActView]
    next: int | None = Field(None, description="`before` of the next page; none = the end")


@router.get("/v1/audit", summary="Read the audit trail of one thing", responses=problems())
def read_audit(
    given: Given,
    caller: Annotated[Caller, needs("read_audit")],
    target: Annotated[str, Query(min_length=1, max_length=255, description="Any id")],
    before: Before = None,
    limit: PageSize = 50,
) -> AuditView:
    """Newest first. Nothing in it can be changed or taken out."""
    rows = given.reads.audit_of(target, before=before, limit=limit)
    acts = [ActView.model_validate(dict(row)) for row in rows]
    return AuditView(acts=acts, next=acts[-1].id if len(acts) == limit else None)
