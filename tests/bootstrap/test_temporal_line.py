"""Temporal may be away for hours; the pages that ask it are there all the same."""

import asyncio
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from temporalio.converter import DataConverter

from api.temporal_facts import Failing
from bootstrap import temporal_line
from bootstrap.temporal import connect
from bootstrap.temporal_line import TemporalLine
from bootstrap.temporal_watch import failing_runs


@pytest.fixture
def mute() -> Iterator[str]:
    """The address of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


async def test_one_page_waits_a_moment_and_the_following_ones_not_at_all(
    mute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that swallows everything holds up nobody for longer than it has to."""
    monkeypatch.setattr(temporal_line, "FIRST_SECONDS", 0.3)
    line = TemporalLine(lambda: connect(mute, converter=DataConverter.default))
    before = asyncio.all_tasks()

    took = []
    for _ in range(3):
        begun = time.monotonic()
        answer = await line.unless_silent(lambda: failing_runs(line), Failing(False))
        took.append(time.monotonic() - begun)
        assert answer == Failing(False)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        await line()
    took.append(time.monotonic() - begun)

    assert took[0] >= 0.3
    assert max(took[1:]) < 0.1
    for left in asyncio.all_tasks() - before:
        left.cancel()


async def test_temporal_that_is_back_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """That it is away is remembered for some seconds, not for good; then one client serves all."""
    tries: list[str] = []
    client: Any = object()

    async def there_at_the_third() -> Any:
        tries.append("try")
        if len(tries) < 3:
            raise RuntimeError(f"refused {len(tries)}")
        return client

    line = TemporalLine(there_at_the_third)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="refused 1"):
            await line()
    monkeypatch.setattr(temporal_line, "AWAY_SECONDS", 0.0)
    with pytest.raises(RuntimeError, match="refused 2"):
        await line()

    assert [await line(), await line()] == [client, client]
    assert len(tries) == 3
