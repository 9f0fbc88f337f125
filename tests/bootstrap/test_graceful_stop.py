"""The API is stopped in the middle of a busy hour: who was let in is answered, and nobody twice."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from bootstrap.settings import PREFIX, read_settings
from bootstrap.temporal import free_port
from bootstrap.wiring import Parts
from storage.migrate import upgrade

TILLS = 50
RECEIPTS_BEFORE_THE_STOP = 100
POINTS_EACH = 10
AT = datetime(2026, 3, 3, 12, tzinfo=UTC)
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


async def buy(api: httpx2.AsyncClient, receipt_id: str) -> int:
    receipt: Mapping[str, Any] = {
        "source": "till",
        "id": receipt_id,
        "member_id": "lee",
        "occurred_at": AT.isoformat(),
        "currency": "CNY",
        "lines": [{"sku": "s", "category": "grocery", "net_minor": 10_000}],
    }
    try:
        # Each on a connection of its own, like a till that dials for every receipt.
        answer = await api.post("/v1/purchases", json=receipt, headers={"Connection": "close"})
    except httpx2.TransportError:
        return UNHEARD
    return answer.status_code


async def sell(
    api: httpx2.AsyncClient, till: int, first: dict[str, int], busy: asyncio.Event
) -> None:
    """One till sends receipt after receipt until nobody answers it."""
    for number in count():
        receipt_id = f"r-{till}-{number}"
        first[receipt_id] = await buy(api, receipt_id)
        if len(first) >= RECEIPTS_BEFORE_THE_STOP:
            busy.set()
        if first[receipt_id] == UNHEARD:
            return


async def test_a_stop_in_a_busy_hour_loses_no_receipt(tmp_path: Path) -> None:
    """Whoever got no answer was not let in; sent again, every receipt counts exactly once."""
    parts = Parts(read_settings(data_dir=tmp_path / "data"))
    (tmp_path / "data").mkdir()
    upgrade(parts.settings.database)
    token, _ = parts.keys.create("till", "integrator", actor="test")
    port = free_port()
    api = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
        limits=httpx2.Limits(max_connections=TILLS),
        trust_env=False,
    )
    first: dict[str, int] = {}
    busy = asyncio.Event()
    async with api:
        with serving(tmp_path / "data", port) as process:
            await until_ready(api)
            await api.post("/v1/members", json={"id": "lee"})
            selling = [asyncio.create_task(sell(api, till, first, busy)) for till in range(TILLS)]
            await busy.wait()
            process.send_signal(signal.SIGTERM)
            await asyncio.gather(*selling)
            assert await asyncio.to_thread(process.wait, 30) == 0
        with serving(tmp_path / "data", port):
            await until_ready(api)
            again = {receipt_id: await buy(api, receipt_id) for receipt_id in first}
            balance = (await api.get("/v1/members/lee/balance")).json()
    parts.close()

    assert set(first.values()) == {RECORDED, UNHEARD}
    assert again == {
        receipt_id: REPLAYED if status == RECORDED else RECORDED
        for receipt_id, status in first.items()
    }
    assert balance["available"] == len(first) * POINTS_EACH
