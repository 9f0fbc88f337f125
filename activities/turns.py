"""The durable loop of everything that lives long: turn, wait, turn.

A turn is one activity and one transaction. It runs as a local activity, which costs one history
event instead of three; when the database stays away, the same turn is handed to the server as a
remote activity, which waits as long as it takes without growing the history. What a turn decides
is none of this loop's business, so a change of the rules never breaks a running workflow's replay.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    is_cancelled_exception,
)

from activities.contracts import Nudge, TurnOutcome, TurnRequest

# A turn is a few statements on one member's rows: five seconds mean that the database is in
# trouble. Fifteen in all stay near one workflow task (10 s), so a lost worker is noticed soon.
LOCAL_TRY = timedelta(seconds=5)
LOCAL_IN_ALL = timedelta(seconds=15)
LOCAL_RETRIES = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    maximum_interval=timedelta(seconds=1),
    maximum_attempts=3,
)
REMOTE_TRY = timedelta(seconds=30)
REMOTE_RETRIES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=60),
)
# The relay repeats a nudge within seconds, if at all: 200 is far more than can be under way.
NUDGES_REMEMBERED = 200

Act = Callable[[Any, TurnRequest], TurnOutcome]


@dataclass(slots=True)
class Nudges:
    """Nudges not yet looked at. The signal handler only adds; the loop takes them all at once."""

    waiting: list[Nudge] = field(default_factory=list)
    seen: dict[tuple[int, datetime | None], None] = field(default_factory=dict)

    def add(self, nudge: Nudge) -> None:
        """Keep a nudge, unless it was delivered before."""
        which = (nudge.outbox_id, nudge.at)
        if which in self.seen:
            return
        self.seen[which] = None
        if len(self.seen) > NUDGES_REMEMBERED:
            del self.seen[next(iter(self.seen))]
        self.waiting.append(nudge)

    def __bool__(self) -> bool:
        return bool(self.waiting)


@dataclass(frozen=True, slots=True)
class Pause:
    """Where the loop stopped without an end: history is long, `turn` comes next in a new run."""

    turn: int


async def take_turns(act: Act, subject: str, turn: int, nudges: Nudges) -> TurnOutcome | Pause:
    """Take turn after turn of `subject` until it ends, or until the run should be continued.

    A continued run begins with a turn, so nudges that were waiting are answered there.
    """
    due: datetime | None = None
    summary = "Begin" if turn == 0 else "Continue"
    while True:
        nudges.waiting.clear()
        outcome = await take_turn(act, TurnRequest(subject=subject, turn=turn, due=due), summary)
        workflow.set_current_details(outcome.details)
        if outcome.ended:
            return outcome
        turn = turn + 1 if outcome.next_turn is None else outcome.next_turn
        if workflow.info().is_continue_as_new_suggested():
            return Pause(turn)
        due = outcome.wake_at if await _slept_through(outcome, nudges) else None
        summary = outcome.next_summary or "Look again"


async def take_turn(act: Act, request: TurnRequest, summary: str) -> TurnOutcome:
    """Take one turn, here if possible, else by way of the server, for as long as it takes."""
    try:
        return await workflow.execute_local_activity_method(
            act,
            request,
            start_to_close_timeout=LOCAL_TRY,
            schedule_to_close_timeout=LOCAL_IN_ALL,
            retry_policy=LOCAL_RETRIES,
            summary=summary,
        )
    except FailureError as failure:
        if is_cancelled_exception(failure):
            raise
        _raise_if_refused(failure, request)
    try:
        return await workflow.execute_activity_method(
            act,
            request,
            start_to_close_timeout=REMOTE_TRY,
            retry_policy=REMOTE_RETRIES,
            summary=summary,
        )
    except ActivityError as failure:
        _raise_if_refused(failure, request)
        raise


def _raise_if_refused(failure: FailureError, request: TurnRequest) -> None:
    # A remote activity's failure comes wrapped, a local one's comes bare.
    cause = failure.cause if isinstance(failure, ActivityError) else failure
    if isinstance(cause, ApplicationError) and cause.non_retryable:
        raise ApplicationError(
            f"Turn {request.turn} of {request.subject} was refused: {cause.message}",
            type=cause.type,
            non_retryable=True,
        ) from failure


async def _slept_through(outcome: TurnOutcome, nudges: Nudges) -> bool:
    """Wait as the outcome asks; true when its time came, false when a nudge came first."""
    if nudges:
        return False
    if outcome.sleep_seconds == 0:
        return True
    try:
        await workflow.wait_condition(
            lambda: bool(nudges),
            timeout=outcome.sleep_seconds,
            timeout_summary=outcome.summary or None,
        )
    except TimeoutError:
        return True
    return False
