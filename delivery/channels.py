"""What every outside channel is to the dispatcher: one call, and four ways it can end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from loyalty.programme import Purpose


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to leave; `key` is the same at every attempt, so repeats can be dropped."""

    key: str
    member_id: str
    address: str
    subject: str
    text: str
    locale: str
    purpose: Purpose
    message: str
    campaign_id: str | None
    variables: Mapping[str, Any]
    unsubscribe_token: str | None = None  # of marketing by e-mail


class Permanent(Exception):
    """Refused for good: the address does not exist, the receiver wants none of it."""


class Temporary(Exception):
    """Nothing was taken; the same may work later, after `retry_after` if the receiver said so."""

    def __init__(self, detail: str, retry_after: timedelta | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unknown(Exception):
    """It may have arrived or not, and a repeat could reach the member twice."""


class Channel(Protocol):
    @property
    def at_once(self) -> int:
        """How many letters may be on their way at a time; the others have not begun."""
        ...

    async def send(self, letter: Letter) -> None:
        """Hand the letter over. Raises Permanent, Temporary or Unknown; returning is success."""
        ...

    async def close(self) -> None: ...
