"""Moving time on purpose: months of a programme in minutes, with every wait at its full length.

Nothing is shortened. The clock in the file moves from one wake-up to the next, and the server's own
time skipping elapses exactly the one timer each of those workflows is waiting on: skipping is
switched on for a single skip, after which the server switches it off again by itself.
Only for stories, demonstrations and drills, on a server started with time skipping.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy import exists, literal, select, union_all
from temporalio.api.common.v1 import TimeSkippingConfig, WorkflowExecution
from temporalio.api.workflow.v1 import WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import UpdateWorkflowExecutionOptionsRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from bootstrap.clock import FileClock
from loyalty.ports import Clock
from storage.database import Database
from storage.tables import campaigns, claims, enrolments, messages, outbox

AT_ONCE = 32
LOOK_EVERY_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
ONE_SKIP = TimeSkippingConfig(enabled=True, max_session_skip_count=1)


@dataclass(frozen=True, slots=True, order=True)
class Wake:
    """A workflow asleep until an instant; without an id, something that only awaits the hour."""

    at: datetime
    workflow_id: str


class StoodStill(Exception):
    """Time moved on, and somebody did not wake: no worker, or a turn that fails."""

    def __init__(self, seconds: float, missing: Sequence[str]) -> None:
        shown = ", ".join(missing[:5]) or "what was under way"
        super().__init__(
            f"{seconds:.0f} s passed and still {shown} did not come to rest ({len(missing)} asleep)"
        )
        self.missing = missing


Due = Callable[[datetime], Sequence[Wake]]
Settled = Callable[[], bool]


class Timetravel:
    """Moves programme time forward, waking everybody on the way, in order.

    `due(until)` names who sleeps until an instant at or before `until`; `settled()` says that
    nothing is under way: outbox sent, no turn owed. Those who wake within the same `slot` of
    programme time wake together, which is what makes hundreds of members quick.
    """

    def __init__(
        self,
        client: Client,
        clock: FileClock,
        due: Due,
        settled: Settled,
        *,
        slot: timedelta = timedelta(hours=1),
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._client = client
        self._clock = clock
        self._due = due
        self._settled = settled
        self._slot = slot
        self._patience = patience
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.woken = 0

    async def advance_to(self, instant: datetime) -> int:
        """Let programme time pass until `instant`; returns how many waits ended on the way."""
        before = self.woken
        await self.settle()
        while wakes := await self._next(instant):
            self._clock.set(max(self._clock.now(), *(wake.at for wake in wakes)))
            await asyncio.gather(*(self._wake(wake) for wake in wakes))
            await self._turns_taken(set(wakes))
            self.woken += len(wakes)
            await self.settle()
        self._clock.set(max(self._clock.now(), instant))
        # Rows that were only to go out now (an admission planned for this hour) are due at last.
        await self.settle()
        return self.woken - before

    async def settle(self) -> None:
        """Wait until nothing is under way at the hour it is."""
        try:
            await self._until(self._settled)
        except TimeoutError:
            raise StoodStill(self._patience, []) from None

    async def _next(self, until: datetime) -> Sequence[Wake]:
        """The soonest to wake, and all who follow within the same slot."""
        coming = sorted(await asyncio.to_thread(self._due, until))
        if not coming:
            return ()
        slot_end = max(coming[0].at, self._clock.now()) + self._slot
        return [wake for wake in coming if wake.at < slot_end or wake == coming[0]]

    async def _wake(self, wake: Wake) -> None:
        """Elapse the one timer this workflow waits on.

        Calling twice would elapse two waits, so a call is repeated only while the workflow is not
        known to the server yet (its start is still on the way).
        """
        if not wake.workflow_id:
            return  # the clock was all it waited for
        async with self._slots:
            try:
                async with asyncio.timeout(self._patience):
                    while not await self._elapsed(wake):  # noqa: ASYNC110
                        await asyncio.sleep(LOOK_EVERY_SECONDS)
            except TimeoutError:
                raise StoodStill(self._patience, [wake.workflow_id]) from None

    async def _elapsed(self, wake: Wake) -> bool:
        try:
            await elapse_wait(self._client, wake.workflow_id)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            # It may have ended or been nudged in the meantime; then nobody waits for it here.
            return wake not in await asyncio.to_thread(self._due, wake.at)
        return True

    async def _turns_taken(self, wakes: set[Wake]) -> None:
        last = max(wake.at for wake in wakes)
        try:
            await self._until(lambda: wakes.isdisjoint(self._due(last)))
        except TimeoutError:
            missing = wakes.intersection(self._due(last))
            raise StoodStill(self._patience, sorted(wake.workflow_id for wake in missing)) from None

    async def _until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(self._patience):
            # What is waited for is a row another process writes: there is no event to wait on.
            while not await asyncio.to_thread(happened):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY_SECONDS)


async def elapse_wait(client: Client, workflow_id: str) -> None:
    """Let the server skip to this workflow's next timer, once.

    If the workflow is in the middle of a turn, the skip is kept for the timer that turn sets.
    """
    await client.workflow_service.update_workflow_execution_options(
        UpdateWorkflowExecutionOptionsRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id),
            workflow_execution_options=WorkflowExecutionOptions(time_skipping_config=ONE_SKIP),
            update_mask=FieldMask(paths=["time_skipping_config"]),
            identity=client.identity,
        )
    )


def sleepers(database: Database) -> Due:
    """All in the database that waits for an instant: journeys, campaigns, exchange orders, and what
    is planned to go to Temporal later.
    """
    stops = (
        (enrolments.c.wake_at, enrolments.c.id, enrolments.c.state == "waiting"),
        (campaigns.c.wake_at, literal("c/") + campaigns.c.id, campaigns.c.state == "launched"),
        (claims.c.expires_at, literal("x/") + claims.c.id, claims.c.status == "reserved"),
        (
            outbox.c.available_at,
            literal(""),
            outbox.c.sent_at.is_(None) & outbox.c.dead_at.is_(None),
        ),
    )

    def due(until: datetime) -> Sequence[Wake]:
        parts = [select(at, name).where(live, at <= until) for at, name, live in stops]
        with database.read() as connection:
            return [Wake(at, name) for at, name in connection.execute(union_all(*parts))]

    return due


def at_rest(database: Database, clock: Clock, *, sends_messages: bool = False) -> Settled:
    """Nothing is under way: every due outbox row was sent, and every nudged turn was taken.

    With `sends_messages` every message that is due has gone, too: somebody must be sending them.
    """
    o, e, m = outbox.c, enrolments.c, messages.c
    owed = select(o.id).where(o.sent_at.is_(None), o.dead_at.is_(None))
    nudged = select(e.id).where(
        e.nudged_turn == e.turn, e.state.in_(("admitted", "waiting", "held"))
    )
    # A resumption wakes whoever is held and a stop everybody, without a note on their rows.
    c = campaigns.c
    held_on = (e.state == "held") & (c.state != "paused")
    run_on = (e.state != "ended") & (c.state == "stopped")
    walked = select(e.id).join(campaigns, c.id == e.campaign_id).where(held_on | run_on)
    # Whoever was admitted at a pace may be planned to begin in a moment: that is no unrest.
    begun = select(e.id).where(e.state == "admitted")
    planned = exists().where(o.workflow_id == e.id, o.sent_at.is_(None), o.dead_at.is_(None))
    # One question for each state, so that each is answered from its index.
    unsent = [
        select(m.key).where(m.status == state)
        for state in (("queued", "deferred", "sending") if sends_messages else ())
    ]

    def look() -> bool:
        now = clock.now()
        unbegun = begun.where(~planned.where(o.available_at > now))
        questions = [owed.where(o.available_at <= now), nudged, walked, unbegun]
        questions += [question.where(m.due_at <= now) for question in unsent]
        with database.read() as connection:
            if any(connection.execute(each.limit(1)).first() for each in questions):
                return False
            return not any(_owes_a_turn(row, now) for row in connection.execute(_CAMPAIGNS))

    return look


_CAMPAIGNS = select(campaigns.c.state, campaigns.c.turn, campaigns.c.wake_at, campaigns.c.position)


def _owes_a_turn(campaign: Any, now: datetime) -> bool:
    return (
        campaign.position.get("nudged_turn") == campaign.turn
        or (campaign.state == "launched" and campaign.turn == 0)
        or (campaign.wake_at is not None and campaign.wake_at <= now)
    )
