"""What the domain needs from outside, as nouns. `storage/` answers most of it.

A `Transaction` is everything that one commit may touch; a use case takes one and never commits.
Lock order, always: the member, then enrolment or claim, then ledger accounts, then campaigns.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from loyalty.audiences.asked import Asked, History
from loyalty.audiences.preview import AudienceSize
from loyalty.earning.version import RulesVersion
from loyalty.expiry_policy import Notice
from loyalty.ledger import Balance, Posted
from loyalty.member_moves import Adjustment, MemberMove, MoveKind
from loyalty.members import ConsentSource, Mark, Member
from loyalty.messages import ContactStanding, NewMessage, Queued
from loyalty.offers import Claim, Offer, OfferState, Standing
from loyalty.programme import Programme
from loyalty.records import (
    Campaign,
    CardHeld,
    Decision,
    Enrolment,
    InboxEvent,
    LaunchRequest,
    OperatorCommand,
    Version,
)
from loyalty.refused_claim import RefusedClaim
from loyalty.refused_event import RefusedEvent
from loyalty.repairs import ListName, RepairItem, RepairJob
from loyalty.template_version import TemplateLine, TemplateVersion
from loyalty.templates import Template
from loyalty.tiers.standing import Held, TierReview
from loyalty.till.hold import TillHold, TillReturn

T = TypeVar("T")


class Clock(Protocol):
    def now(self) -> datetime: ...


class Ledger(Protocol):
    """The points ledger: append-only, each key once, balance never below zero."""

    def earn(
        self,
        key: str,
        member_id: str,
        points: int,
        *,
        kind: str = "earn",
        expires_at: datetime | None = None,
        source: str = "purchase",
        campaign_id: str | None = None,
        effective_at: datetime | None = None,
        available_at: datetime | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Posted: ...
    def burn(
        self, key: str, member_id: str, points: int, *, meta: Mapping[str, Any] | None = None
    ) -> Posted: ...
    def hold(self, key: str, member_id: str, points: int, *, expires_at: datetime) -> Posted: ...
    def confirm(self, hold_id: str, key: str, points: int | None = None) -> Posted: ...
    def release(self, hold_id: str, key: str) -> Posted: ...
    def free_overdue(self, member_id: str) -> int:
        """Give holds back that are past their deadline; how many."""
        ...

    def reverse(
        self,
        key: str,
        transaction_key: str,
        points: int | None = None,
        policy: str = "debt",
        *,
        reinstate_until: datetime | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> Posted: ...
    def expire(
        self, member_id: str, before: datetime, key: str | None = None, *, undated: int = 0
    ) -> Posted | None: ...
    def prolong(
        self, key: str, member_id: str, expires_at: datetime, until: datetime, points: int
    ) -> Posted: ...
    def lapsing(self, member_id: str, until: datetime) -> Sequence[tuple[datetime, int]]:
        """Free points by the instant they lapse, lapsed ones too."""
        ...

    def undated(self, member_id: str) -> int: ...
    def undated_given_at(self, member_id: str) -> datetime | None:
        """When the member, or who was merged into them, was last given points without a date."""
        ...

    def transfer(
        self,
        key: str,
        member_id: str,
        to_member_id: str,
        points: int,
        *,
        kind: str = "transfer",
        everything: bool = False,
        meta: Mapping[str, Any] | None = None,
    ) -> Posted: ...
    def adjust(
        self,
        key: str,
        member_id: str,
        points: int,
        *,
        expires_at: datetime | None = None,
        meta: Mapping[str, Any],
    ) -> Posted: ...
    def forfeit(
        self, key: str, member_id: str, *, meta: Mapping[str, Any] | None = None
    ) -> Posted: ...
    def transaction(self, key: str) -> Posted:
        """The answer given for a key; raises Unknown."""
        ...

    def balance(self, member_id: str) -> Balance: ...
    def balances(self, member_ids: Sequence[str]) -> Mapping[str, Balance]: ...


class Members(Protocol):
    def get(self, member_id: str) -> Member | None: ...
    def lock(self, member_id: str) -> Member:
        """The member, locked first of all rows; raises Unknown."""
        ...

    def add(self, member: Member, body_hash: str, answer: Mapping[str, Any]) -> None: ...
    def stored(self, member_id: str) -> tuple[str, Mapping[str, Any]] | None:
        """Body hash and first answer of a registration, for repeats."""
        ...

    def history(self, member_ids: Sequence[str], asked: Asked) -> Mapping[str, History]:
        """What these members did, as far as conditions ask for it."""
        ...

    def audience_size(self, condition: str | None) -> AudienceSize:
        """Active members who fit a condition now: how many, ten of them, by channel reached."""
        ...

    def found_by(self, mark: Mark, value: str) -> Sequence[str]:
        """Ids of active members with this card or phone, two at most."""
        ...

    def save(self, member: Member) -> None: ...
    def page(self, after: str, limit: int) -> Sequence[Member]:
        """Active members by id, for audiences."""
        ...

    def set_consent(
        self, member_id: str, channel: str, purpose: str, granted: bool, source: ConsentSource
    ) -> None: ...
    def behind_link(self, token: str) -> Member | None:
        """Whose e-mails carry this link to unsubscribe; none for one that leads nowhere."""
        ...


class Inbox(Protocol):
    def find(self, source: str, event_id: str) -> InboxEvent | None: ...
    def add(self, event: InboxEvent) -> int:
        """Record it and return its number: that of the event, or the next if it has none.

        One without a number is answered later.
        """
        ...

    def number(self) -> int:
        """The next number, for an event that is answered before it is recorded."""
        ...

    def answer(self, seq: int, answer: Mapping[str, Any]) -> None: ...
    def get(self, seq: int) -> InboxEvent | None: ...
    def last_at(self, member_id: str, type: str) -> datetime | None:
        """When the member's last event of a type occurred, whatever was taken back of it."""
        ...

    def refunds_of(self, seq: int) -> Sequence[InboxEvent]: ...
    def refunded(self, seq: int, total_minor: int) -> None: ...
    def between(
        self, member_id: str, types: Iterable[str], after: datetime, before: datetime
    ) -> Sequence[InboxEvent]:
        """A member's events of these types with after < occurred_at < before, by time then seq."""
        ...


