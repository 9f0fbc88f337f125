"""A template saved in one process is launched by another and run by a worker, with no restart."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx2
import pytest

from tests.bootstrap.test_up import KEY, Running
from tests.storage.test_template_versions import FILES, GIFT

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    up = Running(tmp_path / "data")
    yield up
    if up.process.poll() is None:
        up.stop()


@pytest.fixture
def second(running: Running) -> Iterator[str]:
    """Another API process on the same database; its address."""
    running.until(lambda: "More keys" in running.output)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**running.environment, "MILEPOST_LISTEN_PORT": str(port)}
    process = Popen([sys.executable, "-m", "bootstrap.cli", "server"], env=environment)
    address = f"http://127.0.0.1:{port}"
    running.until(lambda: _answers(address))
    yield address
    process.terminate()
    assert process.wait(60) == 0


def _answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/healthz", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def _api(address: str, running: Running) -> httpx2.Client:
    key = KEY.search(running.output)
    assert key is not None
    headers = {"Authorization": f"Bearer {key[0]}"}
    return httpx2.Client(base_url=address, headers=headers, trust_env=False, timeout=30)


def test_a_saved_template_runs_everywhere_at_once(running: Running, second: str) -> None:
    """Written at one API, drafted at the other, lived by a member through worker and relay."""
    here, there = _api(running.state["api"], running), _api(second, running)
    assert "gift" not in _names(here)
    on_joining = GIFT.replace("enter: api", "enter: {on: member.registered}")
    body: dict[str, Any] = {"files": {**FILES, "campaign.yaml": on_joining}}
    body |= {"after_version": 0, "note": "A gift on joining"}

    assert there.post("/v1/templates/gift/versions", json=body).status_code == 201
    assert "gift" in _names(here)
    campaign = {"id": "gift", "name": "Gift", "template": "gift"}
    assert here.post("/v1/campaigns", json=campaign).status_code == 201
    assert here.post("/v1/campaigns/gift/launch", json={"version": 1}).status_code == 200
    assert there.post("/v1/members", json={"id": "lee"}).status_code == 201

    running.until(lambda: _state(here, "lee") == "ended")
    assert here.get("/v1/members/lee/balance").json()["available"] == 50
    code, said = running.says("templates", "list")
    assert (code, "A gift" in said) == (0, True)


def _names(api: httpx2.Client) -> list[str]:
    return [each["name"] for each in api.get("/v1/templates").json()["templates"]]


def _state(api: httpx2.Client, member: str) -> str | None:
    runs = api.get("/v1/runs", params={"member_id": member}).json()["runs"]
    return runs[0]["state"] if runs else None
