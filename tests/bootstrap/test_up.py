"""`milepost up` as a person meets it: one command, real processes, nothing left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytestmark = pytest.mark.timeout(400)
PATIENCE_SECONDS = 180
KEY = re.compile(r"\bmp_[0-9a-f]{8}_[A-Za-z0-9_-]{43}\b")


class Running:
    """The command under test, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MILEPOST_")},
            "MILEPOST_DATA_DIR": str(folder),
            "MILEPOST_LISTEN_PORT": "0",
            "MILEPOST_UI_PORT": "0",
            "MILEPOST_TEMPORAL_ADDRESS": "127.0.0.1:0",
        }
        self.log = folder.parent / "up.log"
        with self.log.open("w") as log:
            self.process = self._spawn("up", stdout=log, stderr=subprocess.STDOUT)

    def _spawn(self, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "bootstrap.cli", *words]
        return subprocess.Popen(command, env=self.environment, **more)

    def says(self, *words: str) -> tuple[int, str]:
        """Another `milepost` command on the same data, with its output."""
        process = self._spawn(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output.decode()

    @property
    def output(self) -> str:
        return self.log.read_text()

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "up.json").read_text())
        return found

    def until(self, what: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not what():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.2)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    up = Running(tmp_path / "data")
    yield up
    if up.process.poll() is None:
        up.stop()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_one_command_runs_a_programme(running: Running) -> None:
    """A fresh folder, one command: a member joins and their journey waits for them. A worker that
    is killed comes back, and stopping leaves nothing behind."""
    running.until(lambda: "More keys" in running.output)
    key = KEY.search(running.output)
    assert key is not None
    pids = dict(running.state["pids"])
    api = httpx2.Client(
        base_url=running.state["api"],
        headers={"Authorization": f"Bearer {key[0]}"},
        trust_env=False,
        timeout=30,
    )

    campaign: dict[str, Any] = {"id": "welcome", "name": "Welcome", "template": "new_member_bonus"}
    campaign |= {"holdout_percent": 0}
    assert api.post("/v1/campaigns", json=campaign).status_code == 201
    assert api.post("/v1/campaigns/welcome/launch", json={"version": 1}).status_code == 200
    assert api.post("/v1/members", json={"id": "lee"}).status_code == 201
    running.until(lambda: _state(api, "lee") == "waiting")
    assert api.get("/v1/members/lee/balance").json()["available"] == 500

    os.kill(pids["worker"], signal.SIGKILL)
    running.until(lambda: running.state["pids"]["worker"] != pids["worker"])
    assert api.post("/v1/members", json={"id": "wang"}).status_code == 201
    running.until(lambda: _state(api, "wang") == "waiting")

    # A full disk, say: what cannot be noted ends nothing.
    (running.folder / "up.new").mkdir()
    os.kill(running.state["pids"]["worker"], signal.SIGKILL)
    running.until(lambda: "up.json cannot be written: " in running.output)
    (running.folder / "up.new").rmdir()
    assert api.post("/v1/members", json={"id": "chen"}).status_code == 201
    running.until(lambda: _state(api, "chen") == "waiting")

    code, said = running.says("explain", "lee", "welcome")
    assert code == 0
    assert "gave 500 points" in said
    # The database is its own, so the log is signed with a key that was made for it.
    assert "not signed" not in running.output
    assert (running.folder / "seal.key").exists()
    code, said = running.says("up")
    assert code == 1
    assert "runs already" in said

    pids = dict(running.state["pids"])
    assert running.stop() == 0, running.output
    assert not any(alive(pid) for pid in pids.values())
    assert not (running.folder / "up.json").exists()
    assert "Traceback" not in running.output


def _state(api: httpx2.Client, member: str) -> str | None:
    runs = api.get("/v1/runs", params={"member_id": member}).json()["runs"]
    return runs[0]["state"] if runs else None


def test_what_it_started_ends_with_it(running: Running) -> None:
    """Even when the command itself is killed, its API, worker and relay end by themselves."""
    running.until(lambda: "More keys" in running.output)
    pids = dict(running.state["pids"])

    running.process.kill()
    running.process.wait()

    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(alive(pids[name]) for name in ("server", "worker", "relay", "temporal")):
        assert time.monotonic() < deadline, running.output
        time.sleep(0.2)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """A port that something else uses is refused before anything starts, with the setting."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = {
            **os.environ,
            "MILEPOST_DATA_DIR": str(tmp_path / "data"),
            "MILEPOST_LISTEN_PORT": str(port),
            "MILEPOST_TEMPORAL_ADDRESS": "127.0.0.1:0",
            "MILEPOST_UI_PORT": "0",
        }
        command = [sys.executable, "-m", "bootstrap.cli", "up"]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60, text=True)

    assert done.returncode == 2
    assert f"127.0.0.1:{port} cannot be used" in done.stderr
    assert "MILEPOST_LISTEN_PORT" in done.stderr
