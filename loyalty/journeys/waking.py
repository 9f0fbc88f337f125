"""Waking journeys: a nudge says only look again, and a turn says how long to sleep."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from loyalty.errors import Unknown
from loyalty.ports import Transaction
from loyalty.records import Enrolment


def member_of(enrolment_id: str) -> str:
    """The member an enrolment's id names: `j/<campaign>/<member>/<entry>`."""
    parts = enrolment_id.split("/", 3)
    if len(parts) != 4 or parts[0] != "j":
        raise Unknown("enrolment", enrolment_id)
    return parts[2]


def nudge(tx: Transaction, enrolment: Enrolment, reason: str, *, priority: int = 1) -> None:
    """Wake a journey to look again; once per turn, since the next turn looks at everything."""
    if enrolment.nudged_turn < enrolment.turn and enrolment.state != "ended":
        wake(tx, enrolment.id, reason, priority=priority)
        tx.enrolments.save(replace(enrolment, nudged_turn=enrolment.turn))


def wake(tx: Transaction, enrolment_id: str, reason: str, *, priority: int) -> None:
    """Wake a journey whose row somebody else may hold.

    The turn that an earlier nudge brought about may have looked before what is told here happened,
    so this one is sent whatever was sent before, and nothing is noted on the row.
    """
    tx.outbox.add("nudge_journey", enrolment_id, {"reason": reason}, priority=priority)


def with_sleep(outcome: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The outcome with the length still to sleep, which depends on when it is asked for."""
    wake_at = outcome.get("wake_at")
    left = (datetime.fromisoformat(wake_at) - now).total_seconds() if wake_at else None
    return {**outcome, "sleep_seconds": None if left is None else max(left, 0.0)}


def go_back_to(turn: int) -> dict[str, Any]:
    """The outcome for a workflow that is ahead: its turns went with what the database lost.

    A database restored from a backup, or taken over by a replica that lagged, knows best.
    """
    return {
        "ended": False,
        "next_turn": turn,
        "sleep_seconds": 0.0,
        "next_summary": "Go back to where the database is",
    }
