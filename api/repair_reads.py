"""The port of what needs a hand: lists, jobs, and how the last verification ended."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from loyalty.repairs import ListName, Narrowed

View = Mapping[str, Any]


class Repairs(Protocol):
    """The port: what needs a hand, and what is being done about it."""

    def counts(self, lateness: timedelta) -> Mapping[str, int]:
        """How many things each list shows, up to a thousand and one.

        Besides, what waits for a second person: `adjustments` and `launches`.
        """
        ...

    def page(
        self,
        list: ListName,
        lateness: timedelta,
        narrowed: Narrowed,
        *,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[View]:
        """Oldest first: target, at, member_id, campaign_id, kind, detail.

        Of refused events besides: the code, errors and facts that were answered.
        """
        ...

    def targets(
        self, list: ListName, lateness: timedelta, narrowed: Narrowed, *, limit: int
    ) -> Sequence[str]: ...

    def runs(self, ids: Sequence[str]) -> Sequence[View]:
        """Of these runs those that have not ended, as rows of a list."""
        ...

    def jobs(self, *, after: str, limit: int) -> Sequence[View]:
        """Newest first; `after` is the id of the last one seen."""
        ...

    def job(self, id: str) -> View | None: ...
    def items(self, job_id: str, *, state: str | None, after: int, limit: int) -> Sequence[View]:
        """number, target, state, outcome, at."""
        ...

    def verification(self, kind: str) -> View | None:
        """The last one of a kind (sums, log): at, ok, transactions, seconds, findings."""
        ...
