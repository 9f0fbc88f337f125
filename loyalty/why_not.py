"""Why a member did not get it: one answer for any member and any campaign.

The decisions on record come first, then the messages and what the contact gate said of them, then
the acts a wait looks for, counted as it counts them; where nothing was decided, `outlook` says how
things stand. Nothing is written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loyalty.errors import Unknown
from loyalty.merging import bonus_undone
from loyalty.outlook import outlook
from loyalty.ports import Transaction
from loyalty.records import Decision, Enrolment
from loyalty.repairs import STUCK_AFTER
from loyalty.waited_for import missed_act, open_goals

ANSWER = "answer"
"""The verdict of a decision that sums up what is on record."""
_REFUSED = ("not_admitted", "held_out")
_PUT_OFF = {"deferred": "deferred", "dropped": "skipped"}


@dataclass(frozen=True, slots=True)
class Record:
    """What is on record. `status` and `merged_into` are of the id that was asked about.

    Messages are of the member in this campaign, newest first, each with its `verdicts`.
    """

    status: str
    merged_into: str | None
    decisions: Sequence[Decision]
    messages: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """`why` is the answer; `now` what would be said at present, where that is another thing."""

    why: Decision
    now: Decision | None = None


def why_not(tx: Transaction, member_id: str, campaign_id: str, record: Record | None) -> Answer:
    """The one reason that decided; no record = no such member. Raises Unknown for either."""
    if tx.campaigns.get(campaign_id) is None:
        raise Unknown("campaign", campaign_id)
    if record is None:
        raise Unknown("member", member_id)
    asked = _Asked(tx, member_id, campaign_id, record)
    if record.merged_into is not None:
        return Answer(asked.said("member_merged", {"into": record.merged_into}))
    if record.status == "erased":
        return Answer(asked.said("member_erased"))
    runs = tx.enrolments.of_member(campaign_id, member_id)
    latest = max(runs, key=lambda run: (run.admitted_at, run.id), default=None)
    refused = _last(d for d in record.decisions if d.verdict in _REFUSED)
    if latest is not None and not _came_back(latest, refused):
        return Answer(_of_run(asked, latest))
    if latest is None and (told := _announced(asked)) is not None:
        return Answer(told)
    now = outlook(tx, member_id, campaign_id)
    if refused is None:
        return Answer(now)
    return Answer(refused, None if refused.reason == now.reason else now)


@dataclass(frozen=True, slots=True)
class _Asked:
    tx: Transaction
    member_id: str
    campaign_id: str
    record: Record

    def said(
        self,
        reason: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        step: str = "entry",
        verdict: str = ANSWER,
        run: Enrolment | None = None,
        until: datetime | None = None,
    ) -> Decision:
        return Decision(
            key="",
            campaign_id=self.campaign_id,
            version=run.version if run else 0,
            member_id=self.member_id,
            step_id=step,
            verdict=verdict,
            reason=reason,
            at=self.tx.now,
            enrolment_id=run.id if run else None,
            inputs=inputs or {},
            until=until,
        )


def _came_back(latest: Enrolment, refused: Decision | None) -> bool:
    """The member's last run was over when they were refused: that is what is asked about."""
    if refused is None or latest.ended_at is None or latest.arm == "holdout":
        return False
    return refused.enrolment_id != latest.id and refused.at >= latest.ended_at


# --- in the campaign ----------------------------------------------------------------------------


def _of_run(asked: _Asked, run: Enrolment) -> Decision:
    mine = [d for d in asked.record.decisions if d.enrolment_id == run.id]
    if run.arm == "holdout":
        return _last(mine) or asked.said("holdout", run=run)
    if run.state == "held":
        return asked.said("campaign_paused", step=run.position.node or "end", run=run)
    unsent = _unsent(asked, run)
    if run.state != "ended":
        return unsent or _under_way(asked, run)
    end = _last(d for d in mine if d.verdict == "ended")
    if end is not None and end.reason != "journey_ended":
        return end
    if unsent is not None:
        return unsent
    closed = _last(d for d in mine if d.reason in ("met", "missed", "skipped"))
    if closed is not None and closed.reason == "missed":
        return _missed(asked, run, closed, mine)
    undone = _last(d for d in mine if d.reason in ("goal_undone", "goal_met"))
    if undone is not None and undone.reason == "goal_undone":
        return undone
    return _got(asked, run)


