"""The read-model port: what people look at, asked of one snapshot each.

Answers are plain JSON-ready mappings except for instants, which stay aware datetimes. Pages go by
an opaque `after`: the id or number of the last row seen. Nothing here changes anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from api.health_reads import HealthReads
from api.repair_reads import Repairs
from loyalty.estimate import EstimateFacts
from loyalty.finding import Sought
from loyalty.journeys.compiled import Compiled
from loyalty.ledger import StatementLine
from loyalty.records import Decision
from loyalty.why_not import Record

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunSearch:
    """Which runs to find; what is none does not narrow."""

    member_id: str | None = None
    campaign_id: str | None = None
    state: str | None = None
    stuck: bool = False  # its wake-up is long past: somebody should look
    after: str = ""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class ActSearch:
    """Which acts of the audit trail to show; what is none does not narrow.

    `actor` is an id, a name or an e-mail address; `action` may be the first part of one.
    """

    actor: str | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # exclusive
    before: int | None = None
    limit: int = 50


class Proofs(Protocol):
    """What a stranger checks the ledger's log with; hashes are hex."""

    def checkpoint(self) -> View | None:
        """The latest signed one: size, root, at, note."""
        ...

    def inclusion(self, key: str) -> View | None:
        """That a transaction is in the log: key, sealed, leaf, index, size, root, proof,
        checkpoint (a note, or none where none covers it yet)."""
        ...

    def consistency(self, old_size: int, size: int | None) -> View:
        """That the log only grew: from_size, from_root, from_checkpoint, to_size, to_root,
        to_checkpoint, proof. Raises Invalid for sizes that it never had."""
        ...


class MemberLists(Protocol):
    """Everything of one member, newest first; `after` and `before` name the last row seen."""

    def runs(self, member_id: str, *, after: str, limit: int) -> Sequence[View]: ...
    def cards(self, member_id: str, *, after: str, limit: int) -> Sequence[View]: ...
    def coupons(self, member_id: str, *, after: str, limit: int) -> Sequence[View]: ...
    def receipts(self, member_id: str, *, before: int | None, limit: int) -> Sequence[View]:
        """Purchases and refunds, with the key and points of what the ledger made of each."""
        ...

    def messages(
        self, member_id: str, *, after: str, limit: int, campaign_id: str | None = None
    ) -> Sequence[View]:
        """With `verdicts`; no address, no text."""
        ...

    def claims(self, member_id: str, *, after: str, limit: int) -> Sequence[View]: ...
    def refused_claims(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        """Claims that took nothing: of each offer and reason, which are the `key`, the last."""
        ...

    def till_holds(self, member_id: str, *, after: str, limit: int) -> Sequence[View]: ...
    def adjustments(self, member_id: str, *, after: str, limit: int) -> Sequence[View]: ...
    def moves(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        """Mergers, gifts and an erasure that the member had a part in, each with its `key`."""
        ...


class Reads(Protocol):
    @property
    def proofs(self) -> Proofs: ...

    @property
    def of_member(self) -> MemberLists: ...

    @property
    def repairs(self) -> Repairs: ...

    @property
    def health(self) -> HealthReads: ...

    def find(self, sought: Sought) -> Sequence[View]:
        """Everything a typed text names: kind, id, by, title, member_id, campaign_id, detail."""
        ...

    def record_of(self, member_id: str, campaign_id: str) -> Record | None:
        """What is on record of a member in a campaign; none where there is no such member."""
        ...

    def slip(self, key: str) -> View | None:
        """A ledger transaction as in `transaction`, with all that explains it: `original`,
        `reversals`, `hold`, `event` and `campaign`, each where there is one."""
        ...

    def message_text(self, key: str) -> View | None:
        """A message with what was said: subject, body, locale, variables, and `texts`, all of
        the campaign version's, for one that was not sent yet."""
        ...

    def member_view(self, member_id: str) -> View | None:
        """A member's row with `consents`: [{channel, purpose, granted, at}]."""
        ...

    def statement(
        self, member_id: str, *, before: int | None, limit: int
    ) -> Sequence[StatementLine]:
        """Newest first; `before` is the seq of the last line seen."""
        ...

    def inbox_of(self, member_id: str, *, after: str, limit: int) -> Sequence[View]:
        """In-app messages that were sent, newest first: key, campaign_id, subject, body,
        sent_at, read_at. `after` is the key of the last one seen."""
        ...

    def campaigns(
        self,
        *,
        state: str | None,
        after: str,
        limit: int,
        text: str = "",
        awaiting: bool = False,
    ) -> Sequence[View]:
        """By id; `text` stands in the id or the name. `awaiting`: drafts whose launch a second
        person has to approve."""
        ...

    def campaign_report(self, campaign_id: str) -> View | None:
        """The campaign's row with its version's values, and its figures under `report`:
        evaluated, held_out, enrolled, live, outcomes, points, messages, claims."""
        ...

    def campaign_figures(self, campaign_id: str) -> View | None:
        """What a campaign is watched by, as counted: see `loyalty/campaign_watch.py`."""
        ...

    def decisions_of(self, member_id: str, campaign_id: str) -> Sequence[Decision]:
        """Oldest first; also for members who were not admitted."""
        ...

    def search_runs(self, search: RunSearch) -> Sequence[View]:
        """By id, ascending: id, campaign_id, template, member_id, version, arm, state, outcome,
        admitted_at, ended_at, wake_at, granted_points."""
        ...

    def run(self, run_id: str) -> View | None:
        """One run's row, with `decisions` (Decision rows), `messages`, `commands` and `waits`."""
        ...

    def messages_of_run(self, run_id: str) -> Sequence[View]:
        """Every message of a run, oldest first, with `verdicts`; no address, no text."""
        ...

    def transaction(self, key: str) -> View | None:
        """A ledger transaction: key, kind, at, effective_at, reverses, hold_id, campaign_id,
        meta (the breakdown), answer, entries."""
        ...

    def adjustments(self, *, status: str | None, after: str, limit: int) -> Sequence[View]:
        """Corrections, newest first; `after` is the id of the last one seen."""
        ...

    def adjustment(self, id: str) -> View | None: ...

    def acts(self, sought: ActSearch) -> Sequence[View]:
        """Newest first: id, at, actor, actor_name, action, target, reason, detail."""
        ...


class Estimates(Protocol):
    def facts(self, campaign_id: str, rules: Compiled) -> EstimateFacts:
        """What the campaign would meet if it were launched now."""
        ...


class MessageDesk(Protocol):
    """The two acts on messages that are not a journey's."""

    def mark_read(self, member_id: str, key: str) -> bool:
        """False when the member has no such in-app message; reading twice changes nothing."""
        ...

    def resend(self, key: str, *, actor: str, reason: str) -> View:
        """Queue again a message whose fate is unknown; raises Unknown, or WrongState otherwise."""
        ...
