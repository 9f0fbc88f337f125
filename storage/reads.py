"""What the API and the command line look at: each question is answered from one snapshot."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from loyalty.finding import Sought
from loyalty.ledger import StatementLine
from loyalty.ports import Clock
from loyalty.records import Decision
from loyalty.repairs import STUCK_AFTER
from loyalty.why_not import Record
from storage.database import Database
from storage.health_reads import SqlHealth
from storage.member_lists import SqlMemberLists
from storage.proofs import SqlProofs
from storage.queries import adjustments, campaigns, figures, members, messages, operations, runs
from storage.queries.find import find
from storage.queries.pages import View
from storage.queries.records import record_of
from storage.queries.slips import slip
from storage.repair_reads import SqlRepairReads
from storage.statements import statement

T = TypeVar("T")


class Search(Protocol):
    """Which runs to find; what is none does not narrow."""

    @property
    def member_id(self) -> str | None: ...
    @property
    def campaign_id(self) -> str | None: ...
    @property
    def state(self) -> str | None: ...
    @property
    def stuck(self) -> bool: ...
    @property
    def after(self) -> str: ...
    @property
    def limit(self) -> int: ...


class SqlReads:
    """Read models behind the API's `Reads`; use from any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.proofs = SqlProofs(database)
        self.repairs = SqlRepairReads(database, clock)
        self.health = SqlHealth(database, clock)
        self.of_member = SqlMemberLists(database, clock)

    def find(self, sought: Sought) -> Sequence[View]:
        return self._look(lambda found: find(found, sought))

    def record_of(self, member_id: str, campaign_id: str) -> Record | None:
        return self._look(lambda found: record_of(found, member_id, campaign_id))

    def slip(self, key: str) -> View | None:
        return self._look(lambda found: slip(found, key))

    def message_text(self, key: str) -> View | None:
        return self._look(lambda found: messages.message_text(found, key))

    def member_view(self, member_id: str) -> View | None:
        return self._look(lambda found: members.member_view(found, member_id))

    def statement(
        self, member_id: str, *, before: int | None, limit: int
    ) -> Sequence[StatementLine]:
        return self._look(lambda found: statement(found, member_id, limit, before))

    def inbox_of(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        return self._look(
            lambda found: messages.inbox_of(found, member_id, after=after, limit=limit)
        )

    def campaigns(
        self,
        *,
        state: str | None,
        after: str,
        limit: int,
        text: str = "",
        awaiting: bool = False,
    ) -> Sequence[View]:
        return self._look(
            lambda found: campaigns.list_campaigns(
                found, state=state, after=after, limit=limit, text=text, awaiting=awaiting
            )
        )

    def campaign_report(self, campaign_id: str) -> View | None:
        return self._look(lambda found: campaigns.campaign_report(found, campaign_id))

    def campaign_figures(self, campaign_id: str) -> View | None:
        now = self._clock.now()
        return self._look(lambda found: figures.campaign_figures(found, campaign_id, now))

    def decisions_of(self, member_id: str, campaign_id: str) -> Sequence[Decision]:
        return self._look(lambda found: runs.decisions_of(found, member_id, campaign_id))

    def search_runs(self, search: Search) -> Sequence[View]:
        stuck_since = self._clock.now() - STUCK_AFTER if search.stuck else None
        narrow: dict[str, Any] = {
            "member_id": search.member_id,
            "campaign_id": search.campaign_id,
            "state": search.state,
            "after": search.after,
            "limit": search.limit,
        }
        return self._look(lambda found: runs.search_runs(found, stuck_since=stuck_since, **narrow))

    def run(self, run_id: str) -> View | None:
        return self._look(lambda found: runs.run(found, run_id))

    def messages_of_run(self, run_id: str) -> Sequence[View]:
        return self._look(lambda found: messages.messages_of_run(found, run_id))

    def transaction(self, key: str) -> View | None:
        return self._look(lambda found: operations.transaction(found, key))

    def adjustments(self, *, status: str | None, after: str, limit: int) -> Sequence[View]:
        return self._look(lambda found: adjustments.list_adjustments(found, status, after, limit))

    def adjustment(self, id: str) -> View | None:
        return self._look(lambda found: adjustments.adjustment(found, id))

    def acts(self, sought: operations.ActsSought) -> Sequence[View]:
        return self._look(lambda found: operations.acts(found, sought))

    def _look(self, question: Callable[[Connection], T]) -> T:
        with self._database.read() as connection:
            return question(connection)
