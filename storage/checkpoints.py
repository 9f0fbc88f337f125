"""Signed checkpoints of the ledger's log: made from its head, kept in order, pushed one by one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from loyalty.sealing.checkpoint import Checkpoint, sign_checkpoint
from loyalty.sealing.merkle import Frontier
from loyalty.sealing.signing_keys import SigningKey
from storage.tables import checkpoints, log_head


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed note of the log at `size` transactions, and when it was made."""

    size: int
    root: bytes
    note: str
    at: datetime


def head_of_log(connection: Connection) -> Frontier:
    """The log's right edge as the last commit left it."""
    kept = connection.execute(select(log_head.c.frontier)).scalar_one_or_none()
    return Frontier.from_bytes(bytes(kept)) if kept else Frontier()


def make_checkpoint(
    connection: Connection, origin: str, key: SigningKey, now: datetime
) -> StoredCheckpoint | None:
    """Sign the log's head and keep it, if the log grew since the last one; else none."""
    last = connection.execute(select(func.max(checkpoints.c.size))).scalar_one() or 0
    head = head_of_log(connection)
    if head.size <= last:
        return None
    root = head.root()
    note = sign_checkpoint(Checkpoint(origin, head.size, root), [key])
    made = StoredCheckpoint(head.size, root, note, now)
    connection.execute(
        checkpoints.insert().values(size=made.size, root=root, note=note, at=now, pushed=None)
    )
    return made


def latest_checkpoint(connection: Connection) -> StoredCheckpoint | None:
    """The one that covers most."""
    row = connection.execute(_SELECT.order_by(checkpoints.c.size.desc()).limit(1)).one_or_none()
    return _stored(row) if row else None


def checkpoint_of(connection: Connection, size: int) -> StoredCheckpoint | None:
    row = connection.execute(_SELECT.where(checkpoints.c.size == size)).one_or_none()
    return _stored(row) if row else None


def waiting(connection: Connection, limit: int) -> list[StoredCheckpoint]:
    """What is not everywhere yet where it is to be kept, oldest first."""
    query = _SELECT.where(checkpoints.c.pushed.is_(None)).order_by(checkpoints.c.size).limit(limit)
    return [_stored(row) for row in connection.execute(query)]


def mark_pushed(connection: Connection, size: int, now: datetime) -> None:
    connection.execute(update(checkpoints).where(checkpoints.c.size == size).values(pushed=now))


_SELECT = select(checkpoints.c.size, checkpoints.c.root, checkpoints.c.note, checkpoints.c.at)


def _stored(row: Any) -> StoredCheckpoint:
    size, root, note, at = row
    return StoredCheckpoint(size, bytes(root), note, at)
