"""Regular care: lapsed points, tiers, reservations, forgotten runs, the log's seal, and our lag."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities.upkeep import UpkeepBrief, UpkeepReport
from bootstrap.expiry_care import Expiries
from bootstrap.overdue_holds import OverdueHolds
from bootstrap.sealing import Seal
from bootstrap.tier_review import TierReviews
from bootstrap.walk import Faults, stopping
from loyalty.exchange_order import settle
from loyalty.ports import Clock, Transaction
from loyalty.reconcile import look_again, look_again_at_campaign
from loyalty.repairs import STUCK_AFTER
from storage.proof import prove
from storage.queries import upkeep as queries
from storage.queries.operations import outbox_lag
from storage.store import SqlStore
from storage.verifications import last_verification, note_proof

P = ParamSpec("P")
T = TypeVar("T")
Figures = Mapping[str, float]
"""Some of a report's figures, by name."""
log = logging.getLogger("milepost.upkeep")

WORKFLOW_ID = "upkeep"
PAGE = 200
PROVED_EVERY = timedelta(hours=24)
GRACE = timedelta(minutes=1)
"""An order gives its own reservation back at its deadline; upkeep comes after it."""


class Care:
    """One round after the other over one store; every member is a transaction of its own."""

    def __init__(self, store: SqlStore, clock: Clock, seal: Seal | None = None) -> None:
        self._store = store
        self._clock = clock
        self._seal = seal
        self._faults = Faults()
        self._tiers = TierReviews(store, self._faults)
        self._expiries = Expiries(store, self._faults)
        self._holds = OverdueHolds(store, self._faults)
        self._parts = (
            self._lag,
            # Before what lapses is looked for: held points neither lapse nor are announced.
            self._free_holds,
            self._expire,
            self._give_back,
            self._review_tiers,
            self._restart_runs,
            self._restart_campaigns,
            self._prove,
            self._seal_log,
        )

    def __call__(self) -> UpkeepReport:
        """One round. What fails stops nothing else: it is due again in the next."""
        now, before = self._clock.now(), self._faults.count
        found: dict[str, float] = {}
        for part in self._parts:
            if stopping():
                break
            with self._faults.noted(part.__name__.strip("_")):
                found |= part(now)
        report = UpkeepReport.model_validate({**found, "failed": self._faults.count - before})
        self._tell(report)
        return report

    def _lag(self, now: datetime) -> Figures:
        lag = self._read(outbox_lag, now)
        return {
            "outbox_due": lag["due"],
            "outbox_seconds": max(lag["seconds"], 0.0),
            "outbox_dead": lag["dead"],
        }

    def _free_holds(self, now: datetime) -> Figures:
        return {"overdue_holds": self._holds(now - GRACE)}

    def _expire(self, now: datetime) -> Figures:
        lapsed, noticed, prolonged = self._expiries(now)
        return {
            "lapsed_members": lapsed,
            "noticed_members": noticed,
            "prolonged_members": prolonged,
        }

    def _give_back(self, now: datetime) -> Figures:
        overdue = self._read(queries.overdue_claims, now - GRACE)
        given = self._each(overdue, lambda tx, id: settle(tx, claim_id=id, turn=0))
        return {"overdue_claims": len(given)}

    def _review_tiers(self, now: datetime) -> Figures:
        return {"reviewed_tiers": self._tiers(now)}

    def _restart_runs(self, now: datetime) -> Figures:
        stuck = self._read(queries.stuck_runs, now, now - STUCK_AFTER, PAGE)
        return {"restarted_runs": sum(self._each(stuck, look_again))}

    def _restart_campaigns(self, now: datetime) -> Figures:
        stuck = self._read(queries.stuck_campaigns, now, now - STUCK_AFTER)
        return {"restarted_campaigns": sum(self._each(stuck, look_again_at_campaign))}

    def _seal_log(self, now: datetime) -> Figures:
        return {"sealed": (self._seal().size or 0) if self._seal else 0}

    def _prove(self, now: datetime) -> Figures:
        """Once a day: add the ledger up again, and keep how it ended."""
        last = self._read(last_verification, "sums")
        if last is not None and now - last["at"] < PROVED_EVERY:
            return {}
        begun = time.monotonic()
        proof = self._read(prove)
        took = time.monotonic() - begun
        self._store.database.run(lambda found: note_proof(found, proof, now, took))
        if not proof.ok:
            log.error("the ledger does not add up: %s", proof.first_broken)
        return {"broken_sums": sum(each.broken is not None for each in proof.checks)}

    def _each(self, ids: Sequence[str], work: Callable[[Transaction, str], T]) -> list[T]:
        return self._faults.each(ids, lambda id: self._store.run(lambda tx: work(tx, id)))

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
