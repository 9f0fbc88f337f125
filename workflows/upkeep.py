"""The programme's regular care: one run for all, round after round, for ever."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from activities.upkeep import UpkeepActivities, UpkeepBrief

EVERY = timedelta(minutes=5)
ROUNDS = 200
"""A run's rounds before it goes on with a fresh history: two thousand events, most of a day."""
# A round over a large programme takes minutes; a lost worker is noticed at the end of this.
ROUND_TAKES = timedelta(minutes=10)
RETRIES = RetryPolicy(initial_interval=timedelta(seconds=5), maximum_interval=timedelta(minutes=5))


@workflow.defn(name="upkeep")
class Upkeep:
    @workflow.run
    async def run(self, brief: UpkeepBrief) -> None:
        """Look after everything, wait, and again."""
        for _ in range(ROUNDS):
            report = await workflow.execute_activity_method(
                UpkeepActivities.look_after,
                brief,
                start_to_close_timeout=ROUND_TAKES,
                retry_policy=RETRIES,
                summary="Look after points, reservations and runs",
            )
            found = [f"- {name}: {value}" for name, value in report.model_dump().items() if value]
            workflow.set_current_details("\n".join(found) or "Nothing to do in the last round.")
            await workflow.sleep(EVERY, summary="Until the next round")
        workflow.continue_as_new(brief)
