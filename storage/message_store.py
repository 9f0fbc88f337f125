"""The port that delivery sends through: every call one short transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from loyalty.errors import Unknown
from loyalty.messages import Outgoing, Settlement, Texts
from loyalty.ports import Clock
from loyalty.programme import Channel, Programme
from storage.database import Database
from storage.message_line import SqlMessageLine
from storage.sending import may_leave, settle
from storage.tables import campaign_versions


class SqlMessageStore:
    """`loyalty.messages.MessageStore` on a database."""

    def __init__(self, database: Database, programme: Programme, clock: Clock) -> None:
        self._database = database
        self._programme = programme
        self._clock = clock

    def claim(self, channel: Channel, limit: int) -> Sequence[Outgoing]:
        now = self._clock.now()

        def take(connection: Connection) -> Sequence[Outgoing]:
            return SqlMessageLine(connection, self._programme, now).claim(channel, limit)

        # An empty line is the usual case, and looking at it must not stand in the writers' way.
        with self._database.read() as connection:
            if not SqlMessageLine(connection, self._programme, now).due(channel):
                return []
        return self._database.run(take)

    def may_leave(self, outgoing: Outgoing) -> bool:
        with self._database.read() as connection:
            return may_leave(connection, self._programme, outgoing, self._clock.now())

    def settle(self, settlements: Sequence[Settlement]) -> None:
        now = self._clock.now()

        def note(connection: Connection) -> None:
            for settlement in settlements:
                settle(connection, settlement, now)

        if settlements:
            self._database.run(note)

    def texts(self, campaign_id: str, version: int) -> Texts:
        """The frozen texts of a campaign version; they never change, so they may be kept."""
        query = select(campaign_versions.c.messages).where(
            campaign_versions.c.campaign_id == campaign_id,
            campaign_versions.c.version == version,
        )
        with self._database.read() as connection:
            found: Texts | None = connection.execute(query).scalar_one_or_none()
        if found is None:
            raise Unknown("campaign version", f"{campaign_id} v{version}")
        return found
