"""The servers on the other side, for real, on this machine's own address."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress

import pytest
import uvicorn
from aiosmtpd.controller import Controller

from delivery.smtp import SmtpChannel
from delivery.webhook import WebhookChannel
from tests.delivery.letters import real_time
from tests.delivery.servers import SECRET, Postbox, Receiver, mail_server


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def mail_port(postbox: Postbox, unused_tcp_port_factory: Callable[[], int]) -> Iterator[int]:
    """Where the postbox listens."""
    port = unused_tcp_port_factory()
    server = Controller(postbox, hostname="127.0.0.1", port=port)
    server.start()
    yield port
    server.stop(no_assert=True)


@pytest.fixture
async def smtp(mail_port: int) -> AsyncIterator[SmtpChannel]:
    channel = SmtpChannel(mail_server(mail_port), real_time)
    yield channel
    await channel.close()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def webhook(
    receiver: Receiver, unused_tcp_port_factory: Callable[[], int]
) -> AsyncIterator[WebhookChannel]:
    port = unused_tcp_port_factory()
    config = uvicorn.Config(receiver, port=port, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server offers nothing to wait for
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{port}/points"
    channel = WebhookChannel(url, SECRET, real_time, timeout_seconds=2)
    yield channel
    await channel.close()
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await serving
