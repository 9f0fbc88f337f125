"""Each part of the system is judged by its threshold, with the advice that fits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loyalty.health import ChannelFacts, Facts, QueueFacts, findings, judge, worst

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
FINE = Facts(
    now=NOW,
    relay_due=0,
    relay_seconds=0.0,
    parked=0,
    queues=(QueueFacts("workflow", 0, 0.0, 2), QueueFacts("activity", 0, 0.0, 2)),
    latency_ms=2.0,
    connections=10,
    connections_most=100,
    database_bytes=10**9,
    wal_bytes=10**6,
    in_line=0,
    channels=(ChannelFacts("email", sent=100),),
    verified_at=NOW - HOUR,
    verified_ok=True,
    log_size=1000,
    sealed_size=1000,
    sealed_at=NOW - 3 * HOUR,
)


def email(**figures: Any) -> dict[str, Any]:
    return {"channels": (ChannelFacts("email", **figures),)}


def queue(waiting: int = 0, seconds: float = 0.0, workers: int = 2) -> dict[str, Any]:
    return {"queues": (QueueFacts("workflow", waiting, seconds, workers),)}


@pytest.mark.parametrize(
    ("changed", "part", "state", "advice"),
    [
        ({"relay_seconds": 60.0}, "relay", "good", "fine"),
        ({"relay_seconds": 61.0}, "relay", "attention", "relay_behind"),
        ({"relay_seconds": 301.0}, "relay", "bad", "relay_behind"),
        ({"parked": 1}, "parked", "attention", "rows_parked"),
        ({"queues": None}, "temporal", "bad", "temporal_away"),
        (queue(workers=0), "workers", "bad", "no_worker"),
        (queue(5, 31.0), "tasks", "attention", "tasks_behind"),
        (queue(5, 301.0), "tasks", "bad", "tasks_behind"),
        (queue(0, 301.0), "tasks", "good", "fine"),
        ({"latency_ms": None}, "database", "bad", "database_away"),
        ({"latency_ms": 51.0}, "database", "attention", "database_slow"),
        ({"latency_ms": 501.0}, "database", "bad", "database_slow"),
        ({"connections": 71}, "database", "attention", "connections_short"),
        ({"connections": 91}, "database", "bad", "connections_short"),
        ({"connections": None, "connections_most": None}, "database", "good", "fine"),
        ({"wal_bytes": 2**30}, "database", "attention", "wal_grows"),
        ({"wal_bytes": None}, "database", "good", "fine"),
        ({"in_line": 501}, "intake", "attention", "intake_behind"),
        ({"in_line": 4_001}, "intake", "bad", "intake_behind"),
        (email(sent=1, failed=4), "channel.email", "good", "fine"),
        (email(sent=95, failed=5), "channel.email", "good", "fine"),
        (email(sent=94, failed=6), "channel.email", "attention", "channel_fails"),
        (email(sent=5, failed=5), "channel.email", "bad", "channel_fails"),
        (email(waiting=1, oldest_seconds=301.0), "channel.email", "attention", "channel_behind"),
        (email(sent=9, unknown=1), "channel.email", "attention", "fate_unknown"),
        ({"verified_at": None, "verified_ok": None}, "verification", "attention", "never_verified"),
        ({"verified_ok": False}, "verification", "bad", "ledger_broken"),
        ({"verified_at": NOW - 49 * HOUR}, "verification", "attention", "verify_again"),
        ({"sealed_at": None, "sealed_size": None}, "seal", "attention", "never_sealed"),
        ({"sealed_size": 990}, "seal", "attention", "seal_old"),
        ({"sealed_size": 990, "sealed_at": NOW - 25 * HOUR}, "seal", "bad", "seal_old"),
        ({"sealed_size": 990, "sealed_at": NOW}, "seal", "good", "fine"),
        ({"log_size": 0, "sealed_size": None, "sealed_at": None}, "seal", "good", "nothing_yet"),
    ],
)
def test_a_part_is_judged_by_its_threshold(
    changed: dict[str, Any], part: str, state: str, advice: str
) -> None:
    """Nothing is said of the others, and the whole is as good as its worst part."""
    parts = judge(replace(FINE, **changed))

    found = {each.part: each for each in parts}
    assert (found[part].state, found[part].advice) == (state, advice)
    others = {each.state for each in parts if each.part not in (part, "backup")}
    assert others == {"good"}
    assert worst(parts) == state


def test_backups_are_not_ours_to_judge() -> None:
    """Nobody told us when the last one was made, so nothing is claimed."""
    backup = judge(FINE)[-1]

    assert (backup.part, backup.state) == ("backup", "unknown")
    assert worst(judge(FINE)) == "good"


def test_findings_are_what_needs_somebody_the_worst_first() -> None:
    """What is well, and what nobody could say, is left out."""
    troubled = replace(FINE, parked=2, relay_seconds=90.0, queues=None)

    assert [each.part for each in findings(judge(troubled))] == ["temporal", "relay", "parked"]
    assert findings(judge(FINE)) == []
