"""Audit: who did what, when and why; nothing in it can be changed."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from api.console.rendering import page
from api.console.sessions import person
from api.keys import Caller
from api.reads import ActSearch
from api.services import Given

router = APIRouter()
ROWS = 50


class Sought(BaseModel):
    """What was typed; nothing typed does not narrow. Days are as the programme's zone has them."""

    actor: str = Field("", max_length=255)
    action: str = Field("", max_length=48)
    target: str = Field("", max_length=255)
    since: str = Field("", max_length=10)
    until: str = Field("", max_length=10)
    before: int | None = Field(None, ge=0, le=2**62)


@router.get("/audit")
async def read_audit(
    request: Request,
    services: Given,
    caller: Annotated[Caller, person("read_audit")],
    sought: Annotated[Sought, Query()],
) -> Response:
    typed = sought.model_dump(exclude={"before"})
    errors: dict[str, str] = {}
    zone = services.programme.tz
    say = request.state.speech.gettext

    def midnight(name: str, days: int) -> datetime | None:
        if not typed[name]:
            return None
        try:
            return _midnight(typed[name], zone, days)
        except (ValueError, OverflowError):
            errors[name] = say("Write a day as 2026-11-22.")
            return None

    asked = ActSearch(
        actor=sought.actor.strip() or None,
        action=sought.action.strip() or None,
        target=sought.target.strip() or None,
        since=midnight("since", 0),
        until=midnight("until", 1),  # the last day counts whole
        before=sought.before,
        limit=ROWS,
    )
    rows = [] if errors else await run_in_threadpool(services.reads.acts, asked)
    later = None
    if len(rows) == ROWS:
        later = "?" + urlencode({**_given(typed), "before": rows[-1]["id"]})
    return page(
        request, "audit.html", 422 if errors else 200,
        acts=rows, form=typed, errors=errors, later=later, narrowed=bool(_given(typed)),
    )  # fmt: skip


def _midnight(text: str, zone: ZoneInfo, days: int) -> datetime:
    day = date.fromisoformat(text) + timedelta(days=days)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _given(typed: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in typed.items() if text}
