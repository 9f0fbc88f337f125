"""One ledger transaction with all that explains it: what it takes back, the bill, the event."""

from sqlalchemy import ColumnElement, Connection, select

from loyalty.event_keys import event_of
from storage.queries.operations import transaction
from storage.queries.pages import View, first, rows
from storage.tables import campaigns, inbox, till_holds, transactions

_BRIEF = (
    transactions.c.id,
    transactions.c.key,
    transactions.c.kind,
    transactions.c.points,
    transactions.c.hold_id,
    transactions.c.at,
)


def slip(connection: Connection, key: str) -> View | None:
    """The transaction as in `transaction`, with `original`, `reversals`, `hold`, `event` and
    `campaign`, each where there is one."""
    found = transaction(connection, key)
    if found is None:
        return None
    original = None
    if found["reverses"] is not None:
        original = first(connection, select(*_BRIEF).where(transactions.c.id == found["reverses"]))
    later = select(*_BRIEF).where(transactions.c.reverses == found["id"])
    hold_id = found["hold_id"] or (original or {}).get("hold_id")
    return found | {
        "original": original,
        "reversals": rows(connection, later.order_by(transactions.c.id)),
        "hold": _one(connection, till_holds.c.id == hold_id) if hold_id else None,
        "event": _event(connection, key),
        "campaign": _campaign(connection, found["campaign_id"]),
    }


def _one(connection: Connection, which: ColumnElement[bool]) -> View | None:
    return first(connection, select(till_holds).where(which))


def _event(connection: Connection, key: str) -> View | None:
    """The event that a key names: `purchase:till-12:2026/0481` and the like."""
    kind, source, event_id = event_of(key)
    if kind not in ("purchase", "event", "refund", "refund-points"):
        return None
    shown = select(
        inbox.c.source,
        inbox.c.event_id,
        inbox.c.type,
        inbox.c.occurred_at,
        inbox.c.store,
        inbox.c.amount_minor,
        inbox.c.body,
        inbox.c.answer,
    )
    return first(connection, shown.where(inbox.c.source == source, inbox.c.event_id == event_id))


def _campaign(connection: Connection, campaign_id: str | None) -> str | None:
    if campaign_id is None:
        return None
    return connection.execute(
        select(campaigns.c.name).where(campaigns.c.id == campaign_id)
    ).scalar_one_or_none()
