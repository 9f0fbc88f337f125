"""A real Temporal server for tests: one per test session, with time skipping, on ports of its own.

Load it with `pytest_plugins = ["tests.temporal_fixtures"]` or import the fixtures by name.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from temporalio.client import Client

from bootstrap.converter import data_converter
from bootstrap.temporal import DevServer, NoTemporalCli, connect, find_cli


@pytest.fixture(scope="session")
def dev_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """The dev server; skipped with a reason where its program is not installed."""
    try:
        find_cli()
    except NoTemporalCli as missing:
        pytest.skip(str(missing))
    folder: Path = tmp_path_factory.mktemp("temporal")
    server = DevServer(log=folder / "server.log", time_skipping=True)
    _aside(server.start())
    yield server
    _aside(server.stop())


def _aside(work: Coroutine[object, object, None]) -> None:
    """Run it in a thread of its own: a browser's tests have an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@pytest.fixture
async def temporal(dev_server: DevServer) -> Client:
    """A client of the dev server, as the product makes it."""
    return await connect(dev_server.address, converter=data_converter())
