"""An admin lets people in, gives them a role, and shuts them out; each act is on record."""

import re
from collections.abc import Callable

from starlette.testclient import TestClient

from api.people import Provider, SignIn
from api.reads import ActSearch
from tests.api.conftest import Shop


def _id(shop: Shop, email: str) -> str:
    found = shop.services.people.password_of(email)
    assert found is not None
    return found[0].id


def test_an_admin_lets_a_marketer_in_by_a_link(shop: Shop) -> None:
    """The link is shown once, sets the password, and never travels by itself."""
    admin = shop.signed_in("admin")
    form = {"name": "Mei Lin", "email": "mei@example.com", "role": "marketer"}
    shown = admin.post("/console/people/invite", data=form).text
    link = re.search(r"http://testserver(/console/link/[\w-]+)", shown)
    assert link is not None

    mei = TestClient(shop.app, follow_redirects=False)
    used = mei.post(link.group(1), data={"password": "seven green lanterns"})

    assert used.status_code == 303
    assert "Mei Lin" in mei.get("/console").text
    listed = admin.get("/console/people").text
    assert "mei@example.com" in listed
    assert link.group(1) not in listed


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(shop: Shop) -> None:
    """An address that is taken, a name that is missing."""
    admin = shop.signed_in("admin")
    form = {"name": "Somebody", "email": "ADMIN@example.com", "role": "operator"}
    again = admin.post("/console/people/invite", data=form)

    assert again.status_code == 422
    assert 'id="f-email-error"' in again.text
    assert 'value="Somebody"' in again.text
    assert 'value="operator" checked' in again.text


def test_the_last_admin_cannot_lock_everybody_out(shop: Shop) -> None:
    """Neither by another role nor by being disabled; with a second admin both work."""
    admin = shop.signed_in("admin")
    me = f"/console/people/{_id(shop, 'admin@example.com')}"

    refused = admin.post(f"{me}/role", data={"role": "marketer"})
    assert refused.status_code == 409
    assert "is the only admin" in refused.text
    assert admin.post(f"{me}/disable").status_code == 409
    assert admin.get("/console/people").status_code == 200

    shop.services.people.invite(name="Bo", email="bo@example.com", role="admin", actor="test")
    assert admin.post(f"{me}/role", data={"role": "marketer"}).status_code == 303
    assert admin.get("/console/people").status_code == 403


def test_where_everybody_comes_by_the_company_no_link_is_made_or_followed(
    serving: Callable[..., Shop],
) -> None:
    """Neither a new one nor one from before; the pages offer none, and say who lets people in."""
    provider = Provider("https://login.shop.example", "milepost", "x", "groups", ())
    shop = serving(sign_in=SignIn(local=False, provider=provider))
    admin = shop.signed_in("admin")
    form = {"name": "Mei", "email": "mei@example.com", "role": "marketer"}
    made, token = shop.services.people.invite(**form, actor="before")

    for refused in (
        admin.get("/console/people/invite"),
        admin.post("/console/people/invite", data={**form, "email": "bo@example.com"}),
        admin.post(f"/console/people/{made.id}/reset"),
    ):
        assert refused.status_code == 409
        assert "Links are switched off here" in refused.text
    assert len(shop.services.people.list()) == 2
    assert "/console/people/invite" not in admin.get("/console/people").text
    assert "/reset" not in admin.get(f"/console/people/{made.id}").text

    mei = TestClient(shop.app, follow_redirects=False)
    password = {"password": "seven green lanterns"}
    for answer in (
        mei.get(f"/console/link/{token}"),
        mei.post(f"/console/link/{token}", data=password),
    ):
        assert answer.status_code == 410
        assert "This link no longer works" in answer.text
    assert shop.services.people.link(token) is not None, "it was not used up either"


def test_each_act_on_people_is_on_record(shop: Shop) -> None:
    """Who did it, to whom, and what changed."""
    admin = shop.signed_in("admin")
    shop.signed_in("marketer")
    mei, ada = _id(shop, "marketer@example.com"), _id(shop, "admin@example.com")
    for act, form in (
        ("role", {"role": "operator"}),
        ("reset", {}),
        ("sign-out", {}),
        ("disable", {}),
        ("enable", {}),
    ):
        assert admin.post(f"/console/people/{mei}/{act}", data=form).status_code in (200, 303)

    rows = shop.services.reads.acts(ActSearch(target=mei, limit=10))
    assert [(row["action"], row["actor"]) for row in rows[:5]] == [
        ("person.enable", ada),
        ("person.disable", ada),
        ("session.end_all", ada),
        ("person.reset", ada),
        ("person.role", ada),
    ]
    assert rows[4]["detail"] == {"from": "marketer", "to": "operator"}


def test_one_session_is_ended_and_the_others_stay(shop: Shop) -> None:
    """A lost telephone is signed out; the desk goes on working."""
    admin = shop.signed_in("admin")
    operator = shop.signed_in("operator")
    who = _id(shop, "operator@example.com")
    desk = shop.services.sessions.open(who, "password")
    lost = next(each for each in shop.services.sessions.of(who) if each.how == "password")
    page = f"/console/people/{who}"
    assert lost.id in admin.get(page).text

    at_desk = shop.services.sessions.recognise(desk)
    assert at_desk is not None
    for each in shop.services.sessions.of(who):
        if at_desk[1].id != each.id:
            assert admin.post(f"{page}/sessions/{each.id}/end").status_code == 303

    assert operator.get("/console").status_code == 303
    assert shop.services.sessions.recognise(desk) is not None
