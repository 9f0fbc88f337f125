"""One transaction with everything it may touch: what use cases are given to work with."""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from loyalty import ports
from loyalty.ports import Wants
from loyalty.programme import Programme
from storage.audit import SqlAudit
from storage.batch import Batch
from storage.campaigns import Seen, SqlCampaigns, VersionCache
from storage.cards import SqlCards
from storage.database import Database, passes
from storage.decisions import SqlDecisions
from storage.earning_counters import SqlCounters
from storage.earning_rules import RulesKnown, SqlEarningRules
from storage.enrolments import SqlEnrolments
from storage.expiry_notices import SqlNotices
from storage.inbox import SqlInbox
from storage.ledger import SqlLedger
from storage.member_moves import SqlMemberMoves
from storage.members import SqlMembers
from storage.messages import SqlMessages
from storage.offers import SqlOffers
from storage.outbox import SendingOutbox
from storage.poster import Poster
from storage.repairs import SqlRepairs
from storage.template_versions import SqlTemplateVersions
from storage.tiers import SqlTiers
from storage.till import SqlTill

T = TypeVar("T")


class SqlTransaction:
    """The ports on one open transaction."""

    def __init__(
        self,
        batch: Batch,
        now: datetime,
        programme: Programme,
        versions: VersionCache,
        seen: Seen,
        rules: RulesKnown,
    ) -> None:
        direct = batch.direct
        self._batch = batch
        self.now = now
        self.programme = programme
        self.members: ports.Members = SqlMembers(batch, now, programme)
        self.inbox: ports.Inbox = SqlInbox(batch)
        self.cards: ports.Cards = SqlCards(batch, now)
        today = now.astimezone(programme.tz).date()
        self.campaigns: ports.Campaigns = SqlCampaigns(direct, versions, seen, batch.looking, today)
        self.enrolments: ports.Enrolments = SqlEnrolments(direct, now, batch.waits)
        self.decisions: ports.Decisions = SqlDecisions(direct, batch.decided)
        self.outbox: ports.Outbox = SendingOutbox(batch.sending, now)
        self.messages: ports.Messages = SqlMessages(batch.told, programme, now)
        self.offers: ports.Offers = SqlOffers(batch)
        self.ledger: ports.Ledger = SqlLedger(direct, batch.books, now)
        self.tiers: ports.Tiers = SqlTiers(direct, batch.counted, programme.tiers)
        self.notices: ports.Notices = SqlNotices(direct)
        self.member_moves: ports.MemberMoves = SqlMemberMoves(batch)
        self.till: ports.Till = SqlTill(batch)
        self.earning_rules: ports.EarningRules = SqlEarningRules(direct, now, rules)
        self.template_versions: ports.TemplateVersions = SqlTemplateVersions(direct)
        self.counters: ports.Counters = SqlCounters(direct)
        self.repairs: ports.Repairs = SqlRepairs(direct, programme, now)
        self.audit: ports.Audit = SqlAudit(direct, now)

    @property
    def connection(self) -> Connection:
        """For questions of one's own; what is pending is written first."""
        return self._batch.connection


class SqlStore:
    """The store of one programme; use from any thread.

    With a `Poster` the work of many callers shares a transaction; without, each has its own.
    """

    def __init__(self, database: Database, clock: ports.Clock, programme: Programme) -> None:
        self.database = database
        self._clock = clock
        self._programme = programme
        self._versions: VersionCache = {}
        self._rules = RulesKnown()
        self._poster: Poster | None = None

    def group(self, **limits: int) -> Poster:
        """From now on work is committed in groups, by a thread of this process."""
        self._poster = Poster(self.database, self.transactions, **limits)
        return self._poster

    @property
    def waiting(self) -> int:
        """How many units of work are in line; none where nothing is grouped."""
        return self._poster.waiting if self._poster is not None else 0

    def close(self) -> None:
        """Finish what is in line."""
        if self._poster is not None:
            self._poster.close()
            self._poster = None

    def run(
        self,
        work: Callable[[ports.Transaction], T],
        *,
        now: datetime | None = None,
        wants: Wants | None = None,
    ) -> T:
        """Do `work` whole or not at all, again on deadlock; `now` defaults to the clock's.

        The clock is read once the transaction has begun: waiting in line for the database must not
        make a late decision look early. With `wants` it may share a transaction with others' work.
        """
        if self._poster is not None and wants is not None:
            return self._poster.submit(work, wants, now).result()

        def alone(connection: Connection) -> T:
            batch = Batch(connection)
            if wants is not None:
                batch.load([wants])
            tx = self.transactions(batch)(now)
            done = batch.run(lambda: work(tx), passes)
            batch.finish()
            batch.close()
            return done.result  # type: ignore[return-value]

        return self.database.run(alone)

    def submit(self, work: Callable[[ports.Transaction], T], wants: Wants) -> "Future[T]":
        """The same without waiting for it; done at once where nothing is grouped."""
        if self._poster is not None:
            return self._poster.submit(work, wants)
        future: Future[T] = Future()
        try:
            future.set_result(self.run(work, wants=wants))
        except Exception as error:
            future.set_exception(error)
        return future

    def read(self, work: Callable[[ports.Transaction], T]) -> T:
        """Look at one snapshot; nothing can be changed or locked in it."""
        with self.database.read() as connection:
            batch = Batch(connection, units=0)
            answer = work(self.transactions(batch)(None))
            batch.close()
            return answer

    def transactions(self, batch: Batch) -> "Callable[[datetime | None], ports.Transaction]":
        """The transactions of one batch, by the instant they judge by."""
        seen = Seen(batch.opened)
        made: dict[datetime | None, ports.Transaction] = {}

        def transaction(now: datetime | None) -> ports.Transaction:
            if now not in made:
                made[now] = SqlTransaction(
                    batch,
                    now or self._clock.now(),
                    self._programme,
                    self._versions,
                    seen,
                    self._rules,
                )
            return made[now]

        return transaction


def _fulfils(store: SqlStore) -> ports.Store:
    return store  # for the type checker: every port above is what the domain asks for
