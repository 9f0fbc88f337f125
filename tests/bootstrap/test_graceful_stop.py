"""The API is stopped in the middle of a busy hour: who was let in is answered, and nobody twice."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx2

from bootstrap.settings import PREFIX, read_settings
from bootstrap.temporal import free_port
from bootstrap.wiring import Parts
from storage.migrate import upgrade

RECEIPTS = 200
POINTS_EACH = 10
APART_SECONDS = 0.005
RECORDED, REPLAYED = 201, 200
UNHEARD = 0
"""The status of a request that got no answer at all."""


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    own = {"data_dir": str(folder), "listen_port": str(port), "log_level": "warning"}
    process = subprocess.Popen(
        [sys.executable, "-m", "bootstrap.cli", "server"],
        env=bare | {f"{PREFIX}{name.upper()}": value for name, value in own.items()},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def until_ready(api: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await api.get("/readyz")).status_code == 200:
                    return
            except httpx2.TransportError:
                await asyncio.sleep(0.1)


async def buy(api: httpx2.AsyncClient, number: int, at: datetime) -> int:
    receipt: Mapping[str, Any] = {
        "source": "till",
        "id": f"r-{number}",
        "member_id": "lee",
        "occurred_at": at.isoformat(),
        "currency": "CNY",
        "lines": [{"sku": "s", "category": "grocery", "net_minor": 10_000}],
    }
    await asyncio.sleep(number * APART_SECONDS)
    try:
        # Each on a connection of its own, like two hundred tills.
        answer = await api.post("/v1/purchases", json=receipt, headers={"Connection": "close"})
    except httpx2.TransportError:
        return UNHEARD
    return answer.status_code


async def test_a_stop_in_a_busy_hour_loses_no_receipt(tmp_path: Path) -> None:
    """Whoever got no answer was not let in; sent again, every receipt counts exactly once."""
    parts = Parts(read_settings(data_dir=tmp_path / "data"))
    (tmp_path / "data").mkdir()
    upgrade(parts.settings.database)
    token, _ = parts.keys.create("till", "integrator", actor="test")
    port, at = free_port(), datetime(2026, 3, 3, 12, tzinfo=UTC)
    api = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
        limits=httpx2.Limits(max_connections=RECEIPTS),
        trust_env=False,
    )
    async with api:
        with serving(tmp_path / "data", port) as process:
            await until_ready(api)
            await api.post("/v1/members", json={"id": "lee"})
            sent = [asyncio.create_task(buy(api, number, at)) for number in range(RECEIPTS)]
            for answered in islice(asyncio.as_completed(sent), RECEIPTS // 4):
                await answered
            process.send_signal(signal.SIGTERM)
            first = await asyncio.gather(*sent)
            assert await asyncio.to_thread(process.wait, 30) == 0
        with serving(tmp_path / "data", port):
            await until_ready(api)
            again = await asyncio.gather(*(buy(api, number, at) for number in range(RECEIPTS)))
            balance = (await api.get("/v1/members/lee/balance")).json()
    parts.close()

    assert set(first) == {RECORDED, UNHEARD}
    assert set(again) <= {RECORDED, REPLAYED}
    assert [one == RECORDED for one in first] == [one == REPLAYED for one in again]
    assert balance["available"] == RECEIPTS * POINTS_EACH