class Cards(Protocol):
    def add(self, card: CardHeld) -> None: ...
    def at(self, member_id: str, instant: datetime) -> Sequence[CardHeld]: ...
    def coupon(
        self, key: str, member_id: str, campaign_id: str, coupon: str, ends_at: datetime
    ) -> None: ...


class Campaigns(Protocol):
    def get(self, campaign_id: str) -> Campaign | None: ...
    def lock(self, campaign_id: str) -> Campaign: ...
    def add(self, campaign: Campaign) -> None: ...
    def save(self, campaign: Campaign) -> None:
        """State, version, position, turn, wake_at and budget limit; never the budget counters."""
        ...

    def add_version(self, version: Version) -> None: ...
    def version(self, campaign_id: str, version: int) -> Version: ...
    def versions(self, campaign_id: str) -> Sequence[Version]:
        """All of a campaign, newest first."""
        ...

    def keep_template(self, template: Template) -> None:
        """Put a template on record as a version is made of it; once for each content."""
        ...

    def kept_template(self, hash: str) -> Template:
        """By its content; raises Unknown."""
        ...

    def remove(self, campaign_id: str) -> None:
        """Forget a draft and its request; its versions stay on record."""
        ...

    def launch_request(self, campaign_id: str) -> LaunchRequest | None: ...
    def save_launch_request(self, request: LaunchRequest) -> None:
        """In place of an earlier one."""
        ...

    def drop_launch_request(self, campaign_id: str) -> None: ...
    def entered_by(self, event_type: str) -> Sequence[tuple[Campaign, Version]]:
        """Launched or paused campaigns whose entry is this event type."""
        ...

    def reserve(self, campaign_id: str, points: int) -> bool:
        """Take room in the budget; false when it does not fit (one conditional update)."""
        ...

    def spend(self, campaign_id: str, *, granted: int, reserved: int) -> None:
        """Move the counters by these deltas."""
        ...


