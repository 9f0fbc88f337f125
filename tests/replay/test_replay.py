"""Journeys that began under an older version go on under this one."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.common import RawValue
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from activities.contracts import JourneyBrief, Nudge
from activities.journey import JourneyActivities
from activities.turns import Nudges, take_turns
from bootstrap.converter import data_converter
from bootstrap.worker import WORKFLOWS
from tests.replay.record import CASES, HISTORIES
from workflows.sandbox import fast_runner, strict_runner

RECORDED = sorted(HISTORIES.glob("**/*.json"))


def history(path: Path) -> WorkflowHistory:
    # The workflow's id is not part of a history; replay only needs one.
    return WorkflowHistory.from_json(path.stem, path.read_text())


@pytest.mark.parametrize("runner", [strict_runner, fast_runner])
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_every_recorded_history_still_replays(path: Path, runner: object) -> None:
    """What this version would do is, command for command, what was done."""
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=runner(),  # type: ignore[operator]
        data_converter=data_converter(),
    )
    await replayer.replay_workflow(history(path))


def test_every_case_has_a_history() -> None:
    """A case without its history would prove nothing."""
    assert set(CASES) <= {path.stem for path in RECORDED}


@workflow.defn(dynamic=True)
class ChangedJourney:
    """The member's journey with one wait too many, as a careless change might leave it."""

    def __init__(self) -> None:
        self._nudges = Nudges()

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> str:
        brief = workflow.payload_converter().from_payload(args[0].payload, JourneyBrief)
        await workflow.sleep(timedelta(hours=1))
        await take_turns(JourneyActivities.apply_step, brief.enrolment_id, brief.turn, self._nudges)
        return "completed"

    @workflow.signal
    def nudge(self, nudge: Nudge) -> None:
        self._nudges.add(nudge)


async def test_a_careless_change_is_caught() -> None:
    """A changed order of commands fails the check; only patching lets it through."""
    changed = Replayer(
        workflows=[ChangedJourney],
        # The class lives in this test, which the strict sandbox would refuse to import.
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=data_converter(),
    )
    with pytest.raises(workflow.NondeterminismError):
        await changed.replay_workflow(history(HISTORIES / "reference_by_timer.json"))
