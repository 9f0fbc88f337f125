"""The sample programme, one click away on the embedded default: made in the background."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

import structlog
from fastapi import APIRouter, Request, Response

from api.console.rendering import go, page
from api.console.sessions import person
from api.keys import Caller
from api.problems import Refused
from api.services import Given, Services
from loyalty import campaigns, sample
from loyalty.campaign_request import CampaignRequest
from loyalty.intake import record_event, record_purchase
from loyalty.ports import Transaction
from loyalty.registration import register
from loyalty.templates import Template

T = TypeVar("T")

log = structlog.stdlib.get_logger("milepost.console")
router = APIRouter()
# It records what tills record and drafts what marketers draft: only an admin may do both.
Admin = Annotated[Caller, person("manage_people")]


@dataclass
class Filling:
    """How far the sample programme is; `done` and `most` count members and drafts."""

    done: int = 0
    most: int = 0
    failed: bool = False
    thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        return self.thread is not None and self.thread.is_alive()


def offered(services: Services) -> bool:
    """Whether there is nothing yet that a sample could be mistaken for."""
    return services.embedded and not services.reads.campaigns(state=None, after="", limit=1)


@router.post("/sample")
def begin(request: Request, services: Given, caller: Admin) -> Response:
    """Starts once; a second click finds it under way."""
    filling: Filling = request.app.state.filling
    if not filling.running:
        if not offered(services):
            raise Refused("refused", "There are campaigns already: a sample would mix with them.")
        filling.done, filling.failed = 0, False
        filling.thread = threading.Thread(
            target=_fill, args=(services, filling, caller.actor), name="sample", daemon=True
        )
        filling.thread.start()
    return go(request, "/console")


@router.get("/sample")
def read_progress(request: Request, services: Given, caller: Admin) -> Response:
    """The fragment that the first page asks for each second; done, it loads the page anew."""
    filling: Filling = request.app.state.filling
    answer = page(request, "_sample.html", filling=filling)
    if not filling.running:
        answer.headers["HX-Refresh"] = "true"
    return answer


def _fill(services: Services, filling: Filling, actor: str) -> None:
    try:
        fill(services, filling, actor)
    except Exception as error:  # a thread has nobody above it who would hear
        filling.failed = True
        log.error("sample failed", error=type(error).__name__)


def fill(services: Services, filling: Filling, actor: str) -> None:
    """Through the same use cases as everybody else's; a repetition records nothing twice."""
    programme, now = services.programme, services.clock.now()
    requests = sample.drafts(now, programme.tz)
    filling.most = sample.MEMBERS + len(requests)
    for each in sample.members(now):
        _do(services, register, each)
    for number in range(1, sample.MEMBERS + 1):
        for bought in sample.purchases(now, number, programme.currency):
            _do(services, record_purchase, bought)
        for act in sample.acts(now, number):
            _do(services, record_event, act)
        filling.done += 1
    for wanted in requests:
        template = services.templates()[wanted.template]

        def draft(tx: Transaction, body: CampaignRequest, template: Template = template) -> object:
            return campaigns.draft(tx, template, body, actor, services.check_texts)

        _do(services, draft, wanted)
        filling.done += 1


def _do(services: Services, act: Callable[[Transaction, T], object], body: T) -> None:
    services.store.run(lambda tx: act(tx, body))
