"""What the API works with, put together."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from temporalio.client import Client
from temporalio.service import RPCError
from uuid_utils.compat import uuid7

from api.people import Provider, SignIn
from api.services import Check, Services
from api.temporal_facts import Failing
from bootstrap.metrics import new_registry
from bootstrap.settings import Settings
from bootstrap.template_reading import check_texts, read_texts
from bootstrap.temporal_line import TemporalLine
from bootstrap.temporal_watch import failing_runs, task_queues
from bootstrap.wiring import Parts
from delivery.words import Speaker
from storage.desk import SqlDesk
from storage.estimates import SqlEstimates
from storage.poster import Busy, Stopped
from storage.readiness import database_state

WEATHER: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    PoolTimeout,
    Busy,
    Stopped,
)
"""What passes: the database is away, the line before it full, the process about to stop.

Any other error of it will come again, and is ours.
"""


def services(parts: Parts) -> Services:
    """What the API works with."""
    registry = new_registry()
    temporal = TemporalLine(parts.connect)
    return Services(
        store=parts.store,
        reads=parts.reads,
        desk=SqlDesk(parts.database, parts.clock, parts.programme),
        keys=parts.keys,
        people=parts.people,
        sessions=parts.sessions,
        programme=parts.programme,
        clock=parts.clock,
        templates=parts.templates,
        shipped=parts.templates.shipped,
        read_texts=lambda name, files: read_texts(name, files, parts.programme.known_events),
        check_texts=check_texts,
        say=Speaker(parts.programme),
        estimates=SqlEstimates(parts.database, parts.clock, parts.programme),
        registry=registry,
        new_id=lambda: str(uuid7()),
        check_database=lambda: Check(*database_state(parts.database)),
        check_temporal=lambda: _check_temporal(temporal),
        temporal=temporal,
        failing_runs=lambda: temporal.unless_silent(lambda: failing_runs(temporal), Failing(False)),
        task_queues=lambda: temporal.unless_silent(
            lambda: task_queues(temporal, parts.settings.temporal_task_queue), ()
        ),
        in_line=lambda: parts.store.waiting,
        temporal_page=lambda run: _temporal_page(parts.settings, run),
        codec=parts.codec,
        codec_origins=_origins(parts.settings),
        weather=WEATHER,
        sign_in=_sign_in(parts.settings),
        embedded=parts.settings.embedded,
    )


def _sign_in(settings: Settings) -> SignIn:
    provider = None
    if settings.oidc_issuer and settings.oidc_client_id and settings.oidc_client_secret:
        provider = Provider(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret.get_secret_value(),
            role_claim=settings.oidc_role_claim,
            roles=settings.role_values(),
        )
    return SignIn(settings.local_accounts, provider, settings.public_url)


async def _check_temporal(temporal: Callable[[], Awaitable[Client]]) -> Check:
    try:
        client = await temporal()
        await client.service_client.check_health()
    except (RPCError, RuntimeError, OSError) as error:
        return Check(False, f"Temporal does not answer ({type(error).__name__})")
    return Check(True, "Temporal answers")


def _temporal_page(settings: Settings, run: str) -> str | None:
    """A run in Temporal's web UI, where that is known."""
    if not settings.temporal_ui_url:
        return None
    namespace = quote(settings.temporal_namespace, safe="")
    root = settings.temporal_ui_url.rstrip("/")
    return f"{root}/namespaces/{namespace}/workflows/{quote(run, safe='')}"


def _origins(settings: Settings) -> tuple[str, ...]:
    """Where Temporal's web UI is served from: its pages ask our codec server."""
    if not settings.temporal_ui_url:
        return ()
    url = urlsplit(settings.temporal_ui_url)
    return (f"{url.scheme}://{url.netloc.lower()}",)  # as browsers write it: without a path
