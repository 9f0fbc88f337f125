"""Regular care: lapsed points, tiers, reservations, forgotten runs, the log's seal, and our lag."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities.upkeep import UpkeepBrief, UpkeepReport
from bootstrap.expiry_care import Expiries
from bootstrap.sealing import Seal
from bootstrap.tier_review import TierReviews
from loyalty.exchange_order import settle
from loyalty.ports import Clock
from loyalty.reconcile import look_again, look_again_at_campaign
from loyalty.repairs import STUCK_AFTER
from loyalty.sealing.broken import SealBroken
from storage.proof import prove
from storage.queries import upkeep as queries
from storage.queries.operations import outbox_lag
from storage.store import SqlStore
from storage.verifications import last_verification, note_proof

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("milepost.upkeep")

WORKFLOW_ID = "upkeep"
PAGE = 200
PROVED_EVERY = timedelta(hours=24)
CLAIM_GRACE = timedelta(minutes=1)
"""An order gives its own reservation back at its deadline; upkeep comes after it."""


class Care:
    """One round after the other over one store; every member is a transaction of its own."""

    def __init__(self, store: SqlStore, clock: Clock, seal: Seal | None = None) -> None:
        self._store = store
        self._clock = clock
        self._seal = seal
        self._review_tiers = TierReviews(store)
        self._expire = Expiries(store)

    def __call__(self) -> UpkeepReport:
        now = self._clock.now()
        lag = self._read(outbox_lag, now)
        lapsed, noticed, prolonged = self._expire(now)
        report = UpkeepReport(
            lapsed_members=lapsed,
            noticed_members=noticed,
            prolonged_members=prolonged,
            overdue_claims=self._give_back(now),
            reviewed_tiers=self._review_tiers(now),
            restarted_runs=self._restart_runs(now),
            restarted_campaigns=self._restart_campaigns(now),
            outbox_due=lag["due"],
            outbox_seconds=max(lag["seconds"], 0.0),
            outbox_dead=lag["dead"],
            broken_sums=self._prove(now),
            sealed=self._seal_log(),
        )
        self._tell(report)
        return report

    def _give_back(self, now: datetime) -> int:
        overdue = self._read(queries.overdue_claims, now - CLAIM_GRACE)
        for claim_id in overdue:
            self._store.run(partial(settle, claim_id=claim_id, turn=0))
        return len(overdue)

    def _restart_runs(self, now: datetime) -> int:
        stuck = self._read(queries.stuck_runs, now, now - STUCK_AFTER, PAGE)
        return sum(self._store.run(partial(look_again, enrolment_id=run)) for run in stuck)

    def _restart_campaigns(self, now: datetime) -> int:
        stuck = self._read(queries.stuck_campaigns, now, now - STUCK_AFTER)
        return sum(
            self._store.run(partial(look_again_at_campaign, campaign_id=each)) for each in stuck
        )

    def _seal_log(self) -> int:
        """What cannot be signed now is signed in the next round; the other care goes on."""
        try:
            return (self._seal().size or 0) if self._seal else 0
        except (SealBroken, SQLAlchemyError):
            log.exception("the log could not be sealed")
            return 0

    def _prove(self, now: datetime) -> int:
        """Once a day: add the ledger up again, and keep how it ended."""
        last = self._read(last_verification, "sums")
        if last is not None and now - last["at"] < PROVED_EVERY:
            return 0
        begun = time.monotonic()
        proof = self._read(prove)
        took = time.monotonic() - begun
        self._store.database.run(lambda found: note_proof(found, proof, now, took))
        if not proof.ok:
            log.error("the ledger does not add up: %s", proof.first_broken)
        return sum(each.broken is not None for each in proof.checks)

    def _read(
        self, question: Callable[Concatenate[Connection, P], T], *args: P.args, **more: P.kwargs
    ) -> T:
        with self._store.database.read() as connection:
            return question(connection, *args, **more)

    def _tell(self, report: UpkeepReport) -> None:
        if report.outbox_dead:
            log.error("%s outbox rows were given up on: `milepost outbox`", report.outbox_dead)
        if report.restarted_runs or report.restarted_campaigns:
            log.warning(
                "started again what nothing would have woken: %s runs, %s campaigns",
                report.restarted_runs,
                report.restarted_campaigns,
            )


async def start_upkeep(client: Client, task_queue: str) -> None:
    """See to it that the care runs; one that does is left as it is."""
    await client.start_workflow(
        "upkeep",
        UpkeepBrief(),
        id=WORKFLOW_ID,
        task_queue=task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary="Regular care",
    )
