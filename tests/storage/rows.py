"""A clock that stands still and records with plain defaults, for the tests of storage."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Table, insert, update

from loyalty.journeys.machine import Position, begin
from loyalty.journeys.plan import Await, Goal, Grant, Moment, Node, Plan
from loyalty.members import Member
from loyalty.records import Campaign, Decision, Enrolment, InboxEvent, Version
from loyalty.timing import Length
from storage import tables
from storage.database import Database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class StillClock:
    """Shows one instant until a test sets another."""

    instant: datetime = NOON

    def now(self) -> datetime:
        return self.instant


def member(id: str = "lee", **changes: Any) -> Member:
    plain = Member(id, "active", NOON, "en", "ordinary", ("new",))
    return replace(plain, **changes)


def event(event_id: str, **changes: Any) -> InboxEvent:
    plain = InboxEvent(
        seq=0,
        source="till",
        event_id=event_id,
        type="purchase",
        member_id="lee",
        occurred_at=NOON,
        recorded_at=NOON,
        body={"lines": [{"sku": "milk", "net_minor": 1990}]},
        answer={},
        body_hash="b" * 64,
        amount_minor=1990,
    )
    return replace(plain, **changes)


def plan() -> Plan:
    buys = Goal(id="buys", on="purchase", count=3, reward=(Grant(points=100),))
    wait = Await(goals=(buys,), until=Moment(after=Length.parse("P30D")))
    nodes = {
        "welcome": Node(step=Grant(points=500), next="basket"),
        "basket": Node(step=wait),
    }
    return Plan(template="new_member_bonus", start="welcome", nodes=nodes)


def campaign(id: str = "spring", **changes: Any) -> Campaign:
    return replace(Campaign(id, "Spring", "new_member_bonus", "launched", 1, NOON), **changes)


def version(campaign_id: str = "spring", number: int = 1, **changes: Any) -> Version:
    plain = Version(
        campaign_id=campaign_id,
        version=number,
        template="new_member_bonus",
        body={"enter": {"on": "member.registered"}},
        plan=plan(),
        plan_hash="p" * 64,
        messages={"welcome": {"zh": {"subject": "欢迎", "text": "您好 {{ name }}"}}},
        created_at=NOON,
        created_by="mia",
    )
    return replace(plain, **changes)


def enrolment(entry: str = "once", member_id: str = "lee", **changes: Any) -> Enrolment:
    plain = Enrolment(
        id=f"j/spring/{member_id}/{entry}",
        campaign_id="spring",
        version=1,
        template="new_member_bonus",
        member_id=member_id,
        entry_key=entry,
        arm="treated",
        state="admitted",
        admitted_at=NOON,
        position=begin(plan(), NOON),
    )
    return replace(plain, **changes)


def decision(key: str, **changes: Any) -> Decision:
    plain = Decision(
        key=key,
        campaign_id="spring",
        version=1,
        member_id="lee",
        step_id="welcome",
        verdict="done",
        reason="reached",
        at=NOON,
        inputs={"points": 500},
    )
    return replace(plain, **changes)


def worn(position: Position) -> Position:
    """A position with every field in use."""
    return position.model_copy(
        update={
            "entered_at": NOON.replace(microsecond=1),
            "until": NOON.replace(day=31, microsecond=999_999),
            "closes_at": NOON.replace(month=4),
            "reminded": ("soon",),
            "told": ("buys",),
            "standing": ("buys",),
            "rewarded": {"buys": 2},
        }
    )


def message(key: str, **changes: Any) -> dict[str, Any]:
    """A message's row as columns, for tests of what is read."""
    plain = {
        "key": key,
        "member_id": "lee",
        "campaign_id": "spring",
        "message": "welcome",
        "channel": "inbox",
        "purpose": "marketing",
        "locale": "zh",
        "variables": {},
        "status": "queued",
        "created_at": NOON,
        "due_at": NOON,
    }
    return plain | changes


def put(database: Database, table: Table, row: dict[str, Any]) -> None:
    with database.write() as connection:
        connection.execute(insert(table), row)


def mark(database: Database, workflow_id: str, **changes: Any) -> None:
    """Do to an outbox row what the relay would."""
    which = tables.outbox.c.workflow_id == workflow_id
    with database.write() as connection:
        connection.execute(update(tables.outbox).where(which).values(**changes))
