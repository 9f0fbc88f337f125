"""What Prometheus sees of the relay: how far it is behind, asked of the database when scraped."""

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from bootstrap.setting_places import measured_at
from bootstrap.settings import Settings
from loyalty.ports import Clock
from storage.database import Database
from storage.queries.operations import message_lag, outbox_lag

_OUTBOX = {
    "due": ("milepost_outbox_due", "Rows that could go to Temporal now and have not"),
    "seconds": ("milepost_outbox_lag_seconds", "Age of the oldest such row"),
    "dead": ("milepost_outbox_dead", "Rows given up on: an operator must look"),
}
_MESSAGES = {
    "due": ("milepost_messages_due", "Messages that could be sent now and were not"),
    "seconds": ("milepost_messages_lag_seconds", "How long the first of them has been due"),
    "unknown": ("milepost_messages_unknown", "Messages of unknown fate: an operator must decide"),
}


class LagCollector(Collector):
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def collect(self) -> Iterable[Metric]:
        try:
            with self._database.read() as connection:
                now = self._clock.now()
                found = (
                    (_OUTBOX, outbox_lag(connection, now)),
                    (_MESSAGES, message_lag(connection, now)),
                )
        except SQLAlchemyError:
            yield GaugeMetricFamily("milepost_database_up", "Whether it answers", value=0)
            return
        yield GaugeMetricFamily("milepost_database_up", "Whether it answers", value=1)
        for gauges, lag in found:
            for name, (metric, what) in gauges.items():
                yield GaugeMetricFamily(metric, what, value=float(lag[name]))


def new_registry() -> CollectorRegistry:
    """A registry with what every process shows of itself: memory, processor time, Python."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def serve_relay_metrics(settings: Settings, database: Database, clock: Clock) -> None:
    """Serve them where the setting says; nothing without it."""
    where = measured_at("relay_metrics_port", settings)
    if where is None:
        return
    host, port = where
    registry = new_registry()
    registry.register(LagCollector(database, clock))
    start_http_server(port, host, registry)
