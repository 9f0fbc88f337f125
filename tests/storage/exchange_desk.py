"""A redemption desk for stories about exchange offers: members with points, one offer, a clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from loyalty import exchange, exchange_order, exchange_window
from loyalty.errors import LoyaltyError
from loyalty.ledger import Balance
from loyalty.offers import ClaimRequest, Fault, OfferSpec, Standing
from storage.reads import SqlReads
from storage.store import SqlStore
from storage.tables import claim_counts, claims, decisions, outbox
from tests.storage.rows import NOON, StillClock, campaign, member

PRICE = 100
HOLD = timedelta(minutes=15)


def spec(**changes: Any) -> OfferSpec:
    plain: dict[str, Any] = {
        "title": {"en": "Soup set", "zh": "煲汤食材包"},
        "sku": "soup",
        "points": PRICE,
        "stock": 5,
        "per_member": 2,
        "hold_seconds": int(HOLD.total_seconds()),
        "opens_at": NOON,
        "closes_at": NOON + timedelta(days=1),
    }
    return OfferSpec(**plain | changes)


@dataclass
class Desk:
    store: SqlStore
    clock: StillClock
    offer_id: str = "gift-day"

    def announce(self, **figures: Any) -> "Desk":
        def work(tx: Any) -> None:
            tx.campaigns.add(campaign(self.offer_id, template="limited_time_exchange"))
            exchange_window.announce_offer(tx, self.offer_id, spec(**figures))

        self.store.run(work)
        return self

    def open(self, **figures: Any) -> "Desk":
        self.announce(**figures)
        self.store.run(lambda tx: exchange_window.open_offer(tx, self.offer_id))
        return self

    def close(self) -> dict[str, Any]:
        return self.store.run(lambda tx: exchange_window.close_offer(tx, self.offer_id))

    def members(self, **points: int) -> "Desk":
        def work(tx: Any) -> None:
            for member_id, some in points.items():
                tx.members.add(member(member_id), "h" * 64, {})
                if some:
                    tx.ledger.earn(f"gift:{member_id}", member_id, some)

        self.store.run(work)
        return self

    def earns(self, member_id: str, *lots: tuple[int, datetime]) -> "Desk":
        """Points that lapse at these instants."""

        def work(tx: Any) -> None:
            for points, until in lots:
                tx.ledger.earn(f"lot:{until}", member_id, points, expires_at=until)

        self.store.run(work)
        return self

    def request(self, member_id: str, request_id: str = "r1", quantity: int = 1) -> ClaimRequest:
        return ClaimRequest(
            request_id=request_id,
            campaign_id=self.offer_id,
            member_id=member_id,
            quantity=quantity,
        )

    def reserve(self, member_id: str, request_id: str = "r1", quantity: int = 1) -> dict[str, Any]:
        request = self.request(member_id, request_id, quantity)
        wants = exchange.claim_wants(request)
        answer = self.store.run(lambda tx: exchange.reserve(tx, request), wants=wants)
        if isinstance(answer, LoyaltyError):
            raise answer
        return answer

    def kept(self, member_id: str) -> list[Any]:
        """What is on record of claims that took nothing, newest first."""
        reads = SqlReads(self.store.database, self.clock)
        return list(reads.of_member.refused_claims(member_id, after="", limit=50))

    def refused(self, act: Any, *arguments: Any) -> str:
        """The code an act is refused with."""
        try:
            act(*arguments)
        except LoyaltyError as refusal:
            return refusal.code
        return "accepted"

    def confirm(self, request_id: str = "r1") -> dict[str, Any]:
        return self.store.run(lambda tx: exchange.confirm(tx, self._claim(request_id)))

    def release(
        self, request_id: str = "r1", fault: Fault = "member", reason: str = "cancelled"
    ) -> dict[str, Any]:
        claim_id = self._claim(request_id)
        return self.store.run(lambda tx: exchange.release(tx, claim_id, fault, reason))

    def settle(self, request_id: str = "r1", turn: int = 0, due: Any = None) -> dict[str, Any]:
        claim_id = self._claim(request_id)
        return self.store.run(lambda tx: exchange_order.settle(tx, claim_id, turn, due))

    def later(self, length: timedelta) -> None:
        self.clock.instant += length

    def standing(self) -> Standing:
        return self.store.read(lambda tx: tx.offers.standing(self.offer_id, tx.now))

    def shown(self) -> dict[str, Any]:
        return self.store.read(lambda tx: exchange_window.offer_answer(tx, self.offer_id))

    def balance(self, member_id: str) -> Balance:
        return self.store.read(lambda tx: tx.ledger.balance(member_id))

    def status(self, request_id: str = "r1") -> str:
        claim = self.store.read(lambda tx: tx.offers.claim(self._claim(request_id)))
        assert claim is not None
        return claim.status

    def counted(self) -> dict[str, int]:
        """The limit rows as they stand in the database."""
        query = select(claim_counts.c.member_id, claim_counts.c.taken).where(
            claim_counts.c.offer_id == self.offer_id, claim_counts.c.taken > 0
        )
        with self.store.database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def claimed(self) -> dict[str, int]:
        """Units of each member in claims that are reserved or confirmed, by their rows."""
        query = (
            select(claims.c.member_id, func.sum(claims.c.quantity))
            .where(
                claims.c.offer_id == self.offer_id,
                claims.c.status.in_(("reserved", "confirmed")),
            )
            .group_by(claims.c.member_id)
        )
        with self.store.database.read() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(query)}

    def sent(self, kind: str) -> list[tuple[str, Any]]:
        """What waits for the relay, in order."""
        query = (
            select(outbox.c.workflow_id, outbox.c.payload)
            .where(outbox.c.kind == kind)
            .order_by(outbox.c.id)
        )
        with self.store.database.read() as connection:
            return [(row[0], row[1]) for row in connection.execute(query)]

    def reasons(self, member_id: str) -> list[str]:
        query = (
            select(decisions.c.reason)
            .where(decisions.c.member_id == member_id)
            .order_by(decisions.c.id)
        )
        with self.store.database.read() as connection:
            return [row[0] for row in connection.execute(query)]

    def _claim(self, request_id: str) -> str:
        return f"{self.offer_id}/{request_id}"