class Enrolments(Protocol):
    def get(self, enrolment_id: str) -> Enrolment | None: ...
    def lock(self, enrolment_id: str) -> Enrolment: ...
    def for_turn(self, enrolment_id: str) -> tuple[Enrolment, Campaign, bool]:
        """The enrolment, locked, its campaign, and whether operators asked something of it."""
        ...

    def add(self, enrolment: Enrolment) -> bool:
        """False when (campaign, member, entry) is there already."""
        ...

    def save(self, enrolment: Enrolment) -> None: ...
    def of_member(self, campaign_id: str, member_id: str) -> Sequence[Enrolment]: ...
    def waiting_for(self, member_id: str, event_type: str) -> Sequence[Enrolment]:
        """Live enrolments with an open wait on this type, locked, by id."""
        ...

    def live(self, campaign_id: str, after: str, limit: int) -> Sequence[Enrolment]: ...
    def running(self, member_id: str) -> Sequence[Enrolment]:
        """A member's live enrolments in all campaigns, locked, by id."""
        ...

    def count_live(self, campaign_id: str) -> int: ...
    def open_wait(
        self,
        enrolment: Enrolment,
        event_types: Iterable[str],
        since: datetime,
        until: datetime,
        closes_at: datetime,
    ) -> None: ...
    def close_wait(self, enrolment_id: str) -> None: ...
    def watch_goal(self, enrolment: Enrolment, event_type: str) -> None:
        """From now on the campaign's goal is looked at with each such act of the member."""
        ...

    def goals_watched(self, member_id: str, event_type: str) -> Sequence[Enrolment]:
        """Whose goals such an act can reach or undo: also those of ended and held-out ones."""
        ...

    def goal_met(self, enrolment: Enrolment) -> None:
        """Save `goal_met_at`."""
        ...

    def forget_goal(self, enrolment_id: str) -> None:
        """Look at it no more; what was found stays."""
        ...

    def add_command(self, enrolment_id: str, command: str, reason: str, actor: str) -> int: ...
    def commands(self, enrolment_id: str) -> Sequence[OperatorCommand]:
        """What operators asked for and the journey has not done yet, oldest first."""
        ...

    def command_done(self, command_id: int) -> None: ...


class Decisions(Protocol):
    def add(self, decision: Decision) -> None:
        """Put it on record; one whose key is there already changes nothing."""
        ...

    def add_many(self, decisions: Sequence[Decision]) -> None:
        """The same for several."""
        ...

    def find(self, key: str) -> Decision | None: ...


class Outbox(Protocol):
    def add(
        self,
        kind: str,
        workflow_id: str,
        payload: Mapping[str, Any],
        *,
        available_at: datetime | None = None,
        priority: int = 3,
    ) -> None: ...


class Messages(Protocol):
    def queue_many(self, new: Sequence[NewMessage]) -> list[Queued]:
        """Put messages in line, each key once; the contact gate's verdicts come back in order."""
        ...

    def withdraw(self, keys: Sequence[str]) -> None:
        """Give up those that were not sent yet: what they speak of is over."""
        ...

    def standing(self, member_id: str) -> ContactStanding:
        """What the contact gate would judge a message to the member by, as of now."""
        ...


class Offers(Protocol):
    """Exchange offers and claims; `exchange.py` says what they mean."""

    def get(self, offer_id: str) -> Offer | None: ...
    def add(self, offer: Offer) -> bool:
        """False when the campaign has its offer already."""
        ...

    def move(self, offer_id: str, before: OfferState, after: OfferState) -> bool:
        """Change the state in one conditional update; false when it was not `before`."""
        ...

    def left(self, offer_id: str, quantity: int) -> bool:
        """Lock the offer; whether it is open and so many can be taken."""
        ...

    def counted(self, offer_id: str, member_id: str) -> int:
        """Units that count against the member's limit."""
        ...

    def take(self, claim: Claim) -> None:
        """Take a claim's units from the stock, locked before, and count them for its member."""
        ...

    def give_back(self, claim: Claim) -> None:
        """Return a claim's units to the stock and to its member's limit."""
        ...

    def standing(self, offer_id: str, now: datetime) -> Standing: ...
    def taken(self, offer_id: str, member_ids: Sequence[str], now: datetime) -> Mapping[str, int]:
        """Units each member has reserved or confirmed; overdue reservations do not count."""
        ...

    def claim(self, claim_id: str) -> Claim | None: ...
    def lock_claim(self, claim_id: str) -> Claim:
        """The claim, locked; raises Unknown. Lock its member first."""
        ...

    def claims_of(self, member_id: str, limit: int) -> Sequence[Claim]:
        """A member's claims, newest first."""
        ...

    def overdue(
        self,
        now: datetime,
        limit: int,
        *,
        offer_id: str | None = None,
        member_id: str | None = None,
    ) -> Sequence[Claim]:
        """Overdue reservations, locked; those that somebody else is settling are passed over."""
        ...

    def add_claim(self, claim: Claim) -> None: ...
    def refuse(self, refused: RefusedClaim) -> None:
        """Keep it in the place of the last one of this member, offer and cause."""
        ...

    def settle_claim(self, claim: Claim) -> None:
        """Save `status` and `settled_at`."""
        ...


