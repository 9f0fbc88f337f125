"""The reference journey: greet with points, wait three days or for a purchase, thank, end.

Its turns come from a small script instead of the database, which is what the workflow tests and the
recorded histories need: the workflow cannot tell the difference.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.campaign import CampaignActivities
from activities.contracts import JourneyBrief, TurnOutcome, TurnRequest
from activities.exchange import ExchangeActivities
from activities.journey import JourneyActivities
from bootstrap.worker import build_worker

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
WAIT = TurnOutcome(
    ended=False,
    sleep_seconds=timedelta(days=3).total_seconds(),
    wake_at=START + timedelta(days=3),
    summary="Three days, or a purchase",
    details="500 points given. Waiting for the first purchase until 4 March.",
    next_summary="Thank the member",
)
END = TurnOutcome(ended=True, outcome="thanked", details="Thanked with 300 points.")

Answer = TurnOutcome | Callable[[], TurnOutcome]


class Script:
    """Answers each turn from a list; a repeated turn number gets the same answer again."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self.requests: list[TurnRequest] = []

    def __call__(self, request: TurnRequest) -> TurnOutcome:
        with self._lock:
            self.requests.append(request)
        answer = self._answers[request.turn]
        return answer if isinstance(answer, TurnOutcome) else answer()

    @property
    def turns(self) -> list[int]:
        return [request.turn for request in self.requests]


def worker_for(client: Client, queue: str, script: Script, *, cached_runs: int = 100) -> Worker:
    """The product's worker in the strict sandbox, its turns answered by the script."""
    activities = [
        JourneyActivities(script).apply_step,
        CampaignActivities(script).campaign_turn,
        ExchangeActivities(script).settle_order,
    ]
    return build_worker(client, queue, activities, strict=True, cached_runs=cached_runs)


async def begin(client: Client, queue: str) -> WorkflowHandle[object, str]:
    brief = JourneyBrief(
        enrolment_id=f"j/reference/{queue}/once",
        campaign_id="reference",
        version=1,
        template="reference_journey",
        member_ref=queue,
        plan_hash="0" * 64,
    )
    return await client.start_workflow(
        brief.template, brief, id=brief.enrolment_id, task_queue=queue, result_type=str
    )
