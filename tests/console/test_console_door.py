"""The way in: passwords, links, sessions, and what is turned away at the door."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from api.people import SignIn
from loyalty.people import IDLE, LINK_LIFE, LONGEST
from tests.api.conftest import Shop

PASSWORD = "seven green lanterns"
Serving = Callable[..., Shop]


def browser(shop: Shop, **more: str) -> TestClient:
    """Somebody's browser, on https unless told otherwise."""
    return TestClient(
        shop.app,
        follow_redirects=False,
        raise_server_exceptions=False,
        headers=more,
    )


def with_password(shop: Shop, role: str = "marketer", email: str = "mei@example.com") -> TestClient:
    """A browser after its person has used the link."""
    _, token = shop.services.people.invite(name="Mei", email=email, role=role, actor="test")
    visitor = browser(shop)
    answer = visitor.post(f"/console/link/{token}", data={"password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return visitor


def signs_in(visitor: TestClient, password: str = PASSWORD, **more: str) -> int:
    given = {"email": "mei@example.com", "password": password, **more}
    return visitor.post("/console/sign-in", data=given).status_code


# --- links --------------------------------------------------------------------------------------


def test_the_first_link_makes_the_first_admin_and_no_second_one(shop: Shop) -> None:
    """Two processes may have printed a link each; the first to be used is the only one."""
    first, second = shop.services.people.first_link(), shop.services.people.first_link()
    visitor = browser(shop)
    form = {"name": "Ada", "email": "Ada@Example.com ", "password": PASSWORD}
    assert visitor.post(f"/console/link/{first}", data=form).status_code == 303

    late = browser(shop).post(f"/console/link/{second}", data={**form, "email": "eve@example.com"})

    assert late.status_code == 410
    assert shop.services.people.first_link() is None
    (ada,) = shop.services.people.list()
    assert (ada.email, ada.role) == ("ada@example.com", "admin")
    assert visitor.get("/console/people").status_code == 200


def test_a_link_works_once_and_for_a_day(shop: Shop) -> None:
    """Whoever finds it later in a mailbox finds nothing."""
    who, token = shop.services.people.invite(
        name="Mei", email="mei@example.com", role="marketer", actor="test"
    )
    shop.clock.moves(LINK_LIFE)
    assert browser(shop).get(f"/console/link/{token}").status_code == 410

    fresh = shop.services.people.reset(who.id, actor="test")
    assert browser(shop).get(f"/console/link/{token}").status_code == 410
    assert (
        browser(shop).post(f"/console/link/{fresh}", data={"password": PASSWORD}).status_code == 303
    )
    assert (
        browser(shop).post(f"/console/link/{fresh}", data={"password": PASSWORD}).status_code == 410
    )


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaa", "mei@example.com", "x" * 201])
def test_a_password_that_is_easy_to_guess_is_refused_beside_its_field(
    shop: Shop, password: str
) -> None:
    """The link still works after it."""
    _, token = shop.services.people.invite(
        name="Mei", email="mei@example.com", role="marketer", actor="test"
    )
    refused = browser(shop).post(f"/console/link/{token}", data={"password": password})

    assert refused.status_code == 422
    assert 'id="f-password-error"' in refused.text
    assert browser(shop).get(f"/console/link/{token}").status_code == 200


def test_passwords_and_links_are_kept_as_hashes_only(shop: Shop) -> None:
    """Whoever reads the database can neither sign in nor use a link."""
    with_password(shop)
    _, token = shop.services.people.invite(
        name="Tom", email="tom@example.com", role="operator", actor="test"
    )
    with shop.database.engine.connect() as connection:
        dump = "\n".join(connection.connection.iterdump())

    assert "$argon2id$" in dump
    assert PASSWORD not in dump
    assert token not in dump


# --- signing in ---------------------------------------------------------------------------------


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(shop: Shop) -> None:
    """Nobody finds out at the door who has an account."""
    with_password(shop)
    visitor = browser(shop)

    wrong = visitor.post("/console/sign-in", data={"email": "mei@example.com", "password": "no"})
    unknown = visitor.post("/console/sign-in", data={"email": "eve@example.com", "password": "no"})

    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text.replace("mei@", "eve@") == unknown.text
    assert "set-cookie" not in wrong.headers


def test_guessing_is_slowed_down_and_told_when_to_try_again(shop: Shop) -> None:
    """After eight tries on one account even the right password waits."""
    with_password(shop)
    visitor = browser(shop)
    for _ in range(8):
        assert signs_in(visitor, "wrong") == 401

    assert signs_in(visitor) == 429
    answer = visitor.post("/console/sign-in", data={"email": "mei@example.com", "password": "x"})
    assert "Try again in 15 minutes." in answer.text
    assert 0 < int(answer.headers["retry-after"]) <= 900


@pytest.mark.parametrize(
    ("wanted", "gets"),
    [
        ("/console/people?a=1", "/console/people?a=1"),
        ("https://evil.example/console", "/console"),
        ("//evil.example/console", "/console"),
        ("/\\evil.example", "/console"),
        ("//[", "/console"),
        ("/console/../v1/members", "/console/../v1/members"),
        ("/v1/members", "/console"),
        ("javascript:alert(1)", "/console"),
        ("/consolement", "/console"),
    ],
)
def test_signing_in_leads_back_but_never_to_another_site(
    shop: Shop, wanted: str, gets: str
) -> None:
    """`next` is a page of ours or it is forgotten."""
    with_password(shop)
    visitor = browser(shop)

    answer = visitor.post(
        "/console/sign-in",
        data={"email": "mei@example.com", "password": PASSWORD, "next": wanted},
    )

    assert answer.headers["location"] == gets


def test_passwords_can_be_switched_off(serving: Serving) -> None:
    """A company that signs in by its provider has no second door."""
    shop = serving(sign_in=SignIn(local=False))
    people = shop.services.people
    _, token = people.invite(name="Mei", email="mei@example.com", role="marketer", actor="before")
    people.use_link(token, PasswordHasher().hash(PASSWORD))

    assert signs_in(browser(shop)) == 403
    assert 'name="password"' not in browser(shop).get("/console/sign-in").text


# --- sessions -----------------------------------------------------------------------------------


def test_who_is_not_signed_in_is_led_to_the_door_and_back(shop: Shop) -> None:
    """Every page but the door asks who looks."""
    answer = browser(shop).get("/console/people?q=1")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/console/sign-in?next=/console/people%3Fq%3D1"
    fragment = browser(shop, **{"HX-Request": "true"}).get("/console/people")
    assert (fragment.status_code, fragment.headers["hx-retarget"]) == (401, "#signed-out")
    assert "hx-redirect" not in fragment.headers  # what was typed on the page stays there
    for files in (None, {"file": b"x"}):  # nothing that could be kept
        answer = browser(shop).post("/console/sign-out", files=files)
        assert answer.headers["location"] == "/console/sign-in"


@pytest.mark.parametrize("length", [IDLE, LONGEST])
def test_a_session_ends_by_idleness_and_by_age(shop: Shop, length: timedelta) -> None:
    """Eight hours unused, or seven days of daily use."""
    visitor = shop.signed_in("operator")
    waited, step = timedelta(), timedelta(hours=7)
    while length == LONGEST and waited + step < LONGEST:
        shop.clock.moves(step)
        waited += step
        assert visitor.get("/console").status_code == 200
    shop.clock.moves(length - waited)

    assert visitor.get("/console").status_code == 303


def test_an_ended_session_is_over_at_once(shop: Shop) -> None:
    """Revoked by an admin, by disabling the person, by a reset, or by signing out."""
    people, sessions = shop.services.people, shop.services.sessions
    admin = shop.signed_in("admin")
    assert admin.get("/console").status_code == 200
    who = people.password_of("admin@example.com")
    assert who is not None
    sessions.end_all(who[0].id, actor="test")
    assert admin.get("/console").status_code == 303

    marketer = shop.signed_in("marketer")
    found = people.password_of("marketer@example.com")
    assert found is not None
    people.set_active(found[0].id, False, actor="test")
    assert marketer.get("/console").status_code == 303

    operator = shop.signed_in("operator")
    assert operator.post("/console/sign-out").status_code == 303
    assert operator.get("/console").status_code == 303


def test_a_session_never_opens_the_api_and_a_key_never_the_console(shop: Shop) -> None:
    """A forged request could use a cookie; programs use keys, and only there."""
    visitor = shop.signed_in("admin")

    assert visitor.get("/v1/members/lee").status_code == 401
    assert shop.as_("admin").get("/console", follow_redirects=False).status_code == 303


def test_the_wrong_role_is_told_which_one_is_needed(shop: Shop) -> None:
    """And sees no entry for the page in the menu."""
    answer = shop.signed_in("marketer").get("/console/people")

    assert answer.status_code == 403
    assert "It needs the role Admin; yours is Marketer." in answer.text
    assert 'href="/console/people"' not in answer.text


def test_a_new_role_counts_from_the_next_page_on(shop: Shop) -> None:
    """No signing out and in again."""
    visitor = shop.signed_in("marketer")
    found = shop.services.people.password_of("marketer@example.com")
    assert found is not None
    shop.services.people.change_role(found[0].id, "admin", actor="test")

    assert visitor.get("/console/people").status_code == 200


# --- forged requests ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, 303),
        ({"Origin": "http://testserver"}, 303),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Origin": "http://testserver:81"}, 403),
        ({}, 303),
    ],
)
def test_a_request_that_another_site_forged_changes_nothing(
    shop: Shop, headers: dict[str, str], status: int
) -> None:
    """The browser says where a form came from; ours are the only ones that count."""
    visitor = shop.signed_in("operator")

    assert visitor.post("/console/sign-out", headers=headers).status_code == status
    assert visitor.get("/console").status_code == (303 if status == 303 else 200)


