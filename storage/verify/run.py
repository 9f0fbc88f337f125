"""Verify a whole ledger, one part of it, or what came after a checkpoint: the checks in order."""

from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import Any, Literal

from loyalty.errors import Unknown
from loyalty.sealing.signing_keys import VerifierKey
from storage.verify.accounts import Part
from storage.verify.books import LOTS, books_and_lots, check_books, finding
from storage.verify.broken import Broken, Finding, RowBroken
from storage.verify.claims import Claim, external_claims, in_order, stored_claims
from storage.verify.holds import check_holds
from storage.verify.log import LogWalk, Tick, recheck
from storage.verify.lots import check_lots
from storage.verify.source import Source, opened_source

CHECKPOINTS_SIGNED = "checkpoints are signed by the log's key"
LEAVES = "every transaction is what was sealed, and moved its lots as its entries say"
HEAD = "the log's head is the tree of its transactions"
PAGES = "kept roots of the log's pages are those of its transactions"
AGREED = "the log still holds what every checkpoint says"
HOLDS = "holds are what their transactions made of them"

BIG = 50_000
"""Transactions from which on a second process is worth its start."""
LAST = 2**62
"""Beyond every transaction there can be."""

Progress = Callable[[int, int], None]
"""Told how many rows are read, and of how many."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to verify. `account` is an account's or a member's id; `since` a size of the log.

    `keys` check checkpoints' signatures; without any, checkpoints are compared unsigned. `external`
    are the texts of checkpoint files that were kept elsewhere.
    """

    keys: tuple[VerifierKey, ...] = ()
    external: tuple[str, ...] = ()
    account: str | None = None
    since: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. `sealed` is how many transactions the largest checkpoint covers."""

    scope: str
    transactions: int
    entries: int
    size: int
    root: str
    checkpoints: int
    sealed: int
    signatures: Literal["checked", "not checked"]
    findings: tuple[Finding, ...]

    @property
    def first_broken(self) -> Broken | None:
        return next((each.broken for each in self.findings if each.broken), None)

    @property
    def ok(self) -> bool:
        return self.first_broken is None

    def to_json(self) -> dict[str, Any]:
        first = self.first_broken
        return {"ok": self.ok, "first_broken": asdict(first) if first else None} | asdict(self)


def verify(url: str, wanted: Wanted, progress: Progress = lambda done, total: None) -> Report:
    """Check the ledger in the database at `url`, reading only."""
    with opened_source(url) as source:
        return _Run(url, source, wanted, progress).report()


class _Run:
    def __init__(self, url: str, source: Source, wanted: Wanted, progress: Progress) -> None:
        self._url = url
        self._source = source
        self._wanted = wanted
        self._progress = progress
        self._findings: list[Finding] = []
        self._transactions = source.count("transactions")
        self._entries = source.count("entries")
        self._done = 0
        self._ids = _accounts(wanted.account)
        self._claims: list[Claim] = []

    def report(self) -> Report:
        if self._ids or self._wanted.since or self._transactions < BIG:
            return self._report(None)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as second:
            return self._report(second.submit(books_and_lots, self._url))

    def _report(self, elsewhere: "Future[list[Finding]] | None") -> Report:
        source, wanted, tick, found = self._source, self._wanted, self._tick, self._findings
        found.append(finding(CHECKPOINTS_SIGNED, self._read_claims))
        walk = LogWalk(in_order(self._claims), tick)
        found.append(finding(LEAVES, lambda: self._walk(walk)))
        broken = found[-1].state != "ok"
        found.append(finding(HEAD, lambda: walk.compare_head(source), unless=broken))
        found.append(finding(PAGES, lambda: walk.compare_pages(source), unless=broken))
        # A tree that ends at a broken row says nothing about checkpoints beyond it.
        beyond = broken and walk.disputed is None
        found.append(finding(AGREED, walk.compare_claims, unless=beyond))
        member = self._ids[0].split(":", 1)[1] if self._ids else None
        late = bool(wanted.since)
        part = self._part()
        found += (
            elsewhere.result()
            if elsewhere
            else check_books(source, part, tick, all_keys=not (late or member))
        )
        if found[-1].check != LOTS:
            found.append(finding(LOTS, lambda: check_lots(source, member), unless=late or broken))
        found.append(finding(HOLDS, lambda: check_holds(source, member), unless=late or broken))
        self._progress(self._total, self._total)
        return Report(
            scope=wanted.account or (f"since {wanted.since}" if late else "full"),
            transactions=self._transactions,
            entries=self._entries,
            size=walk.log.size,
            root=walk.log.root().hex(),
            checkpoints=len(self._claims),
            sealed=max((claim.size for claim in self._claims), default=0),
            signatures="checked" if wanted.keys else "not checked",
            findings=tuple(self._findings),
        )

    def _read_claims(self) -> None:
        """All that are well signed are compared, also where another one is not."""
        keys = self._wanted.keys
        wrong: list[RowBroken] = []
        for claims in (
            stored_claims(self._source, keys),
            *(external_claims(text, keys) for text in self._wanted.external),
        ):
            try:
                for claim in claims:
                    self._claims.append(claim)
            except RowBroken as found:
                wrong.append(found)
        if wrong:
            raise wrong[0]

    def _walk(self, walk: LogWalk) -> None:
        since = self._wanted.since
        if self._ids:
            walk.take_stored(self._source, LAST)
            if not recheck(self._source, self._ids):
                raise Unknown("account", " or ".join(self._ids))
            return
        walk.take_stored(self._source, since)
        if walk.log.size < since:
            raise RowBroken("transactions", walk.log.size + 1, "is missing: the log ends before it")
        walk.rebuild(self._source, since)

    def _part(self) -> Part:
        if self._ids:
            return Part.of(self._ids)
        return Part.after(self._wanted.since) if self._wanted.since else Part()

    @property
    def _total(self) -> int:
        return self._transactions + self._entries

    @property
    def _tick(self) -> Tick:
        def tick(rows: int) -> None:
            self._done += rows
            self._progress(min(self._done, self._total), self._total)

        return tick


def _accounts(account: str | None) -> tuple[str, ...]:
    """A member's two accounts, or the one that is named; its member is behind the colon."""
    if account is None:
        return ()
    kind, colon, _ = account.partition(":")
    if colon and kind in ("member", "debt"):
        return (account,)
    return (f"member:{account}", f"debt:{account}")
