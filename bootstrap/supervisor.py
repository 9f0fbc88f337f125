"""`milepost up`: everything on one machine, each part a real process, watched by this one."""

import asyncio
import fcntl
import json
from contextlib import suppress
from typing import IO

import httpx2

from api.console.addresses import link_address
from bootstrap.children import Child, Say, TemporalChild
from bootstrap.setting_places import free_address, listening_at, make_folder
from bootstrap.settings import STATE_FILE, Settings, variable
from bootstrap.temporal import HOST, DevServer, DevServerFailed, NoTemporalCli
from bootstrap.wiring import Parts
from storage.migrate import upgrade

READY_SECONDS = 180.0
"""Five seconds where nothing else runs; a machine busy with other things needs far longer."""
PROCESSES = ("server", "worker", "relay")
LOOPBACK = ("127.0.0.1", "localhost")


class CannotStart(Exception):
    """What is in the way, and which setting moves it."""


class Up:
    """The embedded default. `start`, then `watch` until told to stop, then `stop`."""

    def __init__(self, settings: Settings, say: Say) -> None:
        self._say = say
        self._lock: IO[str] | None = None
        self._children: list[TemporalChild | Child] = []
        self.settings = settings  # with the ports that were chosen, once started
        self.first_key: str | None = None
        self.first_link: str | None = None

    @property
    def api_url(self) -> str:
        return f"http://{_shown(self.settings.listen_host)}:{self.settings.listen_port}"

    @property
    def ui_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.ui_port}"

    @property
    def pids(self) -> dict[str, int | None]:
        return {child.name: child.pid for child in self._children}

    async def start(self) -> None:
        """Start everything, in order. Raises CannotStart; nothing is left running then."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        self._take_folder()
        self.settings = _with_ports(self.settings)
        await self._start_temporal()
        await asyncio.to_thread(self._prepare_database)
        environment = self.settings.environment(**self._for_children())
        for name in PROCESSES:
            child = Child(name, environment, self._say)
            await child.start()
            self._children.append(child)
        self._note()

    async def watch(self, stop: asyncio.Event) -> None:
        """Keep everything running until told to stop. Raises GaveUp when a part cannot run."""
        watched = [asyncio.create_task(child.run(self._note)) for child in self._children]
        told = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([told, *watched], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (told, *watched):
                task.cancel()
            await asyncio.gather(told, *watched, return_exceptions=True)

    async def ready(self) -> None:
        """Return once the API answers that it can work; call it beside `watch`."""
        async with asyncio.timeout(READY_SECONDS), httpx2.AsyncClient(trust_env=False) as client:
            while True:
                with suppress(httpx2.HTTPError, OSError):
                    answer = await client.get(f"{self.api_url}/readyz", timeout=5)
                    if answer.status_code == 200:
                        return
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Stop in order: first what lets work in, last what all others need."""
        by_name = {child.name: child for child in self._children}
        for name in ("server", "relay", "worker", "temporal"):
            if name in by_name:
                await by_name[name].stop()
        self._children = []
        if self._lock is not None:
            (self.settings.data_dir / STATE_FILE).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _take_folder(self) -> None:
        folder = make_folder("data_dir", self.settings.data_dir)
        self._lock = (folder / "up.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._lock = None
            raise CannotStart(
                f"`milepost up` runs already on {folder.absolute()}. Stop that one, or name "
                f"another folder in {variable('data_dir')}."
            ) from None

    async def _start_temporal(self) -> None:
        folder = self.settings.data_dir
        server = DevServer(
            log=folder / "temporal.log",
            database=folder / "temporal.db",
            port=int(self.settings.temporal_address.rpartition(":")[2]),
            ui_port=self.settings.ui_port,
            namespace=self.settings.temporal_namespace,
            time_skipping=self.settings.time_skipping,
            cli=self.settings.temporal_cli,
            end_with_parent=True,
        )
        child = TemporalChild(server, self._say)
        self._children.append(child)
        try:
            await child.start()
        except (DevServerFailed, NoTemporalCli) as failure:
            raise CannotStart(str(failure)) from None

    def _prepare_database(self) -> None:
        upgrade(self.settings.database)
        parts = Parts(self.settings)
        try:
            if not parts.keys.list():
                self.first_key, _ = parts.keys.create("first key", "admin", actor="milepost up")
            token = parts.people.first_link() if self.settings.local_accounts else None
            self.first_link = link_address(self.api_url, token) if token else None
        finally:
            parts.close()

    def _for_children(self) -> dict[str, object]:
        """What differs for them: they end with us, and speak up only when something is wrong."""
        chosen = self.settings.model_fields_set
        changes: dict[str, object] = {"embedded": True, "temporal_ui_url": self.ui_url}
        changes["data_dir"] = self.settings.data_dir.absolute()
        if self.settings.database_url is not None:
            changes["database_url"] = self.settings.database
        if "log_format" not in chosen:
            changes["log_format"] = "console"
        if "log_level" not in chosen:
            changes["log_level"] = "warning"
        return changes

    def _note(self) -> None:
        """Write down where everything is. A full disk, say, is no reason to end what runs."""
        state = {"api": self.api_url, "ui": self.ui_url, "pids": self.pids}
        state["temporal"] = self.settings.temporal_address
        file = self.settings.data_dir / STATE_FILE
        draft = file.with_suffix(".new")
        try:
            draft.write_text(json.dumps(state, indent=2) + "\n")
            draft.replace(file)
        except OSError as error:
            self._say("up", f"{file} cannot be written: {error.strerror}")


def _with_ports(settings: Settings) -> Settings:
    """The settings with a free port wherever they leave the choice; taken ones are refused."""
    host, _, port = settings.temporal_address.rpartition(":")
    if host not in LOOPBACK:
        raise CannotStart(
            f"{variable('temporal_address')} names another machine ({host}), but `milepost up` "
            "starts its own Temporal. With yours, run `milepost server`, `worker` and `relay`."
        )
    chosen = {
        "listen_port": listening_at(settings)[1],
        "ui_port": free_address("ui_port", HOST, settings.ui_port)[1],
        "temporal_address": f"{HOST}:{free_address('temporal_address', HOST, int(port))[1]}",
    }
    return settings.model_copy(update=chosen)


def _shown(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
