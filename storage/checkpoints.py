"""Signed checkpoints of the ledger's log: made from its head, kept in order, pushed one by one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from loyalty.sealing.broken import SealBroken
from loyalty.sealing.checkpoint import Checkpoint, sign_checkpoint
from loyalty.sealing.merkle import Frontier
from loyalty.sealing.note import NotSigned, open_note
from loyalty.sealing.signing_keys import SigningKey
from storage.log_pages import keep_pages, log_tree
from storage.tables import checkpoints, log_head


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed note of the log at `size` transactions, and when it was made."""

    size: int
    root: bytes
    note: str
    at: datetime


class LogRewritten(SealBroken):
    """What was signed last is not what the log holds now: nothing more is signed on top of it."""


def head_of_log(connection: Connection) -> Frontier:
    """The log's right edge as the last commit left it."""
    query = select(log_head.c.frontier).where(log_head.c.id == 1)
    kept = connection.execute(query).scalar_one_or_none()
    return Frontier.from_bytes(bytes(kept)) if kept else Frontier()


def make_checkpoint(
    connection: Connection, origin: str, key: SigningKey, now: datetime
) -> StoredCheckpoint | None:
    """Sign the log's head and keep it, if the log grew since the last one; else none.

    Raises LogRewritten, and signs nothing, unless the log still begins with what was signed last
    and its head is the tree of its transactions; LeavesMissing where rows of it are gone.
    """
    last, head = latest_checkpoint(connection), head_of_log(connection)
    if last is not None and head.size < last.size:
        raise LogRewritten(f"{last.size} transactions were signed, and {head.size} are left.")
    if last is not None and head.size == last.size:
        _must_begin_with(head.root(), last, key)
        return None
    if not head.size:
        return None
    root, tree = head.root(), log_tree(connection)
    if last is not None:
        _must_begin_with(tree.root(last.size), last, key)
    if tree.root(head.size) != root:
        raise LogRewritten(f"The head at {head.size} is not the tree of the transactions.")
    keep_pages(connection, tree, head.size)
    note = sign_checkpoint(Checkpoint(origin, head.size, root), [key])
    made = StoredCheckpoint(head.size, root, note, now)
    connection.execute(
        checkpoints.insert().values(size=made.size, root=root, note=note, at=now, pushed=None)
    )
    return made


def follows_another_key(connection: Connection, key: SigningKey) -> bool:
    """Whether what was signed last was signed by another key than this one."""
    last = latest_checkpoint(connection)
    try:
        if last is not None:
            open_note(last.note, [key.verifier])
    except NotSigned:
        return True
    return False


def _must_begin_with(root: bytes, last: StoredCheckpoint, key: SigningKey) -> None:
    """The log's root at the last checkpoint's size must be the one that was signed.

    A note that another key signed, before this one, is compared as it is stored.
    """
    try:
        signed = Checkpoint.parse(open_note(last.note, [key.verifier]).text)
    except NotSigned:
        signed = Checkpoint(key.name, last.size, last.root)
    if (signed.size, signed.root) != (last.size, root) or last.root != root:
        raise LogRewritten(f"The first {last.size} transactions are not those that were signed.")


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
