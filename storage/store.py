"""One transaction with everything it may touch: what use cases are given to work with."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from loyalty import ports
from loyalty.programme import Programme
from storage.audit import SqlAudit
from storage.campaigns import SqlCampaigns, VersionCache
from storage.cards import SqlCards
from storage.database import Database
from storage.decisions import SqlDecisions
from storage.earning_counters import SqlCounters
from storage.earning_rules import SqlEarningRules
from storage.enrolments import SqlEnrolments
from storage.inbox import SqlInbox
from storage.ledger import SqlLedger
from storage.members import SqlMembers
from storage.messages import SqlMessages
from storage.offers import SqlOffers
from storage.outbox import SqlOutbox
from storage.tiers import SqlTiers

T = TypeVar("T")


class SqlTransaction:
    """The ports on one open connection. Making one costs nothing until it is used."""

    def __init__(
        self, connection: Connection, now: datetime, programme: Programme, versions: VersionCache
    ) -> None:
        self.connection = connection
        self.now = now
        self.programme = programme
        self.members: ports.Members = SqlMembers(connection, now)
        self.inbox: ports.Inbox = SqlInbox(connection)
        self.cards: ports.Cards = SqlCards(connection, now)
        self.campaigns: ports.Campaigns = SqlCampaigns(connection, versions)
        self.enrolments: ports.Enrolments = SqlEnrolments(connection, now)
        self.decisions: ports.Decisions = SqlDecisions(connection)
        self.outbox: ports.Outbox = SqlOutbox(connection, now)
        self.messages: ports.Messages = SqlMessages(connection, programme, now)
        self.offers: ports.Offers = SqlOffers(connection)
        self.ledger: ports.Ledger = SqlLedger(connection, now)
        self.tiers: ports.Tiers = SqlTiers(connection, programme.tiers)
        self.earning_rules: ports.EarningRules = SqlEarningRules(connection, now)
        self.counters: ports.Counters = SqlCounters(connection)
        self.audit: ports.Audit = SqlAudit(connection, now)


class SqlStore:
    """The store of one programme; use from any thread."""

    def __init__(self, database: Database, clock: ports.Clock, programme: Programme) -> None:
        self.database = database
        self._clock = clock
        self._programme = programme
        self._versions: VersionCache = {}

    def run(self, work: Callable[[ports.Transaction], T], *, now: datetime | None = None) -> T:
        """Run `work` in one transaction, again on deadlock; `now` defaults to the clock's.

        The clock is read once the transaction has begun: waiting in line for the database must not
        make a late decision look early.
        """
        return self.database.run(lambda connection: work(self._transaction(connection, now)))

    def read(self, work: Callable[[ports.Transaction], T]) -> T:
        """Look at one snapshot; nothing can be changed or locked in it."""
        with self.database.read() as connection:
            return work(self._transaction(connection, None))

    def _transaction(self, connection: Connection, now: datetime | None) -> ports.Transaction:
        return SqlTransaction(connection, now or self._clock.now(), self._programme, self._versions)


def _fulfils(store: SqlStore) -> ports.Store:
    return store  # for the type checker: every port above is what the domain asks for
