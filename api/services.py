"""What the API is given to work with; `bootstrap` fills it in, tests too."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry
from temporalio.converter import PayloadCodec

from api.edge import Limits
from api.keys import Keys
from api.lookout import Lookout
from api.people import People, Sessions, SignIn
from api.reads import Estimates, MessageDesk, Reads
from api.temporal_facts import Failing, TaskQueue
from loyalty.campaign_request import Check as CheckTexts
from loyalty.errors import Unknown
from loyalty.message_preview import Say
from loyalty.ports import Clock, Store
from loyalty.programme import Programme
from loyalty.templates import Problem, Template


@dataclass(frozen=True, slots=True)
class Check:
    """How a part of the system is: fine or not, and a word about it without secrets."""

    ok: bool
    detail: str


ReadTexts = Callable[[str | None, Mapping[str, str]], tuple[Template | None, Sequence[Problem]]]
"""A template from its files, and all that is wrong: the same reader as for folders."""


async def _nobody_fails() -> Failing:
    return Failing(False)


async def _no_queues() -> Sequence[TaskQueue]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    store: Store
    reads: Reads
    desk: MessageDesk
    keys: Keys
    people: People
    sessions: Sessions
    programme: Programme
    clock: Clock
    # Read anew where files changed or a version was saved: a new template needs no restart.
    templates: Callable[[], Mapping[str, Template]]
    shipped: Callable[[], Mapping[str, Mapping[str, str]]]  # the files of those on disk
    read_texts: ReadTexts
    check_texts: CheckTexts
    say: Say  # the renderer that sends
    estimates: Estimates
    registry: CollectorRegistry
    new_id: Callable[[], str]
    check_database: Callable[[], Check]
    check_temporal: Callable[[], Awaitable[Check]]
    # A `temporalio.client.Client`, connected when first asked for; only `runs.py` uses it.
    temporal: Callable[[], Awaitable[Any]] | None = None
    # What only Temporal knows; without it nobody answers.
    failing_runs: Callable[[], Awaitable[Failing]] = _nobody_fails
    task_queues: Callable[[], Awaitable[Sequence[TaskQueue]]] = _no_queues
    in_line: Callable[[], int] = lambda: 0  # events that wait to be recorded by this process
    temporal_page: Callable[[str], str | None] = lambda run: None  # of a run, in Temporal's web UI
    codec: PayloadCodec | None = None
    codec_origins: tuple[str, ...] = ()  # where Temporal's web UI is served from
    weather: tuple[type[Exception], ...] = ()  # errors that mean: the database is away
    limits: Limits = field(default_factory=Limits)
    embedded: bool = False  # everything on one machine, as `milepost up` starts it
    sign_in: SignIn = field(default_factory=SignIn)
    lookout: Lookout = field(default_factory=Lookout)
    version: str = "0.1.0"

    def template(self, name: str) -> Template:
        """A template that can be launched, as it is now; raises Unknown."""
        found = self.templates().get(name)
        if found is None:
            raise Unknown("template", name)
        return found


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Given = Annotated[Services, Depends(_services)]
