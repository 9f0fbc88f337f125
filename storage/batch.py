"""One database transaction for the work of many callers, each of it done whole or not at all.

Units of work run one after the other, each on what those before it left. What the busy tables need
is read for all of them at once, changed in memory and written once; whatever else a unit asks the
database happens inside a savepoint of its own. So a unit that is refused leaves nothing behind, and
the others do not notice.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from loyalty.errors import LoyaltyError
from loyalty.ports import Wants
from storage.books import Books
from storage.card_rows import CardRows
from storage.claim_rows import ClaimRows
from storage.decision_rows import DecisionRows
from storage.event_rows import EventRows
from storage.member_rows import MemberRows
from storage.open_campaigns import OpenCampaigns
from storage.roundtrip import line
from storage.selected import load
from storage.sending_rows import SendingRows
from storage.till_rows import TillRows
from storage.undo import Undo
from storage.wait_rows import WaitRows

T = TypeVar("T")


class Restart(Exception):
    """The unit needs what it changed to be rows by now: it runs again by itself in the batch."""


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """How one unit ended: its result, or the reason it has none."""

    result: T | None = None
    error: Exception | None = None


class Known(NamedTuple):
    """Ids of what was locked or looked up when a unit's savepoint began."""

    books: set[str]
    people: set[str]
    offers: set[str]
    claims: set[str]


