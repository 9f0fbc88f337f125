"""People and their sessions on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from loyalty.errors import Invalid, Unknown, WrongState
from loyalty.people import IDLE, SEEN_EVERY
from storage.database import Database
from storage.people import SqlPeople
from storage.sessions import SqlSessions
from tests.conftest import DatabaseMaker


class _Clock:
    instant = datetime(2026, 10, 3, 4, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant


def test_somebody_comes_in_by_the_link_and_is_recognised(database: Database) -> None:
    """The newest link counts; the session names its person until it is ended."""
    clock = _Clock()
    people, sessions = SqlPeople(database, clock), SqlSessions(database, clock)
    made, old = people.invite(name=" Mei  Lin ", email="Mei@x.com", role="marketer", actor="t")
    assert (made.name, made.email) == ("Mei Lin", "mei@x.com")
    token = people.reset(made.id, actor="t")
    with pytest.raises(WrongState):
        people.use_link(old, "hash")
    assert people.use_link(token, "hash").has_password

    cookie = sessions.open(made.id, "password")
    found = sessions.recognise(cookie)

    assert found is not None
    assert found[0].id == made.id
    assert sessions.recognise(cookie + "x") is None
    with pytest.raises(Invalid):
        people.invite(name="Other", email="MEI@x.com", role="operator", actor="t")
    with pytest.raises(Unknown):
        people.change_role("person-none", "admin", actor="t")


def test_use_keeps_a_session_alive_and_is_written_at_most_once_a_minute(
    database: Database,
) -> None:
    """A busy page costs no write; an idle one ends."""
    clock = _Clock()
    people, sessions = SqlPeople(database, clock), SqlSessions(database, clock)
    made, _ = people.invite(name="Mei", email="mei@x.com", role="marketer", actor="t")
    cookie, began = sessions.open(made.id, "oidc"), clock.instant
    clock.instant = began + SEEN_EVERY - timedelta(seconds=1)
    sessions.recognise(cookie)
    assert sessions.of(made.id)[0].seen_at == began
    clock.instant = began + timedelta(hours=7)
    sessions.recognise(cookie)
    assert sessions.of(made.id)[0].seen_at == clock.instant
    clock.instant += IDLE - timedelta(seconds=1)
    assert sessions.recognise(cookie) is not None
    clock.instant += IDLE

    assert sessions.recognise(cookie) is None
    assert sessions.of(made.id) == []


def test_a_link_that_is_used_twice_at_once_works_once(database: Database) -> None:
    """Whoever copied the link is told so, or its owner is: never both let in."""
    people = SqlPeople(database, _Clock())
    for n in range(10):
        _, token = people.invite(name="Mei", email=f"mei{n}@x.com", role="admin", actor="t")
        assert sorted(_uses_at_once(people, (token, {}), (token, {}))) == [False, True]


def test_two_first_links_that_are_used_at_once_make_one_admin(new_database: DatabaseMaker) -> None:
    """Two processes may have printed one each, and two people may have read them."""
    for _ in range(5):
        people = SqlPeople(new_database("postgres"), _Clock())
        ada, eve = people.first_link(), people.first_link()
        assert ada
        assert eve
        done = _uses_at_once(
            people,
            (ada, {"name": "Ada", "email": "ada@x.com"}),
            (eve, {"name": "Eve", "email": "eve@x.com"}),
        )
        assert [person.name for person in people.list()] == (["Ada"] if done[0] else ["Eve"])
        assert sorted(done) == [False, True]


def _uses_at_once(people: SqlPeople, *uses: tuple[str, dict[str, str]]) -> list[bool]:
    """Which of the links worked."""
    at_once = Barrier(len(uses))

    def use(token: str, first: dict[str, str]) -> bool:
        at_once.wait(10)
        try:
            people.use_link(token, "hash", **first)
        except WrongState:
            return False
        return True

    with ThreadPoolExecutor(len(uses)) as pool:
        return list(pool.map(lambda each: use(*each), uses))


def test_two_admins_who_disable_each_other_leave_one(database: Database) -> None:
    """However close together they press: somebody can still let people in."""
    people = SqlPeople(database, _Clock())
    ids = [
        people.invite(name=name, email=f"{name}@x.com", role="admin", actor="t")[0].id
        for name in ("mei", "jun")
    ]

    def disable(id: str, at_once: Barrier) -> bool:
        at_once.wait(10)
        try:
            people.set_active(id, False, actor="t")
        except WrongState:
            return False
        return True

    for _ in range(10):
        at_once = Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(disable, ids, [at_once] * 2))
        assert sorted(done) == [False, True]
        people.set_active(ids[done.index(True)], True, actor="t")
