"""How the programme is: each part judged by plain thresholds, with what to do about it.

Pure, so that the page, the API and their tests judge alike. `advice` is a stable code;
`api/console/health_words.py` says it in words.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

State = Literal["good", "attention", "bad", "unknown"]

LAG_SECONDS = (60, 300)
"""Rows for Temporal: a nudge takes a second, so a minute is a sign and five minutes are a fault."""
BACKLOG_SECONDS = (30, 300)
LATENCY_MS = (50, 500)
CONNECTIONS_SHARE = (0.7, 0.9)
WAL_BYTES = (512 * 2**20, 4 * 2**30)
IN_LINE = (500, 4_000)
"""Events waiting to be recorded; from 5,000 on tills are told to come again."""
MESSAGE_LAG_SECONDS = (300, 3_600)
FAILED_SHARE = (0.05, 0.25)
FAILED_LEAST = 5
"""One failure of two sends is a wrong address, not a channel that is down."""
VERIFIED_WITHIN = timedelta(hours=48)
SEALED_WITHIN = (timedelta(hours=1), timedelta(hours=24))


@dataclass(frozen=True, slots=True)
class Judged:
    """One part of the system: how it is, by which figures, and what to do."""

    part: str
    state: State
    advice: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    list: str | None = None  # the repair list, where there is one


@dataclass(frozen=True, slots=True)
class QueueFacts:
    kind: str
    waiting: int
    oldest_seconds: float
    workers: int


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """A channel's last hour, what waits for it now, and since when."""

    channel: str
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    waiting: int = 0
    oldest_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured; none = nobody could say."""

    now: datetime
    relay_due: int
    relay_seconds: float
    parked: int
    queues: Sequence[QueueFacts] | None
    latency_ms: float | None
    connections: int | None
    connections_most: int | None
    database_bytes: int | None
    wal_bytes: int | None
    in_line: int
    channels: Sequence[ChannelFacts]
    verified_at: datetime | None
    verified_ok: bool | None
    log_size: int
    sealed_size: int | None
    sealed_at: datetime | None


def judge(facts: Facts) -> list[Judged]:
    """Every part, in the order in which events pass through them."""
    return [
        _intake(facts),
        _relay(facts),
        _parked(facts),
        *_temporal(facts),
        _database(facts),
        *(_channel(each) for each in facts.channels),
        _verification(facts),
        _seal(facts),
        Judged("backup", "unknown", "backup_not_known"),
    ]


def worst(parts: Sequence[Judged]) -> State:
    """The state of the whole: what nobody could say does not count as trouble."""
    states = [each.state for each in parts]
    return "bad" if "bad" in states else "attention" if "attention" in states else "good"


def findings(parts: Sequence[Judged]) -> list[Judged]:
    """What needs somebody, the worst first; nothing when all is well."""
    return [each for state in ("bad", "attention") for each in parts if each.state == state]


def _level(value: float, limits: tuple[float, float]) -> State:
    return "bad" if value > limits[1] else "attention" if value > limits[0] else "good"


def _intake(facts: Facts) -> Judged:
    state = _level(facts.in_line, IN_LINE)
    return Judged("intake", state, _or_fine(state, "intake_behind"), {"waiting": facts.in_line})


def _relay(facts: Facts) -> Judged:
    state = _level(facts.relay_seconds, LAG_SECONDS)
    figures = {"due": facts.relay_due, "seconds": facts.relay_seconds}
    return Judged("relay", state, _or_fine(state, "relay_behind"), figures)


def _parked(facts: Facts) -> Judged:
    state: State = "attention" if facts.parked else "good"
    figures = {"parked": facts.parked}
    return Judged("parked", state, _or_fine(state, "rows_parked"), figures, "parked_rows")


def _temporal(facts: Facts) -> Iterator[Judged]:
    if facts.queues is None:
        yield Judged("temporal", "bad", "temporal_away")
        return
    workers = max((each.workers for each in facts.queues), default=0)
    state: State = "good" if workers else "bad"
    yield Judged("workers", state, _or_fine(state, "no_worker"), {"workers": workers})
    waiting = sum(each.waiting for each in facts.queues)
    oldest = max((each.oldest_seconds for each in facts.queues if each.waiting), default=0.0)
    state = _level(oldest, BACKLOG_SECONDS)
    figures = {"waiting": waiting, "seconds": oldest}
    yield Judged("tasks", state, _or_fine(state, "tasks_behind"), figures, "stuck_runs")


def _database(facts: Facts) -> Judged:
    figures = {
        "ms": facts.latency_ms,
        "bytes": facts.database_bytes,
        "wal_bytes": facts.wal_bytes,
        "connections": facts.connections,
        "connections_most": facts.connections_most,
    }
    if facts.latency_ms is None:
        return Judged("database", "bad", "database_away", figures)
    if (state := _level(facts.latency_ms, LATENCY_MS)) != "good":
        return Judged("database", state, "database_slow", figures)
    if facts.connections is not None and facts.connections_most:
        share = facts.connections / facts.connections_most
        if (state := _level(share, CONNECTIONS_SHARE)) != "good":
            return Judged("database", state, "connections_short", figures)
    state = _level(facts.wal_bytes or 0, WAL_BYTES)
    return Judged("database", state, _or_fine(state, "wal_grows"), figures)


def _channel(facts: ChannelFacts) -> Judged:
    part = f"channel.{facts.channel}"
    figures = {
        name: getattr(facts, name)
        for name in ("sent", "failed", "unknown", "waiting", "oldest_seconds")
    }
    tried = facts.sent + facts.failed + facts.unknown
    if facts.failed >= FAILED_LEAST:
        state = _level(facts.failed / tried, FAILED_SHARE)
        if state != "good":
            return Judged(part, state, "channel_fails", figures, "failed_messages")
    if (state := _level(facts.oldest_seconds, MESSAGE_LAG_SECONDS)) != "good":
        return Judged(part, state, "channel_behind", figures, "deferred_messages")
    if facts.unknown:
        return Judged(part, "attention", "fate_unknown", figures, "unknown_messages")
    return Judged(part, "good", "fine", figures)


def _verification(facts: Facts) -> Judged:
    figures = {"at": facts.verified_at, "ok": facts.verified_ok}
    part, mismatches = "verification", "ledger_mismatches"
    if facts.verified_at is None:
        state: State = "attention" if facts.log_size else "good"
        return Judged(part, state, "never_verified" if facts.log_size else "nothing_yet", figures)
    if not facts.verified_ok:
        return Judged(part, "bad", "ledger_broken", figures, mismatches)
    late = facts.now - facts.verified_at > VERIFIED_WITHIN
    return Judged(
        part, "attention" if late else "good", "verify_again" if late else "fine", figures
    )


def _seal(facts: Facts) -> Judged:
    unsealed = facts.log_size - (facts.sealed_size or 0)
    figures = {"size": facts.sealed_size, "at": facts.sealed_at, "unsealed": unsealed}
    if not facts.log_size:
        return Judged("seal", "good", "nothing_yet", figures)
    if facts.sealed_at is None:
        return Judged("seal", "attention", "never_sealed", figures)
    if not unsealed:
        return Judged("seal", "good", "fine", figures)
    age = facts.now - facts.sealed_at
    state: State = (
        "bad" if age > SEALED_WITHIN[1] else "attention" if age > SEALED_WITHIN[0] else "good"
    )
    return Judged("seal", state, _or_fine(state, "seal_old"), figures)


def _or_fine(state: State, advice: str) -> str:
    return "fine" if state == "good" else advice
