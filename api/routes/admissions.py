"""One member in one campaign: let them in, and explain what the campaign did for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.errors import problems
from api.keys import Caller, needs
from api.problems import locale_of
from api.recording import CampaignId, MemberId, recorded, twice
from api.services import Given
from loyalty import campaigns
from loyalty.explain import sentence
from loyalty.ports import Transaction
from loyalty.records import Decision, Enrolment
from loyalty.why_not import why_not

router = APIRouter(tags=["Campaigns"])


class EnrolBody(BaseModel):
    """One knock at the door. The same key again is the same knock."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"entry_key": "vip-list-2026-10"}]}
    )
    entry_key: str = Field("api", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")


class Enrolled(BaseModel):
    campaign_id: str
    member_id: str
    entered: bool
    run_id: str | None = Field(description="The run, held out or not; none = not admitted")
    arm: str | None = None
    why: str = Field(description="In a sentence, in the language asked for")
    replayed: bool


class DecisionView(BaseModel):
    """One decision, with the sentence that says it to a person."""

    at: datetime
    sentence: str
    step: str
    verdict: str
    reason: str
    until: datetime | None = None
    run_id: str | None = None
    event_seq: int | None = None
    inputs: dict[str, Any]


class AnswerView(BaseModel):
    """The one thing that decided, and what would be said now where that is another thing."""

    cause: str = Field(description="Stable code: not_in_audience, quiet_hours, act_after ...")
    sentence: str
    at: datetime
    run_id: str | None = None
    now: str | None = Field(None, description="As of now, in a sentence; none = the same")
    now_cause: str | None = None


class Explanation(BaseModel):
    campaign_id: str
    member_id: str
    language: Literal["en", "zh"]
    answer: AnswerView
    decisions: list[DecisionView]


@router.post(
    "/v1/campaigns/{campaign_id}/members/{member_id}",
    summary="Enrol a member",
    status_code=201,
    responses=problems("unknown", "wrong_state", write=True)
    | twice(Enrolled, "The member was considered; `entered` says with which end"),
)
def enrol_member(
    request: Request,
    campaign_id: CampaignId,
    member_id: MemberId,
    body: EnrolBody,
    given: Given,
    caller: Annotated[Caller, needs("enrol")],
) -> JSONResponse:
    """Asks the same questions as any other entry: audience, coming back, holdout, budget."""

    def work(tx: Transaction) -> tuple[str, bool, Enrolment | None]:
        member = tx.members.lock(member_id)
        # By its row: after a merger a journey's id may name the old card.
        for there in tx.enrolments.of_member(campaign_id, member.id):
            if there.entry_key == body.entry_key:
                return member.id, True, there
        run = campaigns.enrol(tx, campaign_id, member.id, body.entry_key, caller.actor)
        return member.id, False, run

    id, replayed, run = given.store.run(work)
    shown = given.reads.run(run.id) if run else None
    decisions = shown["decisions"] if shown else given.reads.decisions_of(id, campaign_id)
    answer = Enrolled(
        campaign_id=campaign_id,
        member_id=id,
        entered=run is not None and run.arm != "holdout",
        run_id=run.id if run else None,
        arm=run.arm if run else None,
        why=_why(request, given, decisions[-1:]),
        replayed=replayed,
    )
    return recorded(answer.model_dump(mode="json"))


@router.get(
    "/v1/campaigns/{campaign_id}/members/{member_id}/explanation",
    summary="Explain a member's way through a campaign",
    responses=problems("unknown"),
)
def explain_member(
    request: Request,
    campaign_id: CampaignId,
    member_id: MemberId,
    given: Given,
    caller: Annotated[Caller, needs("explain")],
) -> Explanation:
    """`answer` says why the member did not get it, for any member and any campaign.

    `decisions` has one sentence for each decision, oldest first, also for members who were not
    admitted. Where the campaign never met the member, the one sentence says what it would answer
    now; its verdict is `outlook`. `Accept-Language: zh` or `en` chooses the language.
    """
    return explanation(given, member_id, campaign_id, locale_of(request))


def explanation(given: Given, member_id: str, campaign_id: str, locale: str) -> Explanation:
    """Why a member did not get it, and every decision on record. Raises Unknown for either."""
    record = given.reads.record_of(member_id, campaign_id)
    answer = given.store.read(lambda tx: why_not(tx, member_id, campaign_id, record))
    zone = given.programme.tz
    decisions = list(record.decisions if record else ()) or [answer.why]
    return Explanation(
        campaign_id=campaign_id,
        member_id=member_id,
        language="zh" if locale == "zh" else "en",
        answer=AnswerView(
            cause=answer.why.reason,
            sentence=sentence(answer.why, locale, zone),
            at=answer.why.at,
            run_id=answer.why.enrolment_id,
            now=sentence(answer.now, locale, zone) if answer.now else None,
            now_cause=answer.now.reason if answer.now else None,
        ),
        decisions=[
            DecisionView(
                at=each.at,
                sentence=sentence(each, locale, zone),
                step=each.step_id,
                verdict=each.verdict,
                reason=each.reason,
                until=each.until,
                run_id=each.enrolment_id,
                event_seq=each.event_seq,
                inputs=dict(each.inputs),
            )
            for each in decisions
        ],
    )


def _why(request: Request, given: Given, decisions: Sequence[Decision]) -> str:
    zone = given.programme.tz
    return " ".join(sentence(each, locale_of(request), zone) for each in decisions)
