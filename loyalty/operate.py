"""What an operator may do to one journey: look again, end a wait, or cancel; always with a reason.

The command is a row that the journey's next turn obeys, and outbox rows that start its workflow
where it left off, should it be gone, and wake it: a command given while Temporal is down, or to a
run whose workflow died, is carried out all the same.
"""

from typing import Any, Literal

from loyalty.errors import Unknown, WrongState
from loyalty.ports import Transaction
from loyalty.reconcile import start_again

Command = Literal["retry", "skip", "cancel"]


def command(
    tx: Transaction, enrolment_id: str, command: Command, reason: str, actor: str
) -> dict[str, Any]:
    """Ask a running journey to `retry`, `skip` its present wait or `cancel`."""
    found = tx.enrolments.get(enrolment_id)
    if found is None:
        raise Unknown("run", enrolment_id)
    tx.members.lock(found.member_id)
    enrolment = tx.enrolments.lock(enrolment_id)
    if enrolment.state == "ended":
        raise WrongState(
            f"Run {enrolment_id!r} ended as {enrolment.outcome!r}; nothing is left to {command}.",
            state=enrolment.state,
            outcome=enrolment.outcome,
        )
    if command == "skip" and enrolment.position.until is None:
        raise WrongState(
            f"Run {enrolment_id!r} is not waiting, so there is no wait to skip.",
            state=enrolment.state,
        )
    number = tx.enrolments.add_command(enrolment_id, command, reason, actor)
    # A run whose step failed for good, or whose workflow somebody ended, hears no nudge any more.
    start_again(tx, enrolment, f"{command} by operator")
    tx.audit.add(actor, f"run.{command}", enrolment_id, reason)
    return {"run": enrolment_id, "command": command, "number": number}
