"""A campaign's own life: it opens, admits its audience page by page, waits, and closes."""

from temporalio import workflow

from activities.campaign import CampaignActivities
from activities.contracts import CampaignBrief, Nudge
from activities.turns import Nudges, Pause, take_turns


@workflow.defn(name="campaign")
class Campaign:
    def __init__(self) -> None:
        self._nudges = Nudges()

    @workflow.run
    async def run(self, brief: CampaignBrief) -> str:
        """Run to the end and return how it ended."""
        left = await take_turns(
            CampaignActivities.campaign_turn, brief.campaign_id, brief.turn, self._nudges
        )
        if isinstance(left, Pause):
            workflow.continue_as_new(brief.model_copy(update={"turn": left.turn}))
        return left.outcome or "finished"

    @workflow.signal
    def nudge(self, nudge: Nudge) -> None:
        """Paused, resumed, stopped, or changed: look again."""
        self._nudges.add(nudge)
