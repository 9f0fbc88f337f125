"""A real worker, relay or API that stands still at one place, so that a drill can kill it there.

    python -m tests.faults.halting <process> <place> <spare> <flag>

The process is the product's own; only the one method is wrapped. It lets `spare` calls through,
writes the file `flag`, and goes no further: what it held (an open transaction, a committed one that
nobody knows of, a request without its answer) it holds until it is killed.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from bootstrap.logs import set_up_logs
from bootstrap.processes import run_relay, run_worker
from bootstrap.relay import Relay
from bootstrap.server import run_server
from bootstrap.settings import Settings, read_settings
from storage.store import SqlStore

PROCESSES: dict[str, Callable[[Settings], object]] = {
    "worker": lambda settings: asyncio.run(run_worker(settings)),
    "relay": lambda settings: asyncio.run(run_relay(settings)),
    "server": run_server,
}


class Halt:
    """Where the process stands still."""

    def __init__(self, spare: int, flag: Path) -> None:
        self._spare = spare
        self._flag = flag

    def __call__(self) -> None:
        self._spare -= 1
        if self._spare < 0:
            self.reached()
            time.sleep(600)

    def reached(self) -> None:
        """Tell the drill that the place was reached."""
        self._flag.touch()


def halt_before_commit(halt: Halt) -> None:
    """Every statement of the transaction was made, and none of it is committed."""
    run = SqlStore.run

    def halting(store: SqlStore, work: Callable[..., Any], **given: Any) -> Any:
        def last(tx: Any) -> Any:
            result = work(tx)
            halt()
            return result

        return run(store, last, **given)

    SqlStore.run = halting  # type: ignore[assignment, method-assign]  # wrapped, as said above


def halt_after_commit(halt: Halt) -> None:
    """All of it is committed, and nobody was told."""
    run = SqlStore.run

    def halting(store: SqlStore, work: Callable[..., Any], **given: Any) -> Any:
        result = run(store, work, **given)
        halt()
        return result

    SqlStore.run = halting  # type: ignore[assignment, method-assign]  # wrapped, as said above
    submit = SqlStore.submit

    def unheard(store: SqlStore, work: Callable[..., Any], wants: Any) -> Future[Any]:
        submit(store, work, wants).add_done_callback(lambda _: halt.reached())
        return Future()  # nobody will ever put an answer into it

    SqlStore.submit = unheard  # type: ignore[assignment, method-assign]  # wrapped, as said above


def halt_after_sending(halt: Halt) -> None:
    """Temporal has every row of the batch, and none is marked as sent."""
    mark = Relay._mark

    def halting(relay: Relay, results: Any) -> None:
        halt()
        mark(relay, results)

    Relay._mark = halting  # type: ignore[assignment, method-assign]  # wrapped, as said above


PLACES: dict[str, Callable[[Halt], None]] = {
    "before-commit": halt_before_commit,
    "after-commit": halt_after_commit,
    "after-sending": halt_after_sending,
}


def main(process: str, place: str, spare: str, flag: str) -> None:
    settings = read_settings()
    set_up_logs(settings, process)
    PLACES[place](Halt(int(spare), Path(flag)))
    PROCESSES[process](settings)


if __name__ == "__main__":
    main(*sys.argv[1:])
