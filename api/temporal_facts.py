"""What only Temporal knows of the programme's health; `bootstrap` asks it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Failing:
    """Runs that fail in Temporal; `asked` is false where it did not answer."""

    asked: bool
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Worker:
    """Who takes work from a queue, by its own name, and when it last asked for some."""

    identity: str
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskQueue:
    """A queue of ours: what waits in it, since when, and who works on it."""

    kind: Literal["workflow", "activity"]
    waiting: int
    oldest_seconds: float
    workers: tuple[Worker, ...]
