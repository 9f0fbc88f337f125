"""What the relay shows to those who watch over it."""

from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import insert

from bootstrap.metrics import LagCollector
from storage.tables import campaigns, messages
from tests.conftest import DatabaseMaker
from tests.storage.rows import message

NOON = datetime(2027, 3, 10, 4, 0, tzinfo=UTC)


class Noon:
    def now(self) -> datetime:
        return NOON


def test_messages_that_do_not_go_out_are_seen(new_database: DatabaseMaker) -> None:
    """Due and unsent, since when, and how many wait for a person; nobody's name, nobody's id.

    Marketing of a paused campaign is not late, however long somebody thinks; its service mail is.
    """
    database = new_database("sqlite")
    ago, long_ago = NOON - timedelta(minutes=5), NOON - timedelta(hours=5)
    rows = [
        message("lee-1", status="queued", due_at=ago),
        message("lee-2", status="deferred", due_at=NOON + timedelta(hours=1)),
        message("lee-3", status="sent", due_at=ago),
        message("lee-4", status="unknown", due_at=ago),
        message("lee-5", status="queued", due_at=long_ago, campaign_id="autumn"),
        message("lee-6", status="queued", due_at=ago, campaign_id="autumn", purpose="service"),
    ]
    paused = {"id": "autumn", "name": "Autumn", "template": "t", "version": 1, "state": "paused"}
    with database.write() as connection:
        connection.execute(insert(campaigns), paused | {"created_at": long_ago, "position": {}})
        for row in rows:
            connection.execute(insert(messages), row)
    registry = CollectorRegistry()
    registry.register(LagCollector(database, Noon()))

    shown = generate_latest(registry).decode()

    assert "milepost_messages_due 2.0" in shown
    assert "milepost_messages_lag_seconds 300.0" in shown
    assert "milepost_messages_unknown 1.0" in shown
    assert "milepost_outbox_due 0.0" in shown
    assert "lee" not in shown
