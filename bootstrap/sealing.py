"""Sealing the log: sign what it is now, keep it, and hand it to whoever shall remember it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection

from bootstrap.seal_key import signing_key
from bootstrap.settings import Settings, variable
from delivery.checkpoint_sinks import CheckpointFile, CheckpointWebhook, NotTaken
from loyalty.ports import Clock
from loyalty.sealing.signing_keys import SigningKey
from storage.checkpoints import (
    StoredCheckpoint,
    follows_another_key,
    make_checkpoint,
    mark_pushed,
    waiting,
)
from storage.database import Database

log = logging.getLogger("milepost.sealing")

NEW_KEY = (
    "hand the output of `milepost ledger key` out anew, and name the public key of before in "
    f"{variable('seal_old_keys')}, or `milepost ledger verify` doubts what that one signed"
)
AT_ONCE = 100
"""Checkpoints pushed in one round: after a long silence the rest goes out in the next."""
FILE = "checkpoints.jsonl"


class Sink(Protocol):
    """Takes a checkpoint, or raises NotTaken; the same one may come twice."""

    def take(self, checkpoint: dict[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one round did: the size that was signed, if the log grew; how many went out."""

    size: int | None = None
    pushed: int = 0
    waiting: int = 0


class Seal:
    """One round after the other. Sinks that fail are asked again, and never stop the signing."""

    def __init__(
        self, database: Database, clock: Clock, key: SigningKey | None, sinks: Sequence[Sink]
    ) -> None:
        self._database = database
        self._clock = clock
        self._key = key
        self._sinks = sinks

    def __call__(self) -> Sealed:
        made, changed = self._make()
        if changed:
            log.warning("the checkpoint before was signed with another key: %s", NEW_KEY)
        with self._database.read() as connection:
            line = waiting(connection, AT_ONCE)
        pushed = 0
        for each in line:
            if not self._push(each):
                break
            pushed += 1
        return Sealed(made, pushed, len(line) - pushed)

    def _make(self) -> tuple[int | None, bool]:
        key, now = self._key, self._clock.now()
        if key is None:
            return None, False

        def work(found: Connection) -> tuple[int | None, bool]:
            changed = follows_another_key(found, key)
            made = make_checkpoint(found, key.name, key, now)
            return (made.size, changed) if made else (None, False)

        return self._database.run(work)

    def _push(self, each: StoredCheckpoint) -> bool:
        told = {
            "size": each.size,
            "root": each.root.hex(),
            "at": each.at.isoformat(),
            "note": each.note,
        }
        try:
            for sink in self._sinks:
                sink.take(told)
        except NotTaken as why:
            log.warning("the checkpoint of %s waits: %s", each.size, why)
            return False
        now = self._clock.now()
        self._database.run(lambda found: mark_pushed(found, each.size, now))
        return True


def seal_with(settings: Settings, database: Database, clock: Clock) -> Seal:
    """The job as settings have it. Raises SettingsError for a key that cannot be used."""
    sinks: list[Sink] = []
    file = settings.seal_file
    if file is None and settings.database_url is None:
        file = settings.data_dir / FILE
    if file is not None:
        sinks.append(CheckpointFile(file))
    if settings.seal_webhook_url:
        sinks.append(CheckpointWebhook(settings.seal_webhook_url, proxy=settings.webhook_proxy))
    key = signing_key(settings)
    if key is None:
        log.warning("the log is not signed: there is no MILEPOST_SEAL_KEY")
    return Seal(database, clock, key, sinks)