class Tiers(Protocol):
    """What members held on the ladder and beside it; `tiers/standing.py` says what it means."""

    def at(self, member_id: str, instant: datetime) -> str:
        """The tier that counted for a member at an instant: receipts are judged by it (rule 13)."""
        ...

    def history(self, member_id: str) -> Sequence[Held]:
        """Every row, oldest first."""
        ...

    def history_of_merged(self, member_id: str) -> Sequence[Held]:
        """The rows of ids that were merged into this one: what the person had under them."""
        ...

    def add(self, member_id: str, held: Held) -> int:
        """Add a row to the history and answer with its number."""
        ...

    def count(self, member_id: str, at: datetime, amount: int, source_key: str) -> None:
        """Note what an event adds to the metric, or takes from it; each key once."""
        ...

    def metric(self, member_id: str, since: datetime, before: datetime | None) -> int:
        """The metric over acts with since <= occurred_at < before (none = all since)."""
        ...

    def review_of(self, member_id: str) -> TierReview | None: ...
    def review_at(
        self, member_id: str, due_at: datetime | None, refunded_at: datetime | None
    ) -> None:
        """Have a member looked at then; none = nothing is coming."""
        ...


class Till(Protocol):
    """Holds placed at the till and what came of them; `till/` says what they mean."""

    def get(self, hold_id: str) -> TillHold | None: ...
    def of_purchase(self, source: str, purchase_id: str) -> TillHold | None:
        """The confirmed hold that paid a part of this purchase."""
        ...

    def paying(self, source: str, purchase_id: str) -> TillHold | None:
        """The same, read along with the purchase's event; its member must be locked by then."""
        ...

    def add(self, hold: TillHold) -> None: ...
    def save(self, hold: TillHold) -> None: ...
    def returned(self, key: str) -> TillReturn | None: ...
    def add_return(self, returned: TillReturn) -> None: ...


class EarningRules(Protocol):
    """Versions of the earning rules; the programme's own block is not among them."""

    def at(self, instant: datetime) -> RulesVersion | None:
        """The version that judges what happens then; none = the programme's block."""
        ...

    def listed(self) -> Sequence[RulesVersion]: ...
    def add(self, version: RulesVersion) -> bool:
        """False when its number is taken."""
        ...


class TemplateVersions(Protocol):
    """Templates that marketers wrote themselves; versions are added, never changed."""

    def get(self, name: str, version: int) -> TemplateVersion | None: ...
    def latest(self, name: str) -> TemplateVersion | None: ...
    def of(self, name: str) -> Sequence[TemplateLine]:
        """All versions of a name, newest first."""
        ...

    def listed(self) -> Sequence[TemplateLine]:
        """All versions of all names, by name, newest first."""
        ...

    def count(self) -> int:
        """How many versions there are: it changes with every one that is saved."""
        ...

    def newest(self) -> Mapping[str, int]:
        """The highest version of each name."""
        ...

    def add(self, version: TemplateVersion) -> bool:
        """False when its number is taken."""
        ...


class Counters(Protocol):
    """What members used of earning caps, by counter and period."""

    def used(
        self, member_id: str, counters: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], int]:
        """Points granted, where there are any."""
        ...

    def add(self, member_id: str, moved: Mapping[tuple[str, str], tuple[int, int]]) -> None:
        """Move counters by (wished, granted)."""
        ...


class Notices(Protocol):
    """Which members were told of which expiry, and of how many points (rule 8)."""

    def given(self, member_id: str, expires_at: datetime) -> Notice | None: ...
    def of_undated(self, member_id: str, since: datetime) -> Sequence[Notice]:
        """Those of points without a date, for instants from `since` on, by instant."""
        ...

    def save(self, member_id: str, notice: Notice) -> None:
        """Put it on record, over an earlier one of the same expiry."""
        ...


