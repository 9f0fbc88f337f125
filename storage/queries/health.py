"""How the database is, and how sending goes by channel: a few indexed figures each."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, text

from loyalty.programme import CHANNELS
from storage.message_line import goes_out
from storage.queries.pages import View
from storage.tables import checkpoints, log_head, messages


def database_facts(connection: Connection) -> View:
    """Latency in milliseconds, bytes, connections and the write-ahead log, where there are such."""
    begun = time.perf_counter()
    connection.execute(select(log_head.c.size)).all()
    ms = (time.perf_counter() - begun) * 1000
    ask = _sqlite if connection.dialect.name == "sqlite" else _postgresql
    return {"kind": connection.dialect.name, "ms": ms, **ask(connection)}


def _sqlite(connection: Connection) -> Mapping[str, int | None]:
    def pragma(name: str) -> int:
        return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())

    return {
        "bytes": pragma("page_count") * pragma("page_size"),
        "connections": None,
        "connections_most": None,
    }


def _postgresql(connection: Connection) -> Mapping[str, int | None]:
    row = connection.execute(
        text(
            "SELECT pg_database_size(current_database()) AS bytes, "
            "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS ours, "
            "current_setting('max_connections')::int AS most"
        )
    ).one()
    return {"bytes": row.bytes, "connections": row.ours, "connections_most": row.most}


def log_facts(connection: Connection) -> View:
    """How long the ledger's log is, and how much of it the last checkpoint covers."""
    mine = select(log_head.c.size).where(log_head.c.id == 1)
    size = connection.execute(mine).scalar_one_or_none() or 0
    query = select(checkpoints.c.size, checkpoints.c.at)
    last = connection.execute(query.order_by(checkpoints.c.size.desc()).limit(1)).one_or_none()
    return {
        "log_size": size,
        "sealed_size": last.size if last else None,
        "sealed_at": last.at if last else None,
    }


def channel_facts(connection: Connection, now: datetime, since: timedelta) -> dict[str, View]:
    """By channel: what became of the sends since then, and what waits now, since when."""
    m = messages.c
    found: dict[str, dict[str, Any]] = {}
    for channel in CHANNELS:  # one by one: each is a walk along the index
        tried = select(m.status, func.count()).where(
            m.channel == channel, m.claimed_at > now - since
        )
        for status, count in connection.execute(tried.group_by(m.status)):
            found.setdefault(channel, {})[status] = count
    waiting = (
        select(m.channel, func.count(), func.min(m.due_at)).where(goes_out(now)).group_by(m.channel)
    )
    for channel, count, oldest in connection.execute(waiting):
        late = (now - oldest).total_seconds()
        found.setdefault(channel, {}).update(waiting=count, oldest_seconds=max(late, 0.0))
    return {channel: found[channel] for channel in sorted(found)}