class Batch:
    """What units of work share inside one transaction; none of them = it only reads.

    `before_writing` is called before rows go out: the log's head belongs to whoever is ahead.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        units: int = 1,
        before_writing: Callable[[], object] = lambda: None,
    ) -> None:
        self._connection = connection
        self._before_writing = before_writing
        self._several = units > 1
        self._alone = False
        self._savepoint = False
        self._known = Known(set(), set(), set(), set())
        self.undo = Undo()
        self.books = Books(connection, self.undo)
        self.people = MemberRows(connection, self.undo)
        self.events = EventRows(connection, self.undo, units)
        self.cards = CardRows(connection)
        self.opened = OpenCampaigns(connection)
        self.waits = WaitRows(connection)
        self.paid = TillRows(connection)
        self.sending = SendingRows(connection, self.undo)
        self.claims = ClaimRows(connection, self.undo)
        self.decided = DecisionRows(connection, self.undo)
        self.told = cast(Connection, Direct(self, self.people))
        self.counted = cast(Connection, Direct(self, self.events, self.people))
        # Questions that change and lock nothing need no savepoint.
        self.looking = connection
        # For ports that speak to the database themselves; it looks like a connection to them.
        self.direct = cast(Connection, Direct(self))

    @property
    def connection(self) -> Connection:
        """For statements of the caller's own: everything pending is written first."""
        self.flush()
        return self.direct

    def load(self, wants: Iterable[Wants]) -> None:
        """Lock and read what units say they will need, for all of them at once."""
        members: set[str] = set()
        events: set[tuple[str, str]] = set()
        keys: set[str] = set()
        offers: set[str] = set()
        claims: set[str] = set()
        for each in wants:
            members.update(each.members)
            events.update(each.events)
            keys.update(each.keys)
            offers.update(each.offers)
            claims.update(each.claims)
        loadings = [
            # What locks comes first, the members before all: what follows is then as whoever held
            # them before us left it.
            self.people.loading(members),
            self.claims.loading(offers, claims, members if offers else ()),
            # Whoever finds an event finds its posting: both were committed before we asked.
            self.events.loading(events),
            self.books.loading(members, keys),
            self.cards.loading(members),
            self.waits.loading(members),
            self.paid.loading(events),
            *([self.opened.loading()] if events else ()),
        ]
        load(self._connection, *loadings)

    def run(self, work: Callable[[], T], passes: Callable[[DBAPIError], bool]) -> Done[T]:
        """One unit. What the weather undid is raised: then the whole batch has to begin again."""
        for alone in (False, True):
            if alone:
                self._begin_alone()
            try:
                result = work()
            except Restart:
                self._undo()
                continue
            except DBAPIError as error:
                # Without a savepoint there is nowhere to go back to: PostgreSQL gave up all of it.
                if not self._savepoint or passes(error) or error.connection_invalidated:
                    raise
                self._undo()
                return Done(error=error)
            except Exception as error:
                if not self._several:
                    raise
                self._undo()
                return Done(error=without_frames(error))
            self._end()
            return Done(result)
        raise AssertionError("a unit that runs alone has nothing to restart for")

    def flush(self) -> None:
        """Write what is pending, so that statements see it."""
        if not self._pending:
            return
        if self._several and not self._alone and (self._savepoint or not self.undo.empty):
            # What earlier units left must not go out under this one's savepoint.
            raise Restart
        self._write()

    @property
    def _pending(self) -> bool:
        return any(rows.dirty for rows in self._rows)

    @property
    def _rows(self) -> Sequence[Any]:
        return (self.events, self.people, self.sending, self.decided, self.claims, self.books)

    def _write(self) -> None:
        self._before_writing()
        # The books last: they lock the head of the log.
        with line(self._connection):
            for rows in self._rows:
                rows.flush()

    def finish(self) -> None:
        """Write what is left; the caller commits."""
        self._write()

    def close(self) -> None:
        """Let go of everything. The parts know each other, so by itself all of it would stay until
        the collector comes by, and then hold everybody up."""
        self.__dict__.clear()

    # --- savepoints ----------------------------------------------------------------------------

    def save(self) -> None:
        """Before the unit's first own statement: remember where to go back to."""
        if self._several and not self._savepoint:
            self._connection.exec_driver_sql("SAVEPOINT unit")
            self._savepoint = True
            self._known = Known(
                set(self.books.members),
                set(self.people.members),
                set(self.claims.offers),
                set(self.claims.known_claims),
            )

    def _begin_alone(self) -> None:
        self._write()
        self._alone = True
        self.save()

    def _undo(self) -> None:
        self.undo.roll_back()
        if self._savepoint:
            self._connection.exec_driver_sql("ROLLBACK TO SAVEPOINT unit")
            self.cards.forget()
            self.waits.forget()
            self.paid.forget()
            # What was locked since is locked no longer, and may change before it is looked at.
            known = self._known
            self.books.forget_but(known.books)
            self.people.forget_but(known.people)
            self.claims.forget_but(known.offers, known.people, known.claims)
        if self._alone:
            # Rows went out and were taken back: what is known in memory may be of the future.
            for rows in (self.books, self.people, self.events, self.decided, self.claims):
                rows.forget()
        self._end()

    def _end(self) -> None:
        if self._savepoint:
            self._connection.exec_driver_sql("RELEASE SAVEPOINT unit")
        self._savepoint = self._alone = False
        self.undo.forget()


def without_frames(error: Exception) -> Exception:
    """A refusal is an answer; where it was raised would keep the whole batch alive with it."""
    each: BaseException | None = error if isinstance(error, LoyaltyError) else None
    while each is not None:
        each.__traceback__, each = None, each.__context__
    return error


class Direct:
    """A connection that opens the unit's savepoint before its first statement.

    `reads` are rows its statements look at: what is pending of them is written first.
    """

    def __init__(self, batch: Batch, *reads: Any) -> None:
        self._batch = batch
        self._reads = reads
        self._connection = batch._connection
        self.dialect = self._connection.dialect
        self.engine = self._connection.engine

    def execute(self, *args: Any, **more: Any) -> Any:
        if any(rows.dirty for rows in self._reads):
            self._batch.flush()
        self._batch.save()
        return self._connection.execute(*args, **more)

    def exec_driver_sql(self, *args: Any, **more: Any) -> Any:
        self._batch.save()
        return self._connection.exec_driver_sql(*args, **more)

    def scalar(self, *args: Any, **more: Any) -> Any:
        self._batch.save()
        return self._connection.scalar(*args, **more)
