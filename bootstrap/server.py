"""The API as a process."""

import signal

import uvicorn
from sqlalchemy.exc import DBAPIError

from api.app import create_app
from api.console.addresses import link_address
from bootstrap.commands.people import console_url
from bootstrap.memory import rest_easy
from bootstrap.services import services
from bootstrap.setting_places import listening_at
from bootstrap.settings import Settings
from bootstrap.stopping import when_orphaned
from bootstrap.wiring import Parts

GRACE_SECONDS = 15
"""Requests under way may finish; longer than any of them takes, shorter than orchestrators wait."""


def _say_first_link(parts: Parts) -> None:
    """While nobody can sign in yet: how the first person does."""
    if not parts.settings.local_accounts:
        return
    try:
        token = parts.people.first_link()
    except DBAPIError:
        return  # the database is away; the next start says it
    if token:
        address = link_address(console_url(parts.settings), token)
        print(f"Make the first account within 24 hours: {address}", flush=True)


def run_server(settings: Settings) -> None:
    """Serve until told to stop, then finish the requests under way."""
    listening_at(settings)  # uvicorn itself names no setting
    parts = Parts(settings)
    parts.store.group()
    given = services(parts)
    app = create_app(given)
    if not settings.embedded:  # `milepost up` says it itself
        _say_first_link(parts)
    rest_easy()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.listen_host,
            port=settings.listen_port,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            forwarded_allow_ips=settings.forwarded_allow_ips,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )

    given.lookout.stopping = lambda: server.should_exit

    def stop() -> None:
        server.should_exit = True

    if settings.embedded:
        when_orphaned(stop)
    # uvicorn raises the signal once more when it is done; asked to stop and stopped is no failure.
    # And before it has begun to listen for signals, one must not be lost.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
    try:
        server.run()
    finally:
        parts.close()
