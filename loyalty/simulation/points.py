"""Points in a simulation: today's books, and beside them what the simulation gives and takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from loyalty.coming_expiry import balance_of
from loyalty.ledger import Balance, Posted

if TYPE_CHECKING:
    from loyalty.simulation.paper import Paper


@dataclass(frozen=True, slots=True)
class Credit:
    """Points that the simulation gave, or took back."""

    key: str
    member_id: str
    points: int
    kind: str
    at: datetime
    expires_at: datetime | None
    available_at: datetime | None
    campaign_id: str | None
    meta: Mapping[str, Any]


@dataclass(slots=True)
class PaperLedger:
    """What is in the books today, and what the simulation adds."""

    paper: "Paper"
    credits: dict[str, Credit] = field(default_factory=dict)
    known: dict[str, Balance] = field(default_factory=dict)

    def earn(  # noqa: PLR0913 - the port's own
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
        now = self.paper.now
        if source == "purchase" and self.paper.real.members.get(member_id):
            # Who buys is no longer inactive: what has no date does not lapse for now.
            self.known[member_id] = self.paper.real.ledger.balance(member_id)
        self.credits.setdefault(
            key,
            Credit(
                key, member_id, points, kind, now, expires_at, available_at, campaign_id, meta or {}
            ),
        )
        return self._posted(key, kind, member_id, points)

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
        given = self.credits.get(transaction_key)
        if given is not None:
            member_id, back = given.member_id, points or given.points
        else:
            posted = self.paper.real.ledger.transaction(transaction_key)
            member_id, back = posted.member_id, points or posted.points
        now = self.paper.now
        self.credits.setdefault(
            key, Credit(key, member_id, -back, "reverse", now, None, None, None, meta or {})
        )
        return self._posted(key, "reverse", member_id, back)

    def transfer(
        self,
        key: str,
        member_id: str,
        to_member_id: str,
        points: int,
        *,
        kind: str,
        everything: bool,
    ) -> Posted:
        """What was taken from the books of who was merged is taken from who lives on."""
        for each in self.credits.values():
            if each.member_id == member_id:
                self.credits[each.key] = replace(each, member_id=to_member_id)
        return self._posted(key, kind, member_id, points)

    def balance(self, member_id: str) -> Balance:
        """Today's balance, less what has lapsed by the simulated instant, more what was given.

        What is owed takes its part of what is given, as in the books.
        """
        if member_id not in self.known:
            self.known[member_id] = self._today(member_id)
        now, books = self.paper.now, self.known[member_id]
        mine = [c for c in self.credits.values() if c.member_id == member_id]
        live = [c for c in mine if c.expires_at is None or c.expires_at > now]
        lapsed = sum(points for at, points in books.next_expiry if at <= now)
        opened = sum(points for at, points in books.pending if at <= now)
        free = sum(c.points for c in live if c.available_at is None or c.available_at <= now)
        repaid = min(books.debt, sum(c.points for c in mine if c.points > 0))
        coming = [(at, points) for at, points in books.next_expiry if at > now]
        coming += [(c.expires_at, c.points) for c in live if c.expires_at and c.points > 0]
        return Balance(
            posted=books.posted - lapsed + sum(c.points for c in live) - repaid,
            held=books.held,
            available=max(books.available - lapsed + opened + free - repaid, 0),
            debt=books.debt - repaid,
            next_expiry=sorted(coming),
            pending=[(at, points) for at, points in books.pending if at > now],
        )

    def balances(self, member_ids: Sequence[str]) -> Mapping[str, Balance]:
        return {member_id: self.balance(member_id) for member_id in member_ids}

    def undated(self, member_id: str) -> int:
        """None: what lapses without a date stands in the balance by its day."""
        return 0

    def _today(self, member_id: str) -> Balance:
        real = self.paper.real
        member = real.members.get(member_id)
        return real.ledger.balance(member_id) if member is None else balance_of(real, member)

    def _posted(self, key: str, kind: str, member_id: str, points: int) -> Posted:
        after = self.balance(member_id)
        return Posted(key, kind, member_id, points, after.posted, after.available, self.paper.now)
