"""One exchange order: it waits to be confirmed, and gives points and stock back when it is not."""

from temporalio import workflow

from activities.contracts import Nudge, OrderBrief
from activities.exchange import ExchangeActivities
from activities.turns import Nudges, Pause, take_turns


@workflow.defn(name="exchange_order")
class ExchangeOrder:
    def __init__(self) -> None:
        self._nudges = Nudges()

    @workflow.run
    async def run(self, brief: OrderBrief) -> str:
        """Run until the order is settled and return how."""
        left = await take_turns(
            ExchangeActivities.settle_order, brief.claim_id, brief.turn, self._nudges
        )
        if isinstance(left, Pause):
            workflow.continue_as_new(brief.model_copy(update={"turn": left.turn}))
        return left.outcome or "settled"

    @workflow.signal
    def nudge(self, nudge: Nudge) -> None:
        """The shop confirmed or refused the order: look again."""
        self._nudges.add(nudge)