# --- what every answer carries ------------------------------------------------------------------


def test_every_page_is_strict_about_what_it_loads_and_who_keeps_it(shop: Shop) -> None:
    """Pages, refusals and redirects alike."""
    visitor = shop.signed_in("admin")
    for path in ("", "/people", "/nothing-here", "/sign-in"):
        headers = visitor.get(f"/console{path}").headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("scheme", "name"), [("http", "milepost_session"), ("https", "__Host-milepost_session")]
)
def test_the_session_cookie_is_out_of_reach(shop: Shop, scheme: str, name: str) -> None:
    """Of scripts, of other sites' forms, of other hosts, and of the open line over https."""
    with_password(shop)
    visitor = TestClient(shop.app, base_url=f"{scheme}://shop.example", follow_redirects=False)
    answer = visitor.post(
        "/console/sign-in", data={"email": "mei@example.com", "password": PASSWORD}
    )
    cookie = answer.headers["set-cookie"]

    assert cookie.startswith(f"{name}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/;" in cookie
    assert "Domain" not in cookie
    assert ("Secure" in cookie) == (scheme == "https")
    assert visitor.get("/console").status_code == 200


def test_the_cookie_keeps_to_https_behind_a_proxy_that_is_not_believed(serving: Serving) -> None:
    """The settings say how people reach us; the log says what to set."""
    shop = serving(sign_in=SignIn(public_url="https://points.shop.example"))
    with_password(shop)
    visitor = browser(shop)
    with capture_logs() as lines:
        cookie = visitor.post(
            "/console/sign-in", data={"email": "mei@example.com", "password": PASSWORD}
        ).headers["set-cookie"]

    assert cookie.startswith("__Host-milepost_session=")
    assert "Secure" in cookie
    assert visitor.get("/console", headers={"Cookie": cookie.split(";")[0]}).status_code == 200
    assert "MILEPOST_FORWARDED_ALLOW_IPS" in lines[0]["event"]


def test_the_first_address_leads_to_the_console(shop: Shop) -> None:
    """Whoever types the host alone lands where people work."""
    assert browser(shop).get("/").headers["location"] == "/console"
