"""One act on one thing of a repair list: each goes through the use case it always went through."""

from loyalty.errors import Unknown
from loyalty.exchange_order import settle
from loyalty.operate import command
from loyalty.ports import Transaction
from loyalty.refused_events import replay
from loyalty.repairs import RepairJob


def carry_out(tx: Transaction, job: RepairJob, target: str) -> str:
    """Do what the job asks to one target and say how it ended; raises what refuses it."""
    reason, actor = job.reason, job.actor
    match job.act:
        case "retry" | "skip" | "cancel":
            command(tx, target, job.act, reason, actor)  # writes its own audit row
            return "asked"
        case "resend":
            tx.repairs.resend(target)
            outcome = "queued"
        case "give_back":
            outcome = str(settle(tx, target, turn=0).get("outcome", "reserved"))
        case "replay" if job.list == "parked_rows":
            tx.repairs.revive(_number(target))
            outcome = "in line"
        case "replay":
            answer = replay(tx, target)
            outcome = "recorded before" if answer.get("replayed") else "recorded"
        case "set_aside":
            tx.repairs.set_aside(job.list, target, reason, actor)
            outcome = "set aside"
    said = {"job": job.id, "list": job.list, "outcome": outcome}
    tx.audit.add(actor, _ACTION[job.act], target, reason, said)
    return outcome


_ACTION = {
    "resend": "message.resend",
    "give_back": "claim.give_back",
    "replay": "repair.replay",
    "set_aside": "repair.set_aside",
}


def _number(target: str) -> int:
    if not target.isdecimal() or len(target) > 18:
        raise Unknown("outbox row", target)
    return int(target)
