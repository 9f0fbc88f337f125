"""What the health of the programme is judged by, as far as the database knows it."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import make_url

from loyalty.ports import Clock
from storage.database import Database
from storage.queries import health
from storage.queries.operations import outbox_lag
from storage.queries.pages import View
from storage.verifications import last_verification

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class SqlHealth:
    """The `HealthReads` port; use from any thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def facts(self) -> View:
        """relay, database, log, hour and day by channel, sums: each as its query gives it."""
        now = self._clock.now()
        with self._database.read() as connection:
            return {
                "relay": outbox_lag(connection, now),
                "database": health.database_facts(connection) | {"wal_bytes": self._wal_bytes()},
                "log": health.log_facts(connection),
                "hour": health.channel_facts(connection, now, HOUR),
                "day": health.channel_facts(connection, now, DAY),
                "sums": last_verification(connection, "sums"),
                "log_verified": last_verification(connection, "log"),
            }

    def _wal_bytes(self) -> int | None:
        """Of SQLite alone: PostgreSQL recycles its own by settings of its own."""
        if self._database.dialect != "sqlite":
            return None
        path = Path(f"{make_url(self._database.url).database}-wal")
        return path.stat().st_size if path.exists() else 0
