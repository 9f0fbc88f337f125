"""The points ledger on the database: one face for earning, spending, holding and taking back.

Every posting has a key that its caller knew before; the same key again gives the same answer. The
caller owns the transaction and commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty.book import Hold, lapsed
from loyalty.errors import Invalid, KeyReused, Unknown
from loyalty.ledger import (
    Balance,
    Burn,
    Confirm,
    Earn,
    Expire,
    Posted,
    Release,
    Request,
    Reserve,
    Reverse,
    StatementLine,
    body_hash,
)
from loyalty.posting import decide
from storage.open_book import OpenBook
from storage.postings import (
    Header,
    load_hold,
    load_original,
    member_of,
    settled_by,
    stored,
)
from storage.statements import balances, statement

# Room is left in the column for the prefixes that the ledger puts before a key of its own.
KEY_MAX = 240


class SqlLedger:
    """The ledger inside one open transaction. `now` is the instant postings are judged by."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
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
        meta: Mapping[str, Any] | None = None,
    ) -> Posted:
        """Give points out; `kind` is `earn` for purchases and `grant` for gifts."""
        request = Earn(member_id, points, kind, expires_at, source, campaign_id, effective_at)
        return self._post(key, request, member_id, campaign_id=campaign_id, meta=meta)

    def burn(
        self, key: str, member_id: str, points: int, *, meta: Mapping[str, Any] | None = None
    ) -> Posted:
        """Spend points, those that lapse soonest first."""
        return self._post(key, Burn(member_id, points), member_id, meta=meta)

    def hold(self, key: str, member_id: str, points: int, *, expires_at: datetime) -> Posted:
        """Set points aside until `expires_at`; the hold's id is its key."""
        request = Reserve(member_id, points, key, expires_at)
        book, known = self._open(key, request, member_id)
        if known:
            return known
        header = self._header(key, request, hold_id=key)
        return book.write(decide(request, book.book, self._now), header)

    def confirm(self, hold_id: str, key: str, points: int | None = None) -> Posted:
        """Spend what was held, all or a part; the rest goes back."""
        return self._settle(key, Confirm(hold_id, points))

    def release(self, hold_id: str, key: str) -> Posted:
        """Give a hold back. One that was given back before stays so: the first answer returns."""
        return self._settle(key, Release(hold_id))

    def reverse(
        self, key: str, transaction_key: str, points: int | None = None, policy: str = "debt"
    ) -> Posted:
        """Undo a transaction, all that is left of it or a part, and name it."""
        original = self.transaction(transaction_key)
        request = Reverse(transaction_key, points, policy)
        book, known = self._open(key, request, original.member_id)
        if known:
            return known
        state = replace(book.book, original=load_original(self._connection, original))
        header = self._header(key, request, reverses=original.transaction_id)
        return book.write(decide(request, state, self._now), header)

    def expire(self, member_id: str, before: datetime, key: str | None = None) -> Posted | None:
        """Break what lapsed up to `before` and is not held; none when there is nothing."""
        key = key or f"expire:{member_id}:{before.isoformat()}"
        request = Expire(member_id, before)
        book, known = self._open(key, request, member_id)
        if known or not lapsed(book.book.lots, before):
            return known
        return book.write(decide(request, book.book, self._now), self._header(key, request))

    def balance(self, member_id: str) -> Balance:
        """What a member has now: posted, held, available, owed, and every coming expiry."""
        return self.balances([member_id])[member_id]

    def balances(self, member_ids: Sequence[str]) -> Mapping[str, Balance]:
        """The same for many members in three queries; members without postings have nothing."""
        return balances(self._connection, member_ids, self._now)

    def statement(
        self, member_id: str, limit: int = 50, before_seq: int | None = None
    ) -> list[StatementLine]:
        """A member's lines, newest first; `before_seq` continues an earlier page."""
        return statement(self._connection, member_id, limit, before_seq)

    def transaction(self, key: str) -> Posted:
        """The answer given for a key."""
        found = stored(self._connection, key)
        if found is None:
            raise Unknown("transaction", key)
        return found[1]

    # --- one posting ---------------------------------------------------------------------------

    def _open(
        self, key: str, request: Request, member_id: str, keep_hold: str | None = None
    ) -> tuple[OpenBook, Posted | None]:
        """Lock the book, then look the key up, then give overdue holds back."""
        if not 0 < len(key) <= KEY_MAX:
            message = f"must have 1 to {KEY_MAX} characters"
            problem = {"field": "key", "code": "length", "message": message}
            raise Invalid("A posting needs a key of its own.", [problem])
        book = OpenBook(self._connection, member_id)
        if known := stored(self._connection, key):
            if known[0] != body_hash(request):
                raise KeyReused("Posting", key)
            return book, known[1]
        for hold_id in book.overdue_holds(self._now):
            if hold_id != keep_hold:
                overdue = Release(hold_id)
                state = replace(book.book, hold=self._hold(hold_id))
                header = self._header(f"overdue:{hold_id}", overdue, hold_id=hold_id)
                book.write(decide(overdue, state, self._now), header)
        return book, None

    def _header(self, key: str, request: Request, **more: Any) -> Header:
        effective_at = request.effective_at if isinstance(request, Earn) else None
        return Header(
            key=key,
            body_hash=body_hash(request),
            now=self._now,
            effective_at=effective_at or self._now,
            **more,
        )

    def _post(
        self,
        key: str,
        request: Request,
        member_id: str,
        *,
        campaign_id: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Posted:
        book, known = self._open(key, request, member_id)
        if known:
            return known
        header = self._header(key, request, campaign_id=campaign_id, meta=meta)
        return book.write(decide(request, book.book, self._now), header)

    def _settle(self, key: str, request: Confirm | Release) -> Posted:
        hold_id = request.hold_id
        member_id = self._holder(hold_id)
        book, known = self._open(key, request, member_id, keep_hold=hold_id)
        if known:
            return known
        hold = self._hold(hold_id)
        if isinstance(request, Release) and hold.status in ("released", "expired"):
            return settled_by(self._connection, hold_id)
        state = replace(book.book, hold=hold)
        header = self._header(key, request, hold_id=hold_id)
        return book.write(decide(request, state, self._now), header)

    def _hold(self, hold_id: str) -> Hold:
        return self._found(hold_id)[1]

    def _holder(self, hold_id: str) -> str:
        return member_of(self._found(hold_id)[0])

    def _found(self, hold_id: str) -> tuple[str, Hold]:
        found = load_hold(self._connection, hold_id)
        if found is None:
            raise Unknown("hold", hold_id)
        return found