class MemberMoves(Protocol):
    """Mergers, gifts and erasures, each once by its id, and corrections by two people."""

    def find(self, kind: MoveKind, id: str) -> MemberMove | None: ...
    def add(self, move: MemberMove) -> None: ...
    def gifted(self, member_id: str, since: datetime) -> tuple[int, int]:
        """Points given away and received since an instant."""
        ...

    def take_over(self, member_id: str, into: str, twice: Collection[str]) -> None:
        """Give one member's acts, cards, coupons, messages and journeys to another, add counters.

        Journeys that would count `twice` stay behind, as do those that the other has entered too.
        """
        ...

    def forget(self, member_id: str) -> None:
        """Clear consents, messages, and what events and journeys said, of a member who leaves."""
        ...

    def adjustment(self, id: str) -> Adjustment | None: ...
    def lock_adjustment(self, id: str) -> Adjustment:
        """The proposal, locked; raises Unknown."""
        ...

    def propose(self, adjustment: Adjustment) -> None: ...
    def settle_adjustment(self, adjustment: Adjustment) -> None:
        """Save who approved or declined it, and when."""
        ...


class Repairs(Protocol):
    """What operators mend, and the jobs that do it; `repairs.py` says what they mean."""

    def refused(self, source: str, event_id: str) -> RefusedEvent | None: ...
    def add_refused(self, event: RefusedEvent) -> None:
        """Keep a refused event; one that came before is counted and its reason renewed."""
        ...

    def resend(self, key: str) -> None:
        """Put a failed or unknown message in line again; raises Unknown, WrongState."""
        ...

    def revive(self, row: int) -> None:
        """Put an outbox row that was given up on in line again; raises Unknown, WrongState."""
        ...

    def set_aside(self, list: ListName, target: str, reason: str, actor: str) -> None:
        """Show it in this list no more; the first time counts."""
        ...

    def job(self, id: str) -> RepairJob | None: ...
    def lock_job(self, id: str) -> RepairJob:
        """The job, locked; raises Unknown."""
        ...

    def add_job(self, job: RepairJob, targets: Sequence[str]) -> None: ...
    def save_job(self, job: RepairJob) -> None: ...
    def anything_due(self) -> bool:
        """Whether an item of a job is due; locks nothing."""
        ...

    def due_item(self) -> tuple[RepairJob, RepairItem] | None:
        """The first waiting item of a job that is due; jobs in other hands are passed over."""
        ...

    def item(self, job_id: str, number: int) -> RepairItem: ...
    def save_item(self, item: RepairItem) -> None: ...


class Audit(Protocol):
    """Who did what to which thing, and why: acts of people and of their programs."""

    def add(
        self,
        actor: str,
        action: str,
        target: str,
        reason: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None: ...


class Transaction(Protocol):
    """All that one commit may touch. `now` is the instant the transaction judges by."""

    now: datetime
    programme: Programme
    members: Members
    inbox: Inbox
    cards: Cards
    campaigns: Campaigns
    enrolments: Enrolments
    decisions: Decisions
    outbox: Outbox
    messages: Messages
    offers: Offers
    ledger: Ledger
    earning_rules: EarningRules
    template_versions: TemplateVersions
    counters: Counters
    tiers: Tiers
    notices: Notices
    member_moves: MemberMoves
    till: Till
    repairs: Repairs
    audit: Audit


@dataclass(frozen=True, slots=True)
class Wants:
    """What a unit of work will look at, told beforehand: read for many units at once.

    Members and their books, events by (source, id), ledger transactions by key, offers and claims
    by id. What is not named is read when it is asked for.
    """

    members: tuple[str, ...] = ()
    events: tuple[tuple[str, str], ...] = ()
    keys: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


class Store(Protocol):
    def run(
        self,
        work: Callable[[Transaction], T],
        *,
        now: datetime | None = None,
        wants: Wants | None = None,
    ) -> T:
        """Do `work` whole or not at all, again on deadlock; `now` defaults to the clock's.

        With `wants` it may share its transaction with the work of other callers.
        """
        ...

    def submit(self, work: Callable[[Transaction], T], wants: Wants) -> "Future[T]":
        """The same without waiting for it."""
        ...

    def read(self, work: Callable[[Transaction], T]) -> T: ...
