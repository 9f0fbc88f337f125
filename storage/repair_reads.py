"""What the repair desk looks at: lists, jobs, and how the last verification ended."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Connection, select

from loyalty.ports import Clock
from loyalty.repairs import STUCK_AFTER, ListName, Narrowed
from storage.database import Database
from storage.queries import repairs
from storage.queries.adjustments import count_proposed
from storage.queries.campaigns import count_awaiting
from storage.queries.pages import View, first, newest_first, rows, without
from storage.queries.runs import listed_runs
from storage.tables import repair_items, repair_jobs
from storage.verifications import findings, last_verification

T = TypeVar("T")


class SqlRepairReads:
    """The `Repairs` read models; use from any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def counts(self, lateness: timedelta) -> Mapping[str, int]:
        """How many things each list shows, up to a thousand and one.

        Besides, what waits for a second person: `adjustments` and `launches`.
        """

        def ask(found: Connection) -> Mapping[str, int]:
            asked = self._asked(lateness, Narrowed())
            counted: dict[str, int] = {
                name: repairs.count(found, name, asked) for name in repairs.IN_TABLES
            }
            counted["ledger_mismatches"] = len(findings(found))
            counted["adjustments"] = count_proposed(found)
            counted["launches"] = count_awaiting(found)
            return counted

        return self._look(ask)

    def page(
        self,
        list: ListName,
        lateness: timedelta,
        narrowed: Narrowed,
        *,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[View]:
        if list == "ledger_mismatches":
            return [
                row
                for row in self._mismatches(narrowed)
                if after is None or (row["at"], row["target"]) > after
            ][:limit]
        asked = self._asked(lateness, narrowed)
        if list not in repairs.IN_TABLES:
            return []
        return self._look(lambda found: repairs.page(found, list, asked, after, limit))

    def targets(
        self, list: ListName, lateness: timedelta, narrowed: Narrowed, *, limit: int
    ) -> Sequence[str]:
        if list == "ledger_mismatches":
            return [str(each["target"]) for each in self._mismatches(narrowed)][:limit]
        asked = self._asked(lateness, narrowed)
        return self._look(lambda found: repairs.targets(found, list, asked, limit))

    def runs(self, ids: Sequence[str]) -> Sequence[View]:
        """Of these runs those that have not ended, as rows of a list."""
        return self._look(lambda found: listed_runs(found, ids))

    def jobs(self, *, after: str, limit: int) -> Sequence[View]:
        """Newest first; `after` is the id of the last one seen."""
        query, at, id = select(*_JOB), repair_jobs.c.at, repair_jobs.c.id
        return self._look(lambda found: newest_first(found, query, at, id, after, limit))

    def job(self, id: str) -> View | None:
        return self._look(lambda found: first(found, select(*_JOB).where(repair_jobs.c.id == id)))

    def items(self, job_id: str, *, state: str | None, after: int, limit: int) -> Sequence[View]:
        """A job's items in their order; `after` is the number of the last one seen."""
        i = repair_items.c
        query = select(i.number, i.target, i.state, i.outcome, i.at)
        query = query.where(i.job_id == job_id, i.number > after)
        if state is not None:
            query = query.where(i.state == state)
        return self._look(lambda found: rows(found, query.order_by(i.number).limit(limit)))

    def verification(self, kind: str) -> View | None:
        """The last one of a kind: sums or log."""
        return self._look(lambda found: last_verification(found, kind))

    def _mismatches(self, narrowed: Narrowed) -> Sequence[View]:
        """Oldest first; they are about the whole ledger, so no member and no campaign has any."""
        if narrowed != Narrowed():
            return []
        return sorted(self._look(findings), key=lambda row: (row["at"], row["target"]))

    def _asked(self, lateness: timedelta, narrowed: Narrowed) -> repairs.Asked:
        now = self._clock.now()
        return repairs.Asked(
            now=now,
            lateness=lateness,
            stuck_since=now - STUCK_AFTER,
            dialect=self._database.dialect,
            campaign_id=narrowed.campaign_id,
            member_id=narrowed.member_id,
        )

    def _look(self, question: Callable[[Connection], T]) -> T:
        with self._database.read() as connection:
            return question(connection)


_JOB = without(repair_jobs, "body_hash")