def _under_way(asked: _Asked, run: Enrolment) -> Decision:
    """It has not come to it yet; where it should have, somebody has to look."""
    due = run.wake_at or run.admitted_at
    if due <= asked.tx.now - STUCK_AFTER:
        step = run.position.node or "entry"
        return asked.said("stands_still", {"due": due.isoformat()}, step=step, run=run)
    if run.state == "admitted":
        return asked.said("about_to_begin", {"entry": run.entry_key}, run=run)
    step, until = run.position.node or "end", run.position.until
    missing = open_goals(asked.tx, run)
    if not missing:
        return asked.said("resting", step=step, run=run, until=until or run.wake_at)
    return asked.said("still_waiting", {"missing": missing}, step=step, run=run, until=until)


def _missed(asked: _Asked, run: Enrolment, closed: Decision, mine: Sequence[Decision]) -> Decision:
    opened = _last(d for d in mine if d.reason == "wait_opened" and d.step_id == closed.step_id)
    if opened is None or opened.until is None:
        return closed
    reason, inputs = missed_act(asked.tx, run, closed.step_id, opened)
    if reason is None:
        return closed
    return asked.said(reason, inputs, step=closed.step_id, run=run, until=opened.until)


def _got(asked: _Asked, run: Enrolment) -> Decision:
    sent = sum(m["status"] == "sent" for m in asked.record.messages if m["enrolment_id"] == run.id)
    mine = [d for d in asked.record.decisions if d.enrolment_id == run.id]
    back = {d.key for d in mine if d.reason == "given_twice"}
    others = sum(
        d.inputs["points"]
        for d in mine
        if d.inputs.get("to") == "inviter" and bonus_undone(d.key) not in back
    )
    own = run.granted_points - others
    figures = {"points": own, "inviter": others, "sent": sent, "outcome": run.outcome}
    return asked.said("got_it_with_inviter" if others else "got_it", figures, run=run)


# --- messages -----------------------------------------------------------------------------------


def _unsent(asked: _Asked, run: Enrolment | None) -> Decision | None:
    """The latest message, where it did not go out."""
    wanted = run.id if run else None
    mine = [m for m in asked.record.messages if m["enrolment_id"] == wanted]
    if not mine or mine[0]["status"] == "sent":
        return None
    return _message(asked, mine[0], run)


def _message(asked: _Asked, message: Mapping[str, Any], run: Enrolment | None) -> Decision | None:
    step, status = _step(message), message["status"]
    inputs = {"message": message["message"], "channel": message["channel"]}
    held = [v for v in message["verdicts"] if v["verdict"] != "send"]
    if status in _PUT_OFF and held:
        verdict, last = _PUT_OFF[status], held[-1]
        return asked.said(
            last["reason"], inputs, step=step, verdict=verdict, run=run, until=last["until"]
        )
    if status == "failed":
        error = {"error": message["last_error"] or "–"}
        return asked.said("message_failed", inputs | error, step=step, run=run)
    if status == "unknown":
        return asked.said("message_unknown", inputs, step=step, run=run)
    due = {"due": message["due_at"].isoformat()}
    return asked.said("message_in_line", inputs | due, step=step, run=run)


def _step(message: Mapping[str, Any]) -> str:
    """The step that said it: its key is `<run>:<step>:<occurrence>:<channel>`."""
    run, key = message["enrolment_id"], str(message["key"])
    if run and key.startswith(f"{run}:"):
        return key[len(run) + 1 :].partition(":")[0]
    return str(message["message"])


def _announced(asked: _Asked) -> Decision | None:
    """What campaigns say and give outside of journeys: announcements, and claims of an offer."""
    claims = [d for d in asked.record.decisions if d.step_id == "claim"]
    if claims:
        return claims[-1]
    if (unsent := _unsent(asked, None)) is not None:
        return unsent
    sent = sum(m["status"] == "sent" for m in asked.record.messages)
    if sent:
        return asked.said("got_told", {"sent": sent})
    return _last(d for d in asked.record.decisions if d.step_id != "entry")


def _last(decisions: Iterable[Decision]) -> Decision | None:
    return next(reversed(list(decisions)), None)
