"""The reference journey written by hand for the Temporal SDK, as one would without Milepost."""

from collections.abc import Callable
from datetime import timedelta

from pydantic import BaseModel, ConfigDict
from temporalio import activity, workflow

from loyalty.messages import NewMessage
from loyalty.ports import Store, Transaction


class Step(BaseModel):
    """One grant with its message, for one member."""

    model_config = ConfigDict(frozen=True)

    run: str
    member_id: str
    name: str
    points: int


@workflow.defn(name="bare_journey")
class BareJourney:
    def __init__(self) -> None:
        self._bought = False

    @workflow.run
    async def run(self, member_id: str) -> str:
        await self._step(member_id, "hello", 100)
        try:
            await workflow.wait_condition(lambda: self._bought, timeout=timedelta(days=3))
        except TimeoutError:
            outcome = "missed"
        else:
            outcome = "met"
        await self._step(member_id, "thanks", 50)
        return outcome

    @workflow.signal
    def bought(self) -> None:
        self._bought = True

    async def _step(self, member_id: str, name: str, points: int) -> None:
        step = Step(run=workflow.info().workflow_id, member_id=member_id, name=name, points=points)
        await workflow.execute_local_activity(
            "grant_and_notify", step, start_to_close_timeout=timedelta(seconds=5)
        )


def grant_and_notify_with(store: Store) -> Callable[[Step], None]:
    """The activity, over the same ledger and message line as the product's."""

    @activity.defn
    def grant_and_notify(step: Step) -> None:
        def work(tx: Transaction) -> None:
            key = f"{step.run}:{step.name}"
            tx.members.lock(step.member_id)
            tx.ledger.earn(
                key,
                step.member_id,
                step.points,
                kind="grant",
                expires_at=tx.programme.expiry.of(tx.now, tx.now, tx.programme.tz),
                source="bare",
                campaign_id="bare",
            )
            tx.messages.queue_many(
                [
                    NewMessage(
                        key=f"{key}:inbox",
                        member_id=step.member_id,
                        message=step.name,
                        channel="inbox",
                        purpose="service",
                        locale="en",
                        variables={"points.available": tx.ledger.balance(step.member_id).available},
                        campaign_id="bare",
                        version=1,
                    )
                ]
            )

        store.run(work)

    return grant_and_notify
