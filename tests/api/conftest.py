"""The API in this process, over a real store on a SQLite file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from api.app import create_app
from api.console.app import Door
from api.services import Check, Services
from bootstrap.converter import SealingCodec
from bootstrap.template_reading import read_texts
from delivery.words import Speaker
from loyalty.access import ROLES, Role
from loyalty.journeys.load import load_texts
from loyalty.programme import Programme
from storage.database import Database
from storage.desk import SqlDesk
from storage.estimates import SqlEstimates
from storage.keys import SqlKeys
from storage.people import SqlPeople
from storage.readiness import database_state
from storage.reads import SqlReads
from storage.sessions import SqlSessions
from storage.store import SqlStore
from tests.conftest import DatabaseMaker

NOON = datetime(2026, 10, 3, 4, 0, tzinfo=UTC)  # twelve o'clock in Shanghai, a Saturday

CAMPAIGN = """
name: greeting
title: {en: A greeting, zh: 问候}
summary: {en: Points for those we invite., zh: 邀请的会员获得积分。}
parameters:
  points:
    type: points
    default: 50
    min: 1
    max: 500
    label: {en: Points, zh: 积分}
    help: {en: What each member gets., zh: 每位会员获得的积分。}
enter: api
reentry: {once: per_member}
budget_points: 1000
journey:
  - id: gift
    grant: {points: $points}
"""


@dataclass
class Shop:
    """A running API and all that a test may do to what stands behind it."""

    app: FastAPI
    services: Services
    database: Database
    keys: SqlKeys
    clock: "MovingClock"
    tokens: Mapping[Role, str]
    clients: dict[str, TestClient] = field(default_factory=dict)

    def as_(self, role: Role) -> TestClient:
        """A client with a key of this role."""
        if role not in self.clients:
            self.clients[role] = TestClient(
                self.app,
                headers={"Authorization": f"Bearer {self.tokens[role]}"},
                raise_server_exceptions=False,
            )
        return self.clients[role]

    @property
    def console(self) -> FastAPI:
        """The application behind the pages."""
        stack: list[Any] = self.app.user_middleware
        door = next(each for each in stack if each.cls is Door)
        console: FastAPI = door.kwargs["console"]
        return console

    def signed_in(self, role: Role) -> TestClient:
        """A browser in which somebody with this role is signed in to the console."""
        people, name = self.services.people, f"{role} by hand"
        who, _ = people.invite(name=name, email=f"{role}@example.com", role=role, actor="test")
        cookies = {"milepost_session": self.services.sessions.open(who.id, "password")}
        return TestClient(
            self.app, cookies=cookies, follow_redirects=False, raise_server_exceptions=False
        )

    @property
    def stranger(self) -> TestClient:
        return TestClient(self.app, raise_server_exceptions=False)

    def joins(self, member_id: str = "lee", **more: Any) -> None:
        answer = self.as_("integrator").post("/v1/members", json={"id": member_id, **more})
        assert answer.status_code == 201, answer.text

    def buys(self, id: str = "r-1", member_id: str = "lee", minor: int = 10_000) -> dict[str, Any]:
        answer = self.as_("integrator").post("/v1/purchases", json=receipt(id, member_id, minor))
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def launches(self, campaign_id: str = "hello", **more: Any) -> None:
        marketer = self.as_("marketer")
        body = {"id": campaign_id, "name": "Hello", "template": "greeting", **more}
        answer = marketer.post("/v1/campaigns", json=body)
        assert answer.status_code == 201, answer.text
        answer = marketer.post(f"/v1/campaigns/{campaign_id}/launch", json={"version": 1})
        assert answer.status_code == 200, answer.text


class MovingClock:
    def __init__(self) -> None:
        self.instant = NOON

    def now(self) -> datetime:
        return self.instant

    def moves(self, length: timedelta) -> None:
        self.instant += length


def receipt(id: str = "r-1", member_id: str = "lee", minor: int = 10_000) -> dict[str, Any]:
    return {
        "source": "till-1",
        "id": id,
        "member_id": member_id,
        "occurred_at": "2026-10-03T10:00:00+08:00",
        "currency": "CNY",
        "lines": [{"sku": "s1", "category": "grocery", "net_minor": minor}],
    }


def check_in(id: str = "c-1", member_id: str = "lee") -> dict[str, Any]:
    return {
        "source": "app",
        "id": id,
        "type": "check_in",
        "member_id": member_id,
        "occurred_at": "2026-10-03T09:00:00+08:00",
    }


async def fine() -> Check:
    return Check(True, "answers")


def serve(database: Database, **changed: Any) -> Shop:
    clock, programme = MovingClock(), Programme()
    keys = SqlKeys(database, clock)
    numbers = count(1)
    template = load_texts("greeting", {"campaign.yaml": CAMPAIGN})
    given: dict[str, Any] = {
        "store": SqlStore(database, clock, programme),
        "reads": SqlReads(database, clock),
        "desk": SqlDesk(database, clock, programme),
        "keys": keys,
        "people": SqlPeople(database, clock),
        "sessions": SqlSessions(database, clock),
        "programme": programme,
        "clock": clock,
        "templates": lambda: {"greeting": template},
        "shipped": lambda: {"greeting": {"campaign.yaml": CAMPAIGN}},
        "read_texts": lambda name, files: read_texts(name, files, programme.known_events),
        "check_texts": lambda made: [],
        "say": Speaker(programme),
        "estimates": SqlEstimates(database, clock, programme),
        "registry": CollectorRegistry(),
        "new_id": lambda: f"request-{next(numbers)}",
        "check_database": lambda: Check(*database_state(database)),
        "check_temporal": fine,
        "codec": SealingCodec({"k1": bytes(32)}),
        "weather": (OperationalError,),
    }
    services = Services(**{**given, **changed})
    tokens = {role: keys.create(role, role, actor="test")[0] for role in ROLES}
    return Shop(create_app(services), services, database, keys, clock, tokens)


@pytest.fixture
def shop(new_database: DatabaseMaker) -> Shop:
    return serve(new_database("sqlite"))


@pytest.fixture
def serving(new_database: DatabaseMaker) -> Callable[..., Shop]:
    """A shop with some of its services replaced."""
    return lambda **changed: serve(new_database("sqlite"), **changed)
