"""People over the API: what an admin's page does, a program with an admin's key does too."""

from collections.abc import Callable

from api.people import SignIn
from tests.api.conftest import Shop


def test_an_admin_key_lets_people_in_and_shuts_them_out(shop: Shop) -> None:
    """The link comes back once; no answer ever holds a password or a hash."""
    admin = shop.as_("admin")
    body = {"name": "Mei Lin", "email": "Mei@Example.com", "role": "marketer"}
    made = admin.post("/v1/people", json=body)
    assert made.status_code == 201, made.text
    mei = made.json()["person"]
    assert (mei["email"], mei["role"], mei["has_password"]) == (
        "mei@example.com",
        "marketer",
        False,
    )
    assert made.json()["link"].startswith("/console/link/")

    at = f"/v1/people/{mei['id']}"
    assert admin.put(f"{at}/role", json={"role": "operator"}).json()["role"] == "operator"
    assert admin.post(f"{at}/reset").json()["link"] != made.json()["link"]
    assert admin.post(f"{at}/disable").json()["active"] is False
    assert admin.post(f"{at}/reset").status_code == 409
    assert admin.post(f"{at}/enable").json()["active"] is True
    assert [each["id"] for each in admin.get("/v1/people").json()["items"]] == [mei["id"]]
    assert "hash" not in admin.get("/v1/people").text


def test_sessions_are_seen_and_ended_over_the_api(shop: Shop) -> None:
    """A leaver is signed out by the program that knows of it."""
    visitor = shop.signed_in("operator")
    (who,) = shop.services.people.list()
    at = f"/v1/people/{who.id}"
    assert len(shop.as_("admin").get(f"{at}/sessions").json()["items"]) == 1

    assert shop.as_("admin").post(f"{at}/sign-out").json() == {"items": []}

    assert visitor.get("/console").status_code == 303


def test_what_is_wrong_is_said_by_field(shop: Shop) -> None:
    """An address that is taken, one that is none, a person who is not there."""
    admin = shop.as_("admin")
    body = {"name": "Mei", "email": "mei@example.com", "role": "marketer"}
    assert admin.post("/v1/people", json=body).status_code == 201

    for email in ("MEI@example.com", "nobody", "a b@example.com"):
        refused = admin.post("/v1/people", json={**body, "email": email})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "email"
    assert admin.post("/v1/people/person-00000000/disable").status_code == 404


def test_where_passwords_are_switched_off_no_link_is_made(serving: Callable[..., Shop]) -> None:
    """People come by the identity provider: nobody is let in, or given a new link, by a program."""
    shop = serving(sign_in=SignIn(local=False))
    admin = shop.as_("admin")
    body = {"name": "Mei", "email": "mei@example.com", "role": "marketer"}

    refused = admin.post("/v1/people", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert admin.get("/v1/people").json() == {"items": []}

    mei, _ = shop.services.people.invite(**body, actor="before")
    assert admin.post(f"/v1/people/{mei.id}/reset").json()["code"] == "wrong_state"
    assert admin.post(f"/v1/people/{mei.id}/disable").status_code == 200
