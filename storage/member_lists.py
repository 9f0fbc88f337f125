"""What one member was given, did and was told, each list from a snapshot of its own."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from loyalty.ports import Clock
from storage.database import Database
from storage.queries import member_lists as lists
from storage.queries.pages import View

T = TypeVar("T")


class SqlMemberLists:
    """Behind the API's `MemberLists`; use from any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def runs(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        return self._look(lambda found: lists.runs_of(found, member_id, after, limit))

    def cards(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        return self._look(lambda found: lists.cards_of(found, member_id, after, limit))

    def coupons(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        return self._look(lambda found: lists.coupons_of(found, member_id, after, limit))

    def receipts(self, member_id: str, *, before: int | None, limit: int) -> Sequence[View]:
        return self._look(lambda found: lists.receipts_of(found, member_id, before, limit))

    def messages(
        self, member_id: str, *, after: str, limit: int, campaign_id: str | None = None
    ) -> Sequence[View]:
        return self._look(
            lambda found: lists.messages_of(found, member_id, after, limit, campaign_id=campaign_id)
        )

    def claims(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        now = self._clock.now()
        return self._look(lambda found: lists.claims_of(found, member_id, after, limit, now))

    def refused_claims(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        return self._look(lambda found: lists.refused_claims_of(found, member_id, after, limit))

    def till_holds(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        now = self._clock.now()
        return self._look(lambda found: lists.till_holds_of(found, member_id, after, limit, now))

    def adjustments(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        return self._look(lambda found: lists.adjustments_of(found, member_id, after, limit))

    def moves(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        return self._look(lambda found: lists.moves_of(found, member_id, after, limit))

    def _look(self, question: Callable[[Connection], T]) -> T:
        with self._database.read() as connection:
            return question(connection)
