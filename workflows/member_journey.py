"""One member's way through one campaign, from admission to its end, over days or months.

The workflow is registered as the dynamic one, so that each run bears its template's name
(`new_member_bonus`, `monthly_task_pack`) in every list and history.
"""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue

from activities.contracts import JourneyBrief, Nudge
from activities.journey import JourneyActivities
from activities.turns import Nudges, Pause, take_turns


@workflow.defn(dynamic=True)
class MemberJourney:
    def __init__(self) -> None:
        self._nudges = Nudges()

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> str:
        """Run to the end and return how it ended."""
        brief = workflow.payload_converter().from_payload(args[0].payload, JourneyBrief)
        left = await take_turns(
            JourneyActivities.apply_step, brief.enrolment_id, brief.turn, self._nudges
        )
        if isinstance(left, Pause):
            workflow.continue_as_new(brief.model_copy(update={"turn": left.turn}))
        return left.outcome or "completed"

    @workflow.signal
    def nudge(self, nudge: Nudge) -> None:
        """A purchase, a resumption, an operator's command: look again."""
        self._nudges.add(nudge)
