"""What went wrong in a large programme, and who did what: rows for repair, health and audit."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, Connection, bindparam, insert, select, update

from benchmarks.console_copies import copied_id
from benchmarks.console_story import JOB, WELCOME
from storage.tables import (
    audit,
    claims,
    enrolments,
    inbox,
    messages,
    outbox,
    refused_events,
    repair_items,
    repair_jobs,
    verifications,
)

ACTS = 50_000
APART = 41
"""Not a multiple of the number of lives: whoever has trouble has lived any of them."""


def trouble(connection: Connection, members: int, now: datetime) -> None:
    """One member in forty or so needs a hand; every list that the database answers has some."""
    some = [copied_id(number) for number in range(1, members + 1, APART)]
    for first, status in enumerate(("failed", "unknown", "deferred")):
        _told_badly(connection, some[first::3], status, now)
    _left_lying(connection, some[::3], now)
    refused = {"source": "till-9", "kind": "purchase", "body": {}, "code": "unknown", "times": 1,
               "detail": "There is no such member.", "first_at": now, "last_at": now}  # fmt: skip
    numbers = range(len(some))
    rows = [refused | {"event_id": f"2026/{n}", "member_id": f"nobody-{n}"} for n in numbers]
    connection.execute(insert(refused_events), rows)
    parked = {"kind": "nudge_journey", "payload": {}, "created_at": now, "available_at": now,
              "attempts": 5, "dead_at": now, "last_error": "INVALID_ARGUMENT"}  # fmt: skip
    rows = [parked | {"workflow_id": f"j/{WELCOME}/{id}/once"} for id in some]
    connection.execute(insert(outbox), rows)
    _job(connection, now)
    acts = {"actor": "bench", "action": "run.retry", "reason": "Again", "detail": {}}
    rows = [
        acts | {"target": f"j/{WELCOME}/{copied_id(1 + n % members)}/once",
                "at": now - timedelta(minutes=ACTS - n)}
        for n in range(min(ACTS, members))
    ]  # fmt: skip
    connection.execute(insert(audit), rows)
    proved = {"at": now - timedelta(hours=7), "ok": True, "transactions": 1, "seconds": 9.0}
    kinds = [proved | {"kind": kind, "findings": []} for kind in ("sums", "log")]
    connection.execute(insert(verifications), kinds)


def _told_badly(connection: Connection, ids: Sequence[str], status: str, now: datetime) -> None:
    m = messages.c
    theirs = update(messages).where(m.member_id == bindparam("member"))
    bad = {"channel": "email", "status": status, "last_error": "550 refused"}
    worse = theirs.values(bad | {"due_at": now - timedelta(hours=5)})
    connection.execute(worse, [{"member": id} for id in ids])


def _left_lying(connection: Connection, ids: Sequence[str], now: datetime) -> None:
    """Runs that nobody woke, receipts that came late, claims that nobody gave back."""
    e, i, c = enrolments.c, inbox.c, claims.c
    at = now - timedelta(hours=3)
    member: BindParameter[str] = bindparam("member")
    waiting = {"state": "waiting", "outcome": None, "ended_at": None, "wake_at": at}
    reserved = {"status": "reserved", "expires_at": at}
    for left in (
        update(enrolments).where(e.member_id == member, e.arm == "treated").values(waiting),
        update(inbox).where(i.member_id == member, i.type == "purchase").values(recorded_at=at),
        update(claims).where(c.member_id == member).values(reserved),
    ):
        connection.execute(left, [{"member": id} for id in ids])


def _job(connection: Connection, now: datetime) -> None:
    failed = select(messages.c.key).where(messages.c.status == "failed").order_by(messages.c.key)
    targets = connection.execute(failed.limit(1000)).scalars().all()
    job = {"id": JOB, "list": "failed_messages", "act": "resend", "reason": "It is back",
           "actor": "bench", "at": now, "pace": 60, "total": len(targets), "body_hash": "",
           "state": "running", "done": 0, "failed": 0, "next_at": now}  # fmt: skip
    connection.execute(insert(repair_jobs).values(job))
    items = [
        {"job_id": JOB, "number": n, "target": id, "state": "waiting"}
        for n, id in enumerate(targets)
    ]
    connection.execute(insert(repair_items), items)
