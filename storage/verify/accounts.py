"""Account by account: entries without a gap, balances that follow, and one unbroken chain."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from loyalty.sealing.canonical import FIRST_HEAD, chain
from storage.verify.broken import RowBroken
from storage.verify.log import TICK, Tick
from storage.verify.source import Source


class Standing:
    """An account as its entries leave it."""

    __slots__ = ("balance", "head", "held", "seq")

    def __init__(
        self, balance: int = 0, held: int = 0, seq: int = 0, head: bytes = FIRST_HEAD
    ) -> None:
        self.balance = balance
        self.held = held
        self.seq = seq
        self.head = head


@dataclass(frozen=True, slots=True)
class Part:
    """Which accounts and entries to read: all, those of some accounts, or what came after."""

    accounts: str = ""
    entries: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    from_within: bool = False  # chains are followed from where they were, not from their start

    @classmethod
    def of(cls, account_ids: Sequence[str]) -> "Part":
        names = ", ".join(f":a{n}" for n in range(len(account_ids)))
        values = {f"a{n}": id for n, id in enumerate(account_ids)}
        return cls(f"WHERE id IN ({names})", f"WHERE e.account_id IN ({names})", values)

    @classmethod
    def after(cls, size: int) -> "Part":
        late = f"transaction_id > {size:d}"
        touched = f"WHERE id IN (SELECT account_id FROM entries WHERE {late})"
        return cls(touched, f"WHERE e.{late}", from_within=True)


def check_accounts(source: Source, part: Part, tick: Tick) -> None:
    """Every account's row must be what its entries add up to. Raises RowBroken."""
    rows = source.rows(
        "SELECT id, kind, floor, balance, held, seq, head FROM accounts "
        f"{part.accounts} ORDER BY id{source.collate}",
        **part.values,
    )
    row = next(rows, None)
    for account_id, standing in _standings(source, part, tick):
        if row is not None and row[0] < account_id:
            raise RowBroken("accounts", row[0], "has no entries")
        if row is None or row[0] != account_id:
            raise RowBroken(
                "accounts", account_id, f"is missing, and it has {standing.seq} entries"
            )
        _compare(row, standing)
        row = next(rows, None)
    if row is not None:
        raise RowBroken("accounts", row[0], "has no entries")


def _standings(source: Source, part: Part, tick: Tick) -> Iterator[tuple[str, Standing]]:
    entries = source.rows(
        "SELECT e.account_id, e.seq, e.amount, e.held_delta, e.balance, e.chain, t.leaf "
        "FROM entries e LEFT JOIN transactions t ON t.id = e.transaction_id "
        f"{part.entries} ORDER BY e.account_id{source.collate}, e.seq",
        **part.values,
    )
    read = 0
    for account_id, mine in groupby(entries, key=itemgetter(0)):
        standing = Standing()
        for row in mine:
            if part.from_within and standing.seq == 0 and row[1] > 1:
                standing = _before(source, account_id, row[1])
            _follow(standing, row)
            read += 1
        if read >= TICK:
            tick(read)
            read = 0
        yield account_id, standing
    tick(read)


def _before(source: Source, account_id: str, seq: int) -> Standing:
    """The account as it was before entry `seq`, taken as it is stored."""
    row = source.one(
        "SELECT balance, chain, (SELECT sum(held_delta) FROM entries "
        "WHERE account_id = :account AND seq < :seq) FROM entries "
        "WHERE account_id = :account AND seq = :seq - 1",
        account=account_id,
        seq=seq,
    )
    if row is None:
        raise RowBroken("entries", f"{account_id} {seq - 1}", f"is missing: {seq} follows")
    return Standing(row[0], int(row[2]), seq - 1, row[1])


def _follow(standing: Standing, row: Any) -> None:
    account_id, seq, amount, held, balance, link, leaf = row
    standing.seq += 1
    if seq != standing.seq:
        raise RowBroken("entries", f"{account_id} {standing.seq}", f"is missing: {seq} follows")
    if leaf is None:
        raise RowBroken("entries", f"{account_id} {seq}", "its transaction is not there")
    try:
        standing.balance += amount
        standing.held += held
        standing.head = chain(standing.head, leaf)
    except TypeError:
        raise RowBroken("entries", f"{account_id} {seq}", "cannot be read") from None
    if balance != standing.balance:
        what = f"says balance {balance} and the entries up to it make {standing.balance}"
        raise RowBroken("entries", f"{account_id} {seq}", what)
    if link != standing.head:
        raise RowBroken("entries", f"{account_id} {seq}", "does not continue its account's chain")


def _compare(row: Any, standing: Standing) -> None:
    id, kind, floor, balance, held, seq, head = row
    if kind != id.split(":", 1)[0] or floor != (None if kind == "debt" else 0):
        raise RowBroken("accounts", id, f"kind {kind!r} with floor {floor} is not its own")
    for name, says, makes in (
        ("balance", balance, standing.balance),
        ("held", held, standing.held),
        ("seq", seq, standing.seq),
    ):
        if says != makes:
            raise RowBroken("accounts", id, f"says {name} {says} and its entries make {makes}")
    if head != standing.head:
        raise RowBroken("accounts", id, "its receipt is not the end of its chain")
    below = balance > 0 or held if kind == "debt" else held < 0 or balance < held
    if below:
        raise RowBroken("accounts", id, f"must not stand at {balance} with {held} held")
