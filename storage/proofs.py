"""Proofs about the log for whoever asks: that a transaction is in it, and that it only grew."""

from collections.abc import Sequence
from threading import Lock
from typing import Any

from sqlalchemy import Connection, select

from loyalty.errors import invalid_field
from loyalty.ledger import OWN
from loyalty.sealing.merkle import Tree
from storage.checkpoints import (
    StoredCheckpoint,
    checkpoint_of,
    head_of_log,
    latest_checkpoint,
)
from storage.database import Database
from storage.log_pages import learn_pages, leaves
from storage.postings import account_id
from storage.queries.pages import View
from storage.tables import entries
from storage.verify.leaves import COLUMNS, LEAF, in_leg_order, sealed_bytes


class SqlProofs:
    """Proofs from stored leaves and from the roots of full pages, which sealing keeps.

    So a proof reads two pages, whatever the log's length, and what was added since it was sealed.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tree = Tree(self._leaves)
        self._one_by_one = Lock()

    def checkpoint(self) -> View | None:
        """The latest signed one, or none: size, root, at, note."""
        with self._database.read() as connection:
            found = latest_checkpoint(connection)
        if found is None:
            return None
        return {
            "size": found.size,
            "root": found.root.hex(),
            "at": found.at,
            "note": found.note,
        }

    def inclusion(self, key: str) -> View | None:
        """A transaction's bytes and leaf, and the way from it to a root.

        To the root of the latest checkpoint; where that does not cover it yet, to the root of now,
        and `checkpoint` is none.
        """
        with self._database.read() as connection:
            row = connection.exec_driver_sql(*_by_key(connection, key)).one_or_none()
            if row is None:
                return None
            mine = _entries(connection, row)
            sealed = latest_checkpoint(connection)
            size = head_of_log(connection).size
            self._learn(connection)
        covering = sealed if sealed and sealed.size >= row[0] else None
        size = covering.size if covering else size
        return {
            "key": key,
            "sealed": sealed_bytes(row, mine).decode(),
            "leaf": bytes(row[LEAF]).hex(),
            "index": row[0] - 1,
            "size": size,
            "root": self._tree.root(size).hex(),
            "proof": _hex(self._tree.inclusion_proof(row[0] - 1, size)),
            "checkpoint": _note(covering),
        }

    def consistency(self, old_size: int, size: int | None) -> View:
        """That the log of `size` holds all of the log of `old_size`; unset: the latest checkpoint.

        Raises Invalid for sizes that the log never had.
        """
        with self._database.read() as connection:
            head = head_of_log(connection).size
            latest = latest_checkpoint(connection)
            if size is None:
                size = latest.size if latest else head
            old = checkpoint_of(connection, old_size)
            new = checkpoint_of(connection, size)
            self._learn(connection)
        if size > head:
            raise invalid_field("to", "out_of_range", f"must be at most {head}")
        if old_size > size:
            raise invalid_field("from", "out_of_range", f"must be at most {size}")
        return {
            "from_size": old_size,
            "from_root": self._tree.root(old_size).hex(),
            "from_checkpoint": _note(old),
            "to_size": size,
            "to_root": self._tree.root(size).hex(),
            "to_checkpoint": _note(new),
            "proof": _hex(self._tree.consistency_proof(old_size, size)),
        }

    def _leaves(self, start: int, end: int) -> Sequence[bytes]:
        with self._database.read() as connection:
            return leaves(connection, start, end)

    def _learn(self, connection: Connection) -> None:
        with self._one_by_one:
            learn_pages(connection, self._tree)


def _by_key(connection: Connection, key: str) -> tuple[str, tuple[str]]:
    # As the driver gives it: the same form that is verified.
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    return f"SELECT {COLUMNS} FROM transactions WHERE key = {mark}", (key,)


def _entries(connection: Connection, row: Any) -> list[Any]:
    """The sealed fields of each entry; entries are found by their accounts."""
    member, other = row[11], row[12]
    owners = [member, other] if other else [member]
    ids = [account_id(kind, owner) for owner in owners for kind in OWN]
    query = select(
        entries.c.account_id,
        entries.c.seq,
        entries.c.contra,
        entries.c.amount,
        entries.c.held_delta,
        entries.c.balance,
    ).where(entries.c.account_id.in_(ids), entries.c.transaction_id == row[0])
    found = connection.execute(query.order_by(entries.c.seq))
    return in_leg_order([tuple(each) for each in found], member, other)


def _hex(hashes: Sequence[bytes]) -> list[str]:
    return [each.hex() for each in hashes]


def _note(found: StoredCheckpoint | None) -> str | None:
    return found.note if found else None
