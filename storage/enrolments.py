"""Members' places in campaigns, what each of them waits for, and what operators asked of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from loyalty.errors import Unknown
from loyalty.journeys.machine import Position
from loyalty.records import Campaign, Enrolment, OperatorCommand
from storage import tables
from storage.campaigns import SHAPE as CAMPAIGN
from storage.rows import InsertOnce, Shape, Upsert
from storage.wait_rows import WaitRows

_table = tables.enrolments
_waits = tables.waits
_asked = tables.operator_commands
_shape = Shape(Enrolment, _table)
_command_shape = Shape(OperatorCommand, _asked)
_POSITION = _shape.names.index("position")
# What a journey is stays as it was on admission; only how it goes is saved.
_CHANGING = (
    "state",
    "position",
    "outcome",
    "ended_at",
    "wake_at",
    "remembered",
    "last_outcome",
    "turn",
    "nudged_turn",
    "granted_points",
    "reserved_points",
    "reached",
)

_all = select(*_shape.columns)
_GET = _all.where(_table.c.id == bindparam("enrolment"))
_LOCK = _GET.with_for_update()
_ADD = InsertOnce(_table)
_FOR_TURN = (
    select(
        *_shape.columns,
        *CAMPAIGN.columns,
        select(_asked.c.id)
        .where(_asked.c.enrolment_id == _table.c.id, _asked.c.done_at.is_(None))
        .exists(),
    )
    .join(tables.campaigns, tables.campaigns.c.id == _table.c.campaign_id)
    .where(_table.c.id == bindparam("enrolment"))
    .with_for_update(of=_table)
)
_FIELDS = len(_shape.columns)
_SAVE = update(_table).where(_table.c.id == bindparam("enrolment"))
_OF_MEMBER = _all.where(
    _table.c.campaign_id == bindparam("campaign"), _table.c.member_id == bindparam("member")
).order_by(_table.c.admitted_at, _table.c.id)
_WAITING = (
    _all.join(_waits, _waits.c.enrolment_id == _table.c.id)
    .where(
        _waits.c.member_id == bindparam("member"),
        _waits.c.event_type == bindparam("type"),
        _table.c.state != "ended",
    )
    .order_by(_table.c.id)
    .with_for_update(of=_table)
)
_LIVE = (
    _all.where(
        _table.c.campaign_id == bindparam("campaign"),
        _table.c.state != "ended",
        _table.c.id > bindparam("after"),
    )
    .order_by(_table.c.id)
    .limit(bindparam("most"))
)
_RUNNING = (
    _all.where(_table.c.member_id == bindparam("member"), _table.c.state != "ended")
    .order_by(_table.c.id)
    .with_for_update()
)
_COUNT_LIVE = select(func.count()).where(
    _table.c.campaign_id == bindparam("campaign"), _table.c.state != "ended"
)
_OPEN_WAIT = Upsert(_waits)
# A campaign's own goal is watched beside the journey's waits, under a type of its own: most acts
# meet neither, and one look says so.
_GOAL = "goal:"
_CLOSE_WAIT = delete(_waits).where(
    _waits.c.enrolment_id == bindparam("enrolment"), ~_waits.c.event_type.startswith(_GOAL)
)
_GOALS = (
    _all.join(_waits, _waits.c.enrolment_id == _table.c.id)
    .where(_waits.c.member_id == bindparam("member"), _waits.c.event_type == bindparam("type"))
    .order_by(_table.c.id)
)
_GOAL_MET = update(_table).where(_table.c.id == bindparam("enrolment"))
_FORGET_GOAL = delete(_waits).where(
    _waits.c.enrolment_id == bindparam("enrolment"), _waits.c.event_type.startswith(_GOAL)
)
_ADD_COMMAND = insert(_asked).returning(_asked.c.id)
_COMMANDS = (
    select(*_command_shape.columns)
    .where(_asked.c.enrolment_id == bindparam("enrolment"), _asked.c.done_at.is_(None))
    .order_by(_asked.c.id)
)
_COMMAND_DONE = update(_asked).where(_asked.c.id == bindparam("number"))


class SqlEnrolments:
    def __init__(self, connection: Connection, now: datetime, waits: WaitRows) -> None:
        self._connection = connection
        self._now = now
        self._waits = waits

    def get(self, enrolment_id: str) -> Enrolment | None:
        row = self._connection.execute(_GET, {"enrolment": enrolment_id}).one_or_none()
        return _enrolment(row) if row else None

    def lock(self, enrolment_id: str) -> Enrolment:
        row = self._connection.execute(_LOCK, {"enrolment": enrolment_id}).one_or_none()
        if row is None:
            raise Unknown("enrolment", enrolment_id)
        return _enrolment(row)

    def for_turn(self, enrolment_id: str) -> tuple[Enrolment, Campaign, bool]:
        """What every turn begins with, in one statement."""
        row = self._connection.execute(_FOR_TURN, {"enrolment": enrolment_id}).one_or_none()
        if row is None:
            raise Unknown("enrolment", enrolment_id)
        return _enrolment(row[:_FIELDS]), Campaign(*row[_FIELDS:-1]), bool(row[-1])

    def add(self, enrolment: Enrolment) -> bool:
        """False when (campaign, member, entry) is there already."""
        return _ADD(self._connection, _values(enrolment))

    def save(self, enrolment: Enrolment) -> None:
        """How the journey goes; campaign, version, member, entry and arm never change."""
        values = _values(enrolment)
        changed = {name: values[name] for name in (*_CHANGING, "step_id")}
        self._connection.execute(_SAVE, changed | {"enrolment": enrolment.id})

    def of_member(self, campaign_id: str, member_id: str) -> Sequence[Enrolment]:
        parameters = {"campaign": campaign_id, "member": member_id}
        return [_enrolment(row) for row in self._connection.execute(_OF_MEMBER, parameters)]

    def waiting_for(self, member_id: str, event_type: str) -> Sequence[Enrolment]:
        """Live enrolments with an open wait on this type, locked, by id."""
        if self._waits.nobody_waits(member_id, event_type):
            return []
        parameters = {"member": member_id, "type": event_type}
        return [_enrolment(row) for row in self._connection.execute(_WAITING, parameters)]

    def live(self, campaign_id: str, after: str, limit: int) -> Sequence[Enrolment]:
        parameters = {"campaign": campaign_id, "after": after, "most": limit}
        return [_enrolment(row) for row in self._connection.execute(_LIVE, parameters)]

    def running(self, member_id: str) -> Sequence[Enrolment]:
        """A member's live enrolments in all campaigns, locked, by id."""
        return [
            _enrolment(row) for row in self._connection.execute(_RUNNING, {"member": member_id})
        ]

    def count_live(self, campaign_id: str) -> int:
        return int(self._connection.execute(_COUNT_LIVE, {"campaign": campaign_id}).scalar_one())

    def open_wait(
        self,
        enrolment: Enrolment,
        event_types: Iterable[str],
        since: datetime,
        until: datetime,
        closes_at: datetime,
    ) -> None:
        """Register what the journey waits for; a wait before it was closed when it ended."""
        wait = {"since": since, "until": until, "closes_at": closes_at}
        owner = {"enrolment_id": enrolment.id, "member_id": enrolment.member_id}
        rows = [{**owner, **wait, "event_type": kind} for kind in sorted(set(event_types))]
        for row in rows:
            _OPEN_WAIT(self._connection, row)
        self._waits.forget()

    def close_wait(self, enrolment_id: str) -> None:
        self._connection.execute(_CLOSE_WAIT, {"enrolment": enrolment_id})
        self._waits.forget()

    def watch_goal(self, enrolment: Enrolment, event_type: str) -> None:
        """Look at the campaign's goal with each such act, until it is forgotten."""
        row = {
            "enrolment_id": enrolment.id,
            "event_type": f"{_GOAL}{event_type}",
            "member_id": enrolment.member_id,
            "since": enrolment.goal_since,
            "until": enrolment.goal_until,
            "closes_at": enrolment.goal_until,
        }
        _OPEN_WAIT(self._connection, row)
        self._waits.forget()

    def goals_watched(self, member_id: str, event_type: str) -> Sequence[Enrolment]:
        """Enrolments whose goal such an act can reach or undo, ended and held-out ones too."""
        watched = f"{_GOAL}{event_type}"
        if self._waits.nobody_waits(member_id, watched):
            return []
        parameters = {"member": member_id, "type": watched}
        return [_enrolment(row) for row in self._connection.execute(_GOALS, parameters)]

    def goal_met(self, enrolment: Enrolment) -> None:
        """When the goal was reached, or that it no longer is."""
        parameters = {"enrolment": enrolment.id, "goal_met_at": enrolment.goal_met_at}
        self._connection.execute(_GOAL_MET, parameters)

    def forget_goal(self, enrolment_id: str) -> None:
        self._connection.execute(_FORGET_GOAL, {"enrolment": enrolment_id})
        self._waits.forget()

    def add_command(self, enrolment_id: str, command: str, reason: str, actor: str) -> int:
        row = {"enrolment_id": enrolment_id, "command": command, "reason": reason, "actor": actor}
        return int(self._connection.execute(_ADD_COMMAND, {**row, "at": self._now}).scalar_one())

    def commands(self, enrolment_id: str) -> Sequence[OperatorCommand]:
        """What operators asked for and the journey has not done yet, oldest first."""
        rows = self._connection.execute(_COMMANDS, {"enrolment": enrolment_id})
        return [OperatorCommand(*row) for row in rows]

    def command_done(self, command_id: int) -> None:
        self._connection.execute(_COMMAND_DONE, {"number": command_id, "done_at": self._now})


def _enrolment(row: Sequence[Any]) -> Enrolment:
    position = Position.model_validate(row[_POSITION])
    fields: tuple[Any, ...] = (*row[:_POSITION], position, *row[_POSITION + 1 :])
    return Enrolment(*fields)


def _values(enrolment: Enrolment) -> dict[str, Any]:
    position = enrolment.position.model_dump(mode="json", exclude_defaults=True)
    remembered = dict(enrolment.remembered)
    step = {"step_id": enrolment.position.node}
    return _shape.values(enrolment) | {"position": position, "remembered": remembered} | step
