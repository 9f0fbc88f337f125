"""Carrying out jobs of repairs: one item after the other, at each job's pace, whoever dies."""

import asyncio
import logging

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bootstrap.stopping import rest
from loyalty import repair_jobs
from loyalty.errors import LoyaltyError
from loyalty.ports import Store, Transaction
from loyalty.repairs import RepairItem

log = logging.getLogger("milepost.repairs")

IDLE_SECONDS = 0.2
TROUBLE_SECONDS = 5.0
AWAY: tuple[type[Exception], ...] = (OperationalError, InterfaceError, PoolTimeout)


class Repairer:
    """Run one or several: a job is in one pair of hands at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def carry_next(self) -> bool:
        """Act on the next item that is due; false when nothing is.

        The act and the note that it is done are one commit. What refuses the item undoes the act,
        and is noted by a second one; whoever dies in between tries an item that nothing was done
        to.
        """
        if not self._store.read(lambda tx: tx.repairs.anything_due()):
            return False  # looking must not stand in the writers' way
        taken: list[RepairItem] = []

        def work(tx: Transaction) -> bool:
            found = tx.repairs.due_item()
            if found is None:
                return False
            taken.append(found[1])
            repair_jobs.take(tx, *found)
            return True

        try:
            return self._store.run(work)
        except LoyaltyError as refused:
            why = f"{refused.code}: {refused.detail}"
        except AWAY:
            raise
        except Exception as fault:  # ours: the next item may be none the worse for it
            log.exception("item %s of job %s", taken[-1].number, taken[-1].job_id)
            why = f"internal: {type(fault).__name__}"
        self._store.run(lambda tx: repair_jobs.refuse(tx, taken[-1], why))
        return True


async def carry_jobs(repairer: Repairer, stop: asyncio.Event) -> None:
    """Carry jobs out until told to stop; an item under way is finished."""
    while not stop.is_set():
        try:
            pause = 0.0 if await asyncio.to_thread(repairer.carry_next) else IDLE_SECONDS
        except AWAY as trouble:
            log.warning("repairs wait for the database: %s", type(trouble).__name__)
            pause = TROUBLE_SECONDS
        except Exception:
            log.exception("an item of a job could not be noted")
            pause = TROUBLE_SECONDS
        await rest(stop, pause)
