"""The points ledger on the database: one face for earning, spending, holding and taking back.

Every posting has a key that its caller knew before; the same key again gives the same answer. The
caller owns the transaction and commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from loyalty.book import Book, Hold, Lot, lapsed
from loyalty.errors import Invalid, KeyReused, Unknown
from loyalty.ledger import (
    UNDATED,
    Adjust,
    Balance,
    Burn,
    Confirm,
    Earn,
    Expire,
    Forfeit,
    Posted,
    Prolong,
    Release,
    Request,
    Reserve,
    Reverse,
    StatementLine,
    Transfer,
    body_hash,
)
from loyalty.posting import decide, transfer
from storage.books import Books
from storage.postings import Record, account_id, answer_for
from storage.statements import balance_of, balances, given_back, statement
from storage.tables import lots
from storage.undo import Undo

# Room is left in the column for the prefixes that the ledger puts before a key of its own.
KEY_MAX = 240
_UNDATED = select(func.sum(lots.c.remaining - lots.c.held)).where(
    lots.c.account_id == bindparam("account"),
    lots.c.expires_at == UNDATED,
    lots.c.available_at <= bindparam("now"),
)


class SqlLedger:
    """The ledger inside one open transaction. `now` is the instant postings are judged by."""

    def __init__(self, connection: Connection, books: Books, now: datetime) -> None:
        self._connection = connection
        self._books = books
        self._now = now

    def earn(  # noqa: PLR0913 - a posting says much
        self,
        key: str,
        member_id: str,
        points: int,
        *,
        kind: str = "earn",
        expires_at: datetime | None = None,
        source: str = "purchase",
        campaign_id: str | None = None,
        effective_at: datetime | None = None,
        available_at: datetime | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Posted:
        """Give points out; `kind` is `earn` for purchases and `grant` for gifts."""
        request = Earn(
            member_id, points, kind, expires_at, source, campaign_id, effective_at, available_at
        )
        return self._post(key, request, member_id, campaign_id=campaign_id, meta=meta)

    def burn(
        self, key: str, member_id: str, points: int, *, meta: Mapping[str, Any] | None = None
    ) -> Posted:
        """Spend points, those that lapse soonest first."""
        return self._post(key, Burn(member_id, points), member_id, meta=meta)

    def hold(self, key: str, member_id: str, points: int, *, expires_at: datetime) -> Posted:
        """Set points aside until `expires_at`; the hold's id is its key."""
        return self._post(key, Reserve(member_id, points, key, expires_at), member_id, hold_id=key)

    def confirm(self, hold_id: str, key: str, points: int | None = None) -> Posted:
        """Spend what was held, all or a part; the rest goes back."""
        return self._settle(key, Confirm(hold_id, points))

    def release(self, hold_id: str, key: str) -> Posted:
        """Give a hold back. One that was given back before stays so: the first answer returns."""
        return self._settle(key, Release(hold_id))

    def free_overdue(self, member_id: str, *, but: str | None = None) -> int:
        """Give holds back that are past their deadline, as any posting does before it; how many."""
        self._books.book(member_id)
        late = [id for id in self._books.overdue(member_id, self._now) if id != but]
        for hold_id in late:
            found = self._books.hold(hold_id)
            state = self._books.book(member_id)._replace(hold=found[1] if found else None)
            key = f"overdue:{hold_id}"
            self._write(key, Release(hold_id), member_id, state, hold_id=hold_id)
        return len(late)

    def reverse(
        self,
        key: str,
        transaction_key: str,
        points: int | None = None,
        policy: str = "debt",
        *,
        reinstate_until: datetime | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Posted:
        """Undo a transaction, all that is left of it or a part, and name it.

        `reinstate_until`: where the shop is at fault, what lapsed meanwhile lives on (rule 7).
        """
        original = self._found(transaction_key)
        request = Reverse(transaction_key, points, policy, reinstate_until)
        known = self._open(key, request, original.posted.member_id)
        if known:
            return known
        book = self._books.book(original.posted.member_id)
        state = book._replace(original=self._books.original(original))
        return self._write(
            key, request, original.posted.member_id, state, reverses=original, meta=meta
        )

    def expire(
        self, member_id: str, before: datetime, key: str | None = None, *, undated: int = 0
    ) -> Posted | None:
        """Break what lapsed up to `before` and is not held; none when there is nothing."""
        key = key or f"expire:{member_id}:{before.isoformat()}"
        request = Expire(member_id, before, undated or None)
        known = self._open(key, request, member_id)
        book = self._books.book(member_id)
        if known or not (undated or lapsed(book.lots.values(), before)):
            return known
        return self._write(key, request, member_id, book)

    def prolong(
        self, key: str, member_id: str, expires_at: datetime, until: datetime, points: int
    ) -> Posted:
        """Let so many of those that would lapse at one instant live until another (rule 8)."""
        return self._post(key, Prolong(member_id, expires_at, until, points), member_id)

    def lapsing(self, member_id: str, until: datetime) -> Sequence[tuple[datetime, int]]:
        """Free points by the instant they lapse, up to `until`, lapsed ones too; by date."""
        sums: dict[datetime, int] = {}
        for lot in lapsed(self._lots(member_id), until):
            sums[lot.expires_at] = sums.get(lot.expires_at, 0) + lot.free
        return sorted(sums.items())

    def undated(self, member_id: str) -> int:
        """Points without a date that can be spent now."""
        if self._books.known(member_id):
            mine = (lot for lot in self._lots(member_id) if lot.live(self._now))
            return sum(lot.free for lot in mine if lot.expires_at == UNDATED)
        asked = {"account": account_id("member", member_id), "now": self._now}
        return int(self._connection.execute(_UNDATED, asked).scalar_one() or 0)

    def undated_given_at(self, member_id: str) -> datetime | None:
        """When the member, or who was merged into them, was last given points without a date."""
        return self._books.given_at(member_id)

    def _lots(self, member_id: str) -> list[Lot]:
        """A member's lots; a hold past its deadline counts as given back."""
        return given_back(self._books.book(member_id), self._overdue(member_id))

    def _overdue(self, member_id: str) -> list[Hold]:
        found = [self._books.hold(id) for id in self._books.overdue(member_id, self._now)]
        return [hold[1] for hold in found if hold]

    def transfer(
        self,
        key: str,
        member_id: str,
        to_member_id: str,
        points: int,
        *,
        kind: str = "transfer",
        everything: bool = False,
        meta: Mapping[str, Any] | None = None,
    ) -> Posted:
        """Hand points to another member; each keeps its expiry. `everything` merges two books."""
        request = Transfer(member_id, to_member_id, points, kind, everything or None)
        self._books.load((member_id, to_member_id))
        known = self._open(key, request, member_id) or self._open(key, request, to_member_id)
        if known:
            return known
        giver, taker = self._books.book(member_id), self._books.book(to_member_id)
        posting = transfer(request, giver, taker, self._now)
        posted = answer_for(key, member_id, posting, self._now, meta=meta)
        return self._books.post(posting, Record(posted, body_hash(request), []), to_member_id)

    def adjust(
        self,
        key: str,
        member_id: str,
        points: int,
        *,
        expires_at: datetime | None = None,
        meta: Mapping[str, Any],
    ) -> Posted:
        """Correct a balance by hand; `meta` names the reason and who asked and agreed (rule 15)."""
        return self._post(key, Adjust(member_id, points, expires_at), member_id, meta=meta)

    def forfeit(self, key: str, member_id: str, *, meta: Mapping[str, Any] | None = None) -> Posted:
        """Break everything a member has who leaves."""
        return self._post(key, Forfeit(member_id), member_id, meta=meta)

    def balance(self, member_id: str) -> Balance:
        """What a member has now: posted, held, available, owed, and every coming expiry."""
        return self.balances([member_id])[member_id]

    def balances(self, member_ids: Sequence[str]) -> Mapping[str, Balance]:
        """The same for many members in three queries; members without postings have nothing."""
        here = {member for member in member_ids if self._books.known(member)}
        there = [member for member in member_ids if member not in here]
        found = dict(balances(self._connection, there, self._now)) if there else {}
        for member in here:
            book = self._books.book(member)
            found[member] = balance_of(book, self._overdue(member), self._now)
        return found

    def statement(
        self, member_id: str, limit: int = 50, before_seq: int | None = None
    ) -> list[StatementLine]:
        """A member's lines, newest first; `before_seq` continues an earlier page."""
        return statement(self._connection, member_id, limit, before_seq)

    def transaction(self, key: str) -> Posted:
        """The answer given for a key."""
        return replace(self._found(key).posted, replayed=True)

    # --- one posting ---------------------------------------------------------------------------

    def _found(self, key: str) -> Record:
        record = self._books.record(key)
        if record is None:
            raise Unknown("transaction", key)
        return record

    def _open(
        self, key: str, request: Request | Transfer, member_id: str, keep_hold: str | None = None
    ) -> Posted | None:
        """Lock the book, then look the key up, then give overdue holds back."""
        if not 0 < len(key) <= KEY_MAX:
            message = f"must have 1 to {KEY_MAX} characters"
            problem = {"field": "key", "code": "length", "message": message}
            raise Invalid("A posting needs a key of its own.", [problem])
        self._books.book(member_id)
        if known := self._books.record(key):
            if known.body_hash != body_hash(request):
                raise KeyReused("posting", key)
            return replace(known.posted, replayed=True)
        self.free_overdue(member_id, but=keep_hold)
        return None

    def _post(self, key: str, request: Request, member_id: str, **more: Any) -> Posted:
        known = self._open(key, request, member_id)
        if known:
            return known
        return self._write(key, request, member_id, self._books.book(member_id), **more)

    def _write(  # noqa: PLR0913 - a posting says much
        self,
        key: str,
        request: Request,
        member_id: str,
        book: Book,
        *,
        hold_id: str | None = None,
        reverses: Record | None = None,
        campaign_id: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Posted:
        posting = decide(request, book, self._now)
        posted = answer_for(key, member_id, posting, self._now, hold_id=hold_id, meta=meta)
        record = Record(
            posted,
            body_hash(request),
            [],
            effective_at=request.effective_at if isinstance(request, Earn) else None,
            reverses=reverses,
            campaign_id=campaign_id,
        )
        return self._books.post(posting, record)

    def _settle(self, key: str, request: Confirm | Release) -> Posted:
        hold_id = request.hold_id
        found = self._books.hold(hold_id)
        if found is None:
            raise Unknown("hold", hold_id)
        member_id = found[0]
        if not self._books.known(member_id):
            self._books.book(member_id)
            self._books.refresh_hold(hold_id)
        known = self._open(key, request, member_id, keep_hold=hold_id)
        if known:
            return known
        _, hold, settled_by = self._books.hold(hold_id) or found
        if isinstance(request, Release) and hold.status in ("released", "expired") and settled_by:
            return replace(self._found(settled_by).posted, replayed=True)
        state = self._books.book(member_id)._replace(hold=hold)
        return self._write(key, request, member_id, state, hold_id=hold_id)


class WritingLedger(SqlLedger):
    """A ledger by itself, outside a batch: what it posts is written at once."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        books = Books(connection, Undo())
        super().__init__(connection, books, now)

    def _write(self, *args: Any, **more: Any) -> Posted:
        posted = super()._write(*args, **more)
        self._books.flush()
        return posted

    def transfer(self, *args: Any, **more: Any) -> Posted:
        posted = super().transfer(*args, **more)
        self._books.flush()
        return posted
