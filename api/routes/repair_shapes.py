"""Repair lists and jobs as the API shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.problems import FieldProblem
from loyalty.events import Id
from loyalty.repairs import Act, ItemState, JobState, ListName, Narrowed


class ListView(BaseModel):
    """One list: how many things it shows, and what can be done about them."""

    list: ListName
    count: int | None = Field(description="1,001 = more than 1,000; none = Temporal is away")
    acts: tuple[Act, ...]


class RepairsView(BaseModel):
    lists: list[ListView]
    adjustments: int = Field(description="Corrections that wait for a second person")
    launches: int = Field(description="Launches that wait for a second person")


class Thing(BaseModel):
    """One thing that needs a hand."""

    target: str = Field(description="What a job names it by")
    at: datetime = Field(description="Since when")
    member_id: str | None = None
    campaign_id: str | None = None
    kind: str | None = None
    detail: str | None = None
    code: str | None = Field(None, description="Of a refused event: the problem's code")
    errors: list[FieldProblem] | None = Field(
        None, description="Of a refused event: each field that was wrong, as it was answered"
    )
    facts: dict[str, Any] | None = Field(None, description="Of a refused event: as answered")


class ThingsView(BaseModel):
    things: list[Thing]
    answered: bool = Field(True, description="false: Temporal is away, and only it knows")
    next: str | None = Field(None, description="`after` of the next page; none = the end")


class JobStarted(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: str
    state: JobState
    total: int
    done: int
    failed: int
    replayed: bool = False


class JobView(BaseModel):
    """Who wants what done, why, and how far it is."""

    id: str
    list: ListName
    act: Act
    reason: str
    actor: str
    at: datetime
    pace: int = Field(description="items a minute")
    total: int
    state: JobState
    done: int
    failed: int
    next_at: datetime
    ended_at: datetime | None = None
    stopped_by: str | None = None
    stop_reason: str | None = None


class ItemView(BaseModel):
    number: int
    target: str
    state: ItemState
    outcome: str | None = None
    at: datetime | None = None


class JobWithItems(JobView):
    items: list[ItemView]
    next: int | None = Field(None, description="`after` of the next page; none = the end")


class JobsView(BaseModel):
    jobs: list[JobView]
    next: str | None = Field(None, description="`after` of the next page; none = the end")


class Which(BaseModel):
    model_config = ConfigDict(extra="forbid")
    campaign_id: Id | None = Field(None, description="Of this campaign")
    member_id: Id | None = Field(None, description="Of this member")
    after: str = Field("", max_length=300, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=200, description="Rows on one page")

    @property
    def part(self) -> Narrowed:
        return Narrowed(campaign_id=self.campaign_id, member_id=self.member_id)
