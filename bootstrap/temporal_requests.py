"""The two calls the relay makes, built by hand: the client's own would draw a new request id each
time, and then Temporal could not tell a repeat from a second wish.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio.api.common.v1 import Payloads, Priority, WorkflowExecution, WorkflowType
from temporalio.api.enums.v1 import WorkflowIdConflictPolicy, WorkflowIdReusePolicy
from temporalio.api.errordetails.v1 import WorkflowExecutionAlreadyStartedFailure
from temporalio.api.sdk.v1 import UserMetadata
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    SignalWorkflowExecutionRequest,
    StartWorkflowExecutionRequest,
)
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.converter import encode_search_attributes
from temporalio.service import RPCError

from activities.contracts import CampaignBrief, Contract, JourneyBrief, Nudge, OrderBrief
from bootstrap.temporal import CAMPAIGN, ENTRY, MEMBER, TEMPLATE
from storage.outbox import OutboxRow

CALL_SECONDS_MAX = 5


def call_limit() -> timedelta:
    return timedelta(seconds=CALL_SECONDS_MAX)


def request_id(row: OutboxRow) -> str:
    """The same for each repeat of a row; a restored database gives numbers again, but later."""
    return f"outbox-{row.id}-{row.created_at.isoformat()}"


async def start_request(
    client: Client, row: OutboxRow, task_queue: str
) -> StartWorkflowExecutionRequest:
    """Start the row's workflow, once: a running or a finished one is left as it is.

    `again: true` in the payload says that the database has this run open: whatever ended in
    Temporal, also by itself, before the database was restored, is begun anew at the turn it is at.
    """
    payload = dict(row.payload)
    again = bool(payload.pop("again", False))
    workflow_type, brief, summary, marks = _described(row, payload)
    converter = client.data_converter
    request = StartWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_id=row.workflow_id,
        workflow_type=WorkflowType(name=workflow_type),
        task_queue=TaskQueue(name=task_queue),
        input=Payloads(payloads=await converter.encode([brief])),
        identity=client.identity,
        request_id=request_id(row),
        workflow_id_reuse_policy=(
            WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
            if again
            else WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
        ),
        workflow_id_conflict_policy=(
            WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
        ),
        user_metadata=UserMetadata(
            summary=(await converter.encode([summary]))[0],
            details=(await converter.encode([_details(marks)]))[0],
        ),
        priority=Priority(priority_key=row.priority),
    )
    encode_search_attributes(
        TypedSearchAttributes([SearchAttributePair(key, text) for key, text in marks.items()]),
        request.search_attributes,
    )
    return request


async def nudge_request(client: Client, row: OutboxRow) -> SignalWorkflowExecutionRequest:
    """Tell the row's workflow to look again."""
    reason = str(row.payload.get("reason", row.kind))
    nudge = Nudge(outbox_id=row.id, reason=reason, at=row.created_at)
    return SignalWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=row.workflow_id),
        signal_name="nudge",
        input=Payloads(payloads=await client.data_converter.encode([nudge])),
        identity=client.identity,
        request_id=request_id(row),
    )


def start_was_repeated(error: RPCError) -> bool:
    """Whether the refusal says that this workflow was started before."""
    failure = WorkflowExecutionAlreadyStartedFailure.DESCRIPTOR.full_name
    return any(detail.type_url.endswith(failure) for detail in error.grpc_status.details)


Marks = Mapping[Any, str]


def _described(row: OutboxRow, payload: Mapping[str, Any]) -> tuple[str, Contract, str, Marks]:
    match row.kind:
        case "start_journey":
            journey = JourneyBrief(**payload)
            entry = row.workflow_id.split("/", 3)[-1]
            marks: Marks = {
                CAMPAIGN: journey.campaign_id,
                TEMPLATE: journey.template,
                MEMBER: journey.member_ref,
                ENTRY: entry,
            }
            summary = f"{journey.campaign_id} - {journey.member_ref}"
            return journey.template, journey, summary, marks
        case "start_campaign":
            campaign = CampaignBrief(**payload)
            marks = {CAMPAIGN: campaign.campaign_id, TEMPLATE: campaign.template}
            return "campaign", campaign, campaign.campaign_id, marks
        case "start_order":
            order = OrderBrief(**payload)
            summary = f"{order.campaign_id} - {order.claim_id}"
            return "exchange_order", order, summary, {CAMPAIGN: order.campaign_id}
        case _:
            raise ValueError(f"the relay does not know rows of kind {row.kind!r}")


def _details(marks: Marks) -> str:
    return "\n".join(
        f"- {key.name.removeprefix('Milepost')}: `{text}`" for key, text in marks.items()
    )
