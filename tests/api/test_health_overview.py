"""How the whole is, as an operator asks for it."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.temporal_facts import TaskQueue, Worker
from storage import tables
from storage.proof import prove
from storage.verifications import note_proof
from tests.api.conftest import Shop, serve
from tests.conftest import DatabaseMaker
from tests.storage.rows import message, put


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request: pytest.FixtureRequest, new_database: DatabaseMaker) -> Shop:
    """A shop whose Temporal answers: one worker, nothing waiting."""

    async def queues() -> Any:
        worker = Worker("w1", None)
        return [
            TaskQueue("workflow", 0, 0.0, (worker,)),
            TaskQueue("activity", 0, 0.0, (worker,)),
        ]

    return serve(new_database(request.param), task_queues=queues)


def health(shop: Shop) -> dict[str, Any]:
    answer = shop.as_("operator").get("/v1/health/overview")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def parts(shop: Shop) -> dict[str, tuple[str, str]]:
    return {each["part"]: (each["state"], each["advice"]) for each in health(shop)["parts"]}


def test_a_new_programme_is_well(shop: Shop) -> None:
    """Nothing has happened, so nothing is wrong; backups are not ours to judge."""
    states = {state for state, _ in parts(shop).values()}

    assert states == {"good", "unknown"}
    assert health(shop)["state"] == "good"
    assert health(shop)["queues"][0]["workers"][0]["identity"] == "w1"


def test_what_goes_wrong_is_shown_with_what_to_do(shop: Shop) -> None:
    """The relay is behind, a channel fails, and nobody has added the ledger up."""
    shop.joins("lee")
    shop.buys()
    shop.services.store.run(lambda tx: tx.outbox.add("nudge_journey", "j/a/b/c", {}))
    shop.clock.moves(timedelta(minutes=6))
    now = shop.clock.now()
    for number in range(6):
        row = message(f"m{number}", channel="email", status="failed", claimed_at=now)
        put(shop.database, tables.messages, row)

    found = parts(shop)

    assert found["relay"] == ("bad", "relay_behind")
    assert found["channel.email"] == ("bad", "channel_fails")
    assert found["verification"] == ("attention", "never_verified")
    assert found["seal"] == ("attention", "never_sealed")
    assert health(shop)["state"] == "bad"
    assert health(shop)["delivery_day"] == {"email": {"failed": 6}}

    with shop.database.read() as connection:
        proof = prove(connection)
    shop.database.run(lambda c: note_proof(c, proof, now, 0.1))
    assert parts(shop)["verification"] == ("good", "fine")


def test_temporal_away_is_said(new_database: DatabaseMaker) -> None:
    """Recording goes on, journeys do not."""
    shop = serve(new_database("sqlite"))

    assert parts(shop)["temporal"] == ("bad", "temporal_away")
    assert shop.as_("marketer").get("/v1/health/overview").status_code == 403


def test_the_home_page_says_what_health_finds(shop: Shop) -> None:
    """One line and a link, for who may see Health, in their language; nothing when all is well."""
    operator, marketer = shop.signed_in("operator"), shop.signed_in("marketer")
    assert "/console/health" not in _said_at_home(operator)

    shop.services.store.run(lambda tx: tx.outbox.add("nudge_journey", "j/a/b/c", {}))
    shop.clock.moves(timedelta(minutes=2))
    said = _said_at_home(operator)
    assert '<a href="/console/health">Everything works, and something needs a look.</a>' in said
    assert ">Relay</span>" in said

    shop.clock.moves(timedelta(minutes=6))
    assert "Something does not work: see what to do." in _said_at_home(operator)
    assert "有部分发生故障，请查看处理办法。" in _said_at_home(operator, "zh")
    assert "/console/health" not in _said_at_home(marketer)


def _said_at_home(person: TestClient, language: str = "en") -> str:
    page = person.get("/console", headers={"Accept-Language": language}).text
    return page.partition("<main")[2]
