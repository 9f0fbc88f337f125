"""Texts made to break something: half characters, forged lines, conditions that swallow all."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import pytest
from psycopg.errors import NotNullViolation
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bootstrap.services import WEATHER
from loyalty.journeys.load import load_texts
from tests.api.conftest import CAMPAIGN, Shop, check_in, receipt

JSON = {"Content-Type": "application/json"}
UNKEEPABLE: Mapping[str, bytes] = {
    "half a character": rb'{"id": "wu", "tags": ["\ud83d"]}',
    "its other half": rb'{"id": "wu", "tags": ["\uDE00"]}',
    "halves in the wrong order": rb'{"id": "wu", "tags": ["\ude00\ud83d"]}',
    "half of one behind a backslash": rb'{"id": "wu", "tags": ["\\\ud83d"]}',
    "half a character as bytes": b'{"id": "wu", "tags": ["\xed\xa0\xbd"]}',
    "half a character in a batch": rb'{"events": [{"source": "\ud83d"}]}',
    "half a character as a name": rb'{"\ud83d": 1}',
    "another encoding": '{"id": "wu", "name": "a\\u0000b"}'.encode("utf-16-le"),
    "another encoding, announced": '{"id": "wu"}'.encode("utf-16"),
}


@pytest.mark.parametrize("path", ["/v1/members", "/v1/events"])
@pytest.mark.parametrize("body", UNKEEPABLE.values(), ids=UNKEEPABLE.keys())
def test_text_that_no_database_keeps_is_refused_at_the_door(
    shop: Shop, path: str, body: bytes
) -> None:
    """The caller hears that the body is malformed, not that we have failed."""
    answer = shop.as_("integrator").post(path, content=body, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


def test_a_campaigns_values_are_held_to_the_same(shop: Shop) -> None:
    """Values of a template are open to anything that JSON can say, and to no more."""
    body = rb'{"id": "h", "name": "H", "template": "greeting", "values": {"\ud83d": 1}}'

    assert shop.as_("marketer").post("/v1/campaigns", content=body, headers=JSON).status_code == 400


def test_every_whole_character_is_welcome(shop: Shop) -> None:
    """Written out or escaped; a backslash before `ud83d` is a backslash."""
    names = {"a": r'"\ud83d\ude00 Lee"', "b": '"王😀"', "c": r'"\\ud83d"'}

    for id, name in names.items():
        body = f'{{"id": "{id}", "name": {name}}}'.encode()
        answer = shop.as_("integrator").post("/v1/members", content=body, headers=JSON)
        assert answer.status_code == 201, answer.text
        found = shop.as_("integrator").get(f"/v1/members/{id}").json()
        assert found["name"] == json.loads(name)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Lee\r\nBcc: all@example.com"),
        ("name", "   "),
        ("source", "app\n2026 forged line"),
        ("tags", ["vip\u0007"]),
        ("tags", ["x" * 65]),
        ("tags", [""]),
        ("birthday", "1990-02-31"),
        ("birthday", "２０２６-01-01"),
        ("registered_at", "9999-12-31T23:59:59-12:00"),
        ("registered_at", "0001-01-01T00:00:00+12:00"),
        ("registered_at", "2026-10-04T12:00:00+08:00"),  # tomorrow
        ("invited_by", "lee@example.com"),
    ],
)
def test_a_member_is_registered_with_sound_data_only(shop: Shop, field: str, value: Any) -> None:
    """The field is named, what was sent is not repeated, and nobody has joined."""
    answer = shop.as_("integrator").post("/v1/members", json={"id": "wu", field: value})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"][0]["field"].startswith(field)
    assert "example.com" not in answer.text
    assert shop.as_("integrator").get("/v1/members/wu").status_code == 404


def test_an_address_in_place_of_an_id_is_not_repeated(shop: Shop) -> None:
    """Whoever looks a member up by e-mail is told how ids look, without reading the e-mail back."""
    answer = shop.as_("integrator").get("/v1/members/lee@example.com")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert "lee@example.com" not in answer.text


@pytest.mark.parametrize(
    "audience", ["member.purchases > 0 // regulars", "true " + "&& true " * 240, "true) || (true"]
)
def test_an_audience_must_stand_together_with_the_templates_own(
    serving: Callable[..., Shop], audience: str
) -> None:
    """What cannot be judged as one is refused while it is a draft, not when members knock."""
    files = {"campaign.yaml": CAMPAIGN + 'audience: "member.purchases >= 0 && ' + "true && " * 20}
    files["campaign.yaml"] += 'true"\n'
    template = load_texts("greeting", files)
    shop = serving(templates=lambda: {"greeting": template})

    answer = shop.as_("marketer").post(
        "/v1/campaigns",
        json={"id": "hello", "name": "Hello", "template": "greeting", "audience": audience},
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "audience"


class Broken:
    """A store whose every transaction ends in this error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def run(self, work: object) -> Any:
        raise self._error

    def submit(self, work: object, wants: object) -> Future[Any]:
        """As the store answers: the error comes out when it is waited for."""
        future: Future[Any] = Future()
        future.set_exception(self._error)
        return future


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("", {}, Exception()), 503),
        (InterfaceError("", {}, Exception()), 503),
        (PoolTimeout(), 503),
        (DataError("", {}, Exception()), 500),
        (IntegrityError("", {}, NotNullViolation()), 500),
    ],
    ids=lambda each: type(each).__name__,
)
def test_only_an_absent_database_is_worth_asking_again(
    serving: Callable[..., Shop], error: Exception, status: int
) -> None:
    """What the database will never take is our fault: a till must not repeat it for ever."""
    shop = serving(store=Broken(error), weather=WEATHER)
    till = shop.as_("integrator")

    assert till.post("/v1/purchases", json=receipt()).status_code == status
    batch = till.post("/v1/events", json={"events": [check_in()]})
    assert batch.status_code == (200 if status == 503 else 500)
