"""Jobs of repairs: started once by their id, carried out one item a time, stopped at any time.

An item's act and the note that it is done are one transaction: whatever dies in between, it is done
once. What refuses an item is written beside it, and the job goes on.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from loyalty.digest import digest
from loyalty.errors import Invalid, KeyReused, WrongState
from loyalty.ports import Transaction
from loyalty.repair_acts import carry_out
from loyalty.repairs import TARGETS_MAX, JobRequest, RepairItem, RepairJob

OUTCOME_MAX = 500
MINUTE = timedelta(minutes=1)
BEHIND = timedelta(seconds=1)
"""A job that was held up goes on at its pace and does not make up for what it missed."""


def repeated(tx: Transaction, request: JobRequest) -> dict[str, Any] | None:
    """The first answer, where this job was started before; raises KeyReused for another one."""
    known = tx.repairs.job(request.id)
    if known is None:
        return None
    if known.body_hash != _hash(request):
        raise KeyReused("job", request.id)
    return answer(known) | {"replayed": True}


def start(
    tx: Transaction, request: JobRequest, targets: Sequence[str], actor: str
) -> dict[str, Any]:
    """Put a job in line over these targets; each is taken once, in their order."""
    if (before := repeated(tx, request)) is not None:
        return before
    frozen = tuple(dict.fromkeys(targets))
    if not 1 <= len(frozen) <= TARGETS_MAX:
        message = f"must be 1 to {TARGETS_MAX:,} things; the list shows {len(frozen):,}"
        problem = {"field": "targets", "code": "targets", "message": message}
        raise Invalid(f"targets {message}.", [problem])
    job = RepairJob(
        id=request.id,
        list=request.list,
        act=request.act,
        reason=request.reason,
        actor=actor,
        at=tx.now,
        pace=request.pace,
        total=len(frozen),
        body_hash=_hash(request),
        next_at=tx.now,
    )
    tx.repairs.add_job(job, frozen)
    said = {"list": job.list, "act": job.act, "total": job.total, "pace": job.pace}
    tx.audit.add(actor, "repair.start", job.id, job.reason, said)
    return answer(job) | {"replayed": False}


def stop(tx: Transaction, job_id: str, reason: str, actor: str) -> dict[str, Any]:
    """Leave the rest of a job undone. What is done stays done; stopping again changes nothing."""
    job = tx.repairs.lock_job(job_id)
    if job.state == "stopped":
        return answer(job)
    if job.state == "done":
        raise WrongState(f"Job {job_id!r} is done: nothing is left to stop.", state=job.state)
    job = replace(job, state="stopped", ended_at=tx.now, stopped_by=actor, stop_reason=reason)
    tx.repairs.save_job(job)
    left = job.total - job.done - job.failed
    tx.audit.add(actor, "repair.stop", job.id, reason, {"left": left})
    return answer(job)


def take(tx: Transaction, job: RepairJob, item: RepairItem) -> None:
    """Act on an item and note it, in one transaction. Raises what refuses it, with nothing done."""
    _note(tx, job, item, "done", carry_out(tx, job, item.target))


def refuse(tx: Transaction, item: RepairItem, why: str) -> None:
    """Note that an item was refused, and go on with the next."""
    job = tx.repairs.lock_job(item.job_id)
    if tx.repairs.item(item.job_id, item.number).state == "waiting":
        _note(tx, job, item, "failed", why)


def _note(tx: Transaction, job: RepairJob, item: RepairItem, state: Any, outcome: str) -> None:
    tx.repairs.save_item(replace(item, state=state, outcome=outcome[:OUTCOME_MAX], at=tx.now))
    failed = state == "failed"
    job = replace(
        job,
        done=job.done + (not failed),
        failed=job.failed + failed,
        next_at=max(job.next_at, tx.now - BEHIND) + MINUTE / job.pace,
    )
    if job.done + job.failed >= job.total and job.state == "running":
        job = replace(job, state="done", ended_at=tx.now)
    tx.repairs.save_job(job)


def _hash(request: JobRequest) -> str:
    return digest(request.model_dump(mode="json"))


def answer(job: RepairJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "list": job.list,
        "act": job.act,
        "state": job.state,
        "total": job.total,
        "done": job.done,
        "failed": job.failed,
        "pace": job.pace,
    }
