"""Journeys that began under an older version go on under this one."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.common import RawValue
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner

from activities.campaign import CampaignActivities
from activities.contracts import CampaignBrief, JourneyBrief, Nudge, OrderBrief
from activities.exchange import ExchangeActivities
from activities.journey import JourneyActivities
from activities.turns import Nudges, take_turns
from bootstrap.converter import data_converter
from bootstrap.worker import WORKFLOWS
from loyalty.journeys.compile import compile_example
from loyalty.journeys.load import load_named
from loyalty.journeys.plan import End, Plan
from tests.replay.record import CASES, HISTORIES
from tests.stories import TEMPLATES
from workflows.sandbox import fast_runner, strict_runner

RECORDED = sorted(HISTORIES.glob("**/*.json"))


def _name(path: Path) -> str:
    return str(path.relative_to(HISTORIES).with_suffix(""))


def history(path: Path) -> WorkflowHistory:
    # The workflow's id is not part of a history; replay only needs one.
    return WorkflowHistory.from_json(path.stem, path.read_text())


@pytest.mark.parametrize("runner", [strict_runner, fast_runner])
@pytest.mark.parametrize("path", RECORDED, ids=_name)
async def test_every_recorded_history_still_replays(
    path: Path, runner: Callable[[], WorkflowRunner]
) -> None:
    """What this version would do is, command for command, what was done."""
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=runner(),
        data_converter=data_converter(),
    )
    await replayer.replay_workflow(history(path))


def test_every_case_has_a_history() -> None:
    """A case without its history would prove nothing."""
    assert set(CASES) <= {path.stem for path in RECORDED}


@pytest.mark.parametrize("template", sorted(each.name for each in TEMPLATES.iterdir()))
def test_every_ending_of_every_template_has_a_history(template: str) -> None:
    """Whoever adds a template, or an ending to one, records how it runs."""
    compiled = compile_example(load_named(TEMPLATES, template))
    expected: set[tuple[str, str | None]] = {("campaign", None)}
    if compiled.enter is not None:
        expected |= {(template, outcome) for outcome in _endings(compiled.plan)}
        expected |= {(template, "stopped")}
    if compiled.exchange is not None:
        settled = ("confirmed", "released", "expired")
        expected |= {("exchange_order", outcome) for outcome in settled}

    found = {_kind_and_end(path) for path in RECORDED if path.parent.name == template}
    found |= {(kind, None) for kind, _ in found}
    assert expected <= found


def test_what_happens_to_any_journey_has_a_history() -> None:
    """Paused and resumed, stopped, cancelled, a wait skipped."""
    recorded = {path.stem for path in RECORDED}
    assert {"paused_resumed", "stopped", "cancelled", "wait_skipped"} <= recorded


def _endings(plan: Plan) -> set[str]:
    return {node.step.outcome for node in plan.nodes.values() if isinstance(node.step, End)}


def _kind_and_end(path: Path) -> tuple[str, str | None]:
    """Which workflow a history is of, and what it returned."""
    events = json.loads(path.read_text())["events"]
    kind = events[0]["workflowExecutionStartedEventAttributes"]["workflowType"]["name"]
    result = events[-1].get("workflowExecutionCompletedEventAttributes", {}).get("result")
    if result is None:
        return kind, None
    return kind, json.loads(base64.b64decode(result["payloads"][0]["data"]))


class _OneWaitMore:
    """A workflow with one wait too many, as a careless change might leave it."""

    def __init__(self) -> None:
        self._nudges = Nudges()

    async def _run(self, act: Any, subject: str, turn: int) -> str:
        await workflow.sleep(timedelta(hours=1))
        await take_turns(act, subject, turn, self._nudges)
        return "completed"

    @workflow.signal
    def nudge(self, nudge: Nudge) -> None:
        self._nudges.add(nudge)


@workflow.defn(dynamic=True)
class ChangedJourney(_OneWaitMore):
    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> str:
        brief = workflow.payload_converter().from_payload(args[0].payload, JourneyBrief)
        return await self._run(JourneyActivities.apply_step, brief.enrolment_id, brief.turn)


@workflow.defn(name="campaign")
class ChangedCampaign(_OneWaitMore):
    @workflow.run
    async def run(self, brief: CampaignBrief) -> str:
        return await self._run(CampaignActivities.campaign_turn, brief.campaign_id, brief.turn)


@workflow.defn(name="exchange_order")
class ChangedOrder(_OneWaitMore):
    @workflow.run
    async def run(self, brief: OrderBrief) -> str:
        return await self._run(ExchangeActivities.settle_order, brief.claim_id, brief.turn)


@pytest.mark.parametrize("path", RECORDED, ids=_name)
async def test_a_careless_change_is_caught(path: Path) -> None:
    """A changed order of commands fails the check of every history; only patching lets it pass."""
    changed = Replayer(
        workflows=[ChangedJourney, ChangedCampaign, ChangedOrder],
        # The classes live in this test, which the strict sandbox would refuse to import.
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=data_converter(),
    )
    with pytest.raises(workflow.NondeterminismError):
        await changed.replay_workflow(history(path))
