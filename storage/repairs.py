"""The Repairs port: refused events kept, things put back in line, jobs and their items as rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from loyalty.errors import Unknown, WrongState
from loyalty.programme import Programme
from loyalty.refused_event import RefusedEvent
from loyalty.repairs import ListName, RepairItem, RepairJob
from storage.message_line import SqlMessageLine
from storage.rows import InsertOnce, Shape
from storage.tables import outbox, refused_events, repair_items, repair_jobs, set_aside

_event = Shape(RefusedEvent, refused_events)
_job = Shape(RepairJob, repair_jobs)
_item = Shape(RepairItem, repair_items)
_set_aside = InsertOnce(set_aside)
_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_RENEWED = ("kind", "member_id", "body", "code", "detail", "errors", "facts", "last_at")


class SqlRepairs:
    """On one transaction's connection; `now` is its instant."""

    def __init__(self, connection: Connection, programme: Programme, now: datetime) -> None:
        self._connection = connection
        self._programme = programme
        self._now = now

    # --- what was refused, and what goes back in line ---------------------------------------

    def refused(self, source: str, event_id: str) -> RefusedEvent | None:
        r = refused_events.c
        query = select(*_event.columns).where(r.source == source, r.event_id == event_id)
        row = self._connection.execute(query).one_or_none()
        return RefusedEvent(*row) if row else None

    def add_refused(self, event: RefusedEvent) -> None:
        """Keep a refused event; one that came before is counted and its reason renewed."""
        values = _event.values(event) | {"body": dict(event.body), "facts": dict(event.facts)}
        dates = {"first_at": self._now, "last_at": self._now, "times": 1}
        made = _INSERT[self._connection.dialect.name](refused_events).values(values | dates)
        again: dict[str, Any] = {name: made.excluded[name] for name in _RENEWED}
        again["times"] = refused_events.c.times + 1
        self._connection.execute(
            made.on_conflict_do_update(index_elements=["source", "event_id"], set_=again)
        )

    def resend(self, key: str) -> None:
        SqlMessageLine(self._connection, self._programme, self._now).resend(key)

    def revive(self, row: int) -> None:
        """Put an outbox row that was given up on in line again, as if it had never been tried."""
        o = outbox.c
        query = select(o.sent_at, o.dead_at).where(o.id == row).with_for_update()
        found = self._connection.execute(query).one_or_none()
        if found is None:
            raise Unknown("outbox row", str(row))
        if found.sent_at is not None or found.dead_at is None:
            raise WrongState(f"Outbox row {row} was not given up on.", row=row)
        back = {"dead_at": None, "attempts": 0, "available_at": self._now}
        self._connection.execute(update(outbox).where(o.id == row).values(back))

    def set_aside(self, list: ListName, target: str, reason: str, actor: str) -> None:
        row = {"list": list, "target": target, "at": self._now, "actor": actor, "reason": reason}
        _set_aside(self._connection, row)

    # --- jobs -------------------------------------------------------------------------------

    def job(self, id: str) -> RepairJob | None:
        query = select(*_job.columns).where(repair_jobs.c.id == id)
        row = self._connection.execute(query).one_or_none()
        return RepairJob(*row) if row else None

    def lock_job(self, id: str) -> RepairJob:
        query = select(*_job.columns).where(repair_jobs.c.id == id).with_for_update()
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise Unknown("job", id)
        return RepairJob(*row)

    def add_job(self, job: RepairJob, targets: Sequence[str]) -> None:
        self._connection.execute(insert(repair_jobs), _job.values(job))
        items = [RepairItem(job.id, number, each) for number, each in enumerate(targets, 1)]
        self._connection.execute(insert(repair_items), [_item.values(each) for each in items])

    def save_job(self, job: RepairJob) -> None:
        values = _job.values(job)
        self._connection.execute(
            update(repair_jobs).where(repair_jobs.c.id == values.pop("id")).values(values)
        )

    def anything_due(self) -> bool:
        j = repair_jobs.c
        due = select(j.id).where(j.state == "running", j.next_at <= self._now).limit(1)
        return self._connection.execute(due).one_or_none() is not None

    def due_item(self) -> tuple[RepairJob, RepairItem] | None:
        """The first waiting item of a job that is due; jobs in other hands are passed over."""
        j, i = repair_jobs.c, repair_items.c
        due = (
            select(*_job.columns)
            .where(j.state == "running", j.next_at <= self._now)
            .order_by(j.next_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = self._connection.execute(due).one_or_none()
        if row is None:
            return None
        job = RepairJob(*row)
        first = (
            select(*_item.columns)
            .where(i.job_id == job.id, i.state == "waiting")
            .order_by(i.number)
            .limit(1)
        )
        return job, RepairItem(*self._connection.execute(first).one())

    def item(self, job_id: str, number: int) -> RepairItem:
        i = repair_items.c
        query = select(*_item.columns).where(i.job_id == job_id, i.number == number)
        return RepairItem(*self._connection.execute(query).one())

    def save_item(self, item: RepairItem) -> None:
        i = repair_items.c
        changed = {"state": item.state, "outcome": item.outcome, "at": item.at}
        self._connection.execute(
            update(repair_items)
            .where(i.job_id == item.job_id, i.number == item.number)
            .values(changed)
        )
