"""The log, built again from its rows: numbered without a gap, each leaf that of its transaction.

What the head says, and what every checkpoint says, must be the tree that comes out.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from loyalty.sealing import merkle
from loyalty.sealing.canonical import Entry
from loyalty.sealing.merkle import Frontier, leaf_hash
from storage.verify.broken import RowBroken
from storage.verify.claims import Claim
from storage.verify.leaves import COLUMNS, LEAF, in_leg_order, sealed_bytes
from storage.verify.source import Source

Tick = Callable[[int], None]
"""Told how many rows were read since the last call."""

TICK = 1000


class LogWalk:
    """Goes through the log once; afterwards `log` is the tree as the rows make it."""

    def __init__(self, claims: Sequence[Claim], tick: Tick) -> None:
        self.log = Frontier()
        self._page, self._pages = Frontier(), list[bytes]()
        self.disputed: RowBroken | None = None  # the first checkpoint that says otherwise
        self._claims = list(claims)
        self._tick = tick
        self._next = 0
        self._compare()

    def take_stored(self, source: Source, until: int) -> None:
        """Take the leaves up to `until` as they are stored: the tree is checked, rows are not."""
        query = f"SELECT id, leaf FROM transactions WHERE id <= {until:d} ORDER BY id"
        for id, leaf in source.rows(query):
            self._numbered(id)
            if not isinstance(leaf, bytes) or len(leaf) != 32:
                raise RowBroken("transactions", id, "its leaf is no hash")
            self._append(leaf)
        self._tick(self.log.size % TICK)

    def rebuild(self, source: Source, after: int) -> None:
        """Hash every transaction after `after` again, with its entries, and compare."""
        where = f"> {after:d}"
        entries = _Entries(source, where, {})
        query = f"SELECT {COLUMNS} FROM transactions WHERE id {where} ORDER BY id"
        for row in source.rows(query):
            id = row[0]
            self._numbered(id)
            self._append(_checked_leaf(row, entries.of(id)))
        self._tick(self.log.size % TICK)
        entries.must_be_over()

    def compare_head(self, source: Source) -> None:
        """The one row of the head must be this tree, no shorter and no longer."""
        there = False
        for id, size, kept in source.rows("SELECT id, size, frontier FROM log_head ORDER BY id"):
            if id != 1:
                raise RowBroken("log_head", id, "there is one log, and this row is not its head")
            if size != self.log.size:
                raise RowBroken(
                    "log_head", 1, f"says {size} transactions and {self.log.size} are there"
                )
            if size and kept != self.log.to_bytes():
                raise RowBroken("log_head", 1, "its hashes are not those of the transactions")
            there = True
        if self.log.size and not there:
            raise RowBroken("log_head", 1, f"is missing, and {self.log.size} transactions are not")

    def compare_pages(self, source: Source) -> None:
        """Roots that are kept so that proofs need not read everything must be those of the tree."""
        if not source.has("log_pages"):
            return
        kept = source.rows("SELECT page, root FROM log_pages ORDER BY page")
        for number, (page, root) in enumerate(kept):
            if page != number:
                raise RowBroken("log_pages", number, f"is missing: {page} follows")
            if page >= len(self._pages) or root != self._pages[page]:
                raise RowBroken("log_pages", page, "its root is not that of its transactions")

    def compare_claims(self) -> None:
        """Every checkpoint must be a part of this tree, and none longer than it."""
        if self.disputed:
            raise self.disputed
        for claim in self._claims[self._next :]:
            raise RowBroken(
                claim.table,
                claim.key,
                f"was signed when there were {claim.size} transactions; "
                f"{self.log.size} are there: the end of the log was cut off",
            )

    def _numbered(self, id: int) -> None:
        if id != self.log.size + 1:
            raise RowBroken("transactions", self.log.size + 1, f"is missing: {id} follows")

    def _append(self, leaf: bytes) -> None:
        self.log.append(leaf)
        self._page.append(leaf)
        if self._page.size == merkle.PAGE:
            self._pages.append(self._page.root())
            self._page = Frontier()
        if self.log.size % TICK == 0:
            self._tick(TICK)
        if self._next < len(self._claims) and self._claims[self._next].size == self.log.size:
            self._compare()

    def _compare(self) -> None:
        while self._next < len(self._claims) and self._claims[self._next].size <= self.log.size:
            claim = self._claims[self._next]
            self._next += 1
            if claim.root != self.log.root() and self.disputed is None:
                self.disputed = RowBroken(
                    claim.table,
                    claim.key,
                    f"what was signed at {claim.size} transactions is not what they are now: "
                    "history was rewritten",
                )


def recheck(source: Source, account_ids: Sequence[str]) -> int:
    """Hash every transaction of a member's accounts again; how many there are. Raises RowBroken.

    Also those that name the member and have no entry left.
    """
    names = ", ".join(f":a{n}" for n in range(len(account_ids)))
    values = {f"a{n}": id for n, id in enumerate(account_ids)}
    values["member"] = account_ids[0].partition(":")[2]
    where = (
        f"IN (SELECT transaction_id FROM entries WHERE account_id IN ({names}) UNION "
        "SELECT id FROM transactions WHERE member_id = :member OR other_id = :member)"
    )
    entries = _Entries(source, where, values)
    query = f"SELECT {COLUMNS} FROM transactions WHERE id {where} ORDER BY id"
    checked = 0
    for row in source.rows(query, **values):
        _checked_leaf(row, entries.of(row[0]))
        checked += 1
    entries.must_be_over()
    return checked


def _checked_leaf(row: Any, entries: list[Any]) -> bytes:
    """The leaf of a row of `COLUMNS` and its entries. Raises RowBroken if the stored one differs.

    Also checked: what went into and out of lots is what its entries say.
    """
    id, member, other = row[0], row[11], row[12]
    try:
        ordered: list[Entry] = in_leg_order(entries, member, other)
        leaf = leaf_hash(sealed_bytes(row, ordered))
    except (ValueError, TypeError, AttributeError) as wrong:
        raise RowBroken("transactions", id, f"cannot be read ({wrong})") from None
    if leaf != row[LEAF]:
        what = "it or one of its entries is not what was sealed"
        raise RowBroken("transactions", id, what)
    if not _one_of_each(row[10], entries):
        _moves_are_entries(id, row[10], entries)
    return leaf


def _one_of_each(moves: str, entries: list[Any]) -> bool:
    """Whether it is plain, without reading JSON, that one entry is one move: mostly it is."""
    if len(entries) != 1 or "],[" in moves:
        return False
    account, _, contra, amount, held, _ = entries[0]
    same: bool = (
        account[:7] == "member:"
        and contra != "transfer"
        and moves.startswith(f'[["{account[7:]}",')
        and moves.endswith(f",{amount},{held}]]")
    )
    return same


def _moves_are_entries(id: int, moves: str, entries: list[Any]) -> None:
    sums: dict[str, list[int]] = {}
    handed_over = 0
    for account, _, contra, amount, held, _ in entries:
        if contra == "transfer":
            handed_over += amount
        if account.startswith("member:"):
            both = sums.setdefault(account[7:], [0, 0])
            both[0] += amount
            both[1] += held
    for member, _, _, _, amount, held in json.loads(moves):
        both = sums.setdefault(member, [0, 0])
        both[0] -= amount
        both[1] -= held
    for amount, held in sums.values():
        if amount or held:
            raise RowBroken("transactions", id, "its lots moved otherwise than its entries")
    if handed_over:
        raise RowBroken("transactions", id, "what one member handed over the other did not receive")


class _Entries:
    """Entries in the order of the log, handed out transaction by transaction."""

    def __init__(self, source: Source, where: str, values: Mapping[str, str]) -> None:
        self._rows: Iterator[Any] = source.rows(
            "SELECT account_id, seq, contra, amount, held_delta, balance, transaction_id "
            f"FROM entries WHERE transaction_id {where} "
            f"ORDER BY transaction_id, account_id{source.collate}, seq",
            **values,
        )
        self._waiting: Any = next(self._rows, None)

    def of(self, id: int) -> list[Any]:
        """The six sealed fields of each entry of transaction `id`."""
        row, found = self._waiting, []
        while row is not None and row[6] <= id:
            if row[6] < id:
                self._orphan(row)
            found.append(row[:6])
            row = next(self._rows, None)
        self._waiting = row
        return found

    def must_be_over(self) -> None:
        if self._waiting is not None:
            self._orphan(self._waiting)

    @staticmethod
    def _orphan(row: Any) -> None:
        raise RowBroken("entries", f"{row[0]} {row[1]}", f"its transaction {row[6]} is not there")
