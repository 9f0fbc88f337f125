"""Signing in with a company's identity provider: a real one answers on loopback."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import oidc_provider_mock
import pytest
from starlette.testclient import TestClient

from api.people import Provider, SignIn
from loyalty.access import Role
from tests.api.conftest import Shop

# The provider of the tests still uses what its library will drop; ours does not.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")
ROLES: tuple[tuple[str, Role], ...] = (("milepost-admins", "admin"), ("marketing", "marketer"))
BACK = "http://testserver/console/oidc/back"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def company(issuer: str, serving: Callable[..., Shop]) -> Shop:
    """A shop whose people come by the provider; `marketing` may launch campaigns."""
    provider = Provider(issuer, "milepost", "a secret", "groups", ROLES)
    return serving(sign_in=SignIn(provider=provider))


def browser(shop: Shop) -> TestClient:
    return TestClient(shop.app, follow_redirects=False, raise_server_exceptions=False)


def employs(issuer: str, sub: str, **claims: object) -> None:
    """Somebody the provider knows."""
    given = {"email": f"{sub}@example.com", "name": sub.title(), **claims}
    answer = httpx2.put(f"{issuer}/users/{sub}", json=given)
    assert answer.status_code == 204, answer.text


def goes(visitor: TestClient, next: str = "") -> str:
    """The address at the provider that the browser is sent to."""
    answer = visitor.get("/console/oidc", params={"next": next})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def allows(at: str, sub: str) -> str:
    """The person agrees at the provider; returns the path the browser is sent back to."""
    answer = httpx2.post(at, data={"sub": sub}, follow_redirects=False)
    back = answer.headers["location"]
    assert back.startswith(BACK), answer.text
    return back.removeprefix("http://testserver")


def test_a_marketer_of_the_company_comes_in_without_an_account(company: Shop, issuer: str) -> None:
    """The provider vouches; role and name are its own, and the way leads to the page asked for."""
    employs(issuer, "mei", groups=["everybody", "marketing"])
    visitor = browser(company)
    at = goes(visitor, "/console/campaigns?state=live")
    asked = parse_qs(urlsplit(at).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [BACK]

    back = visitor.get(allows(at, "mei"))

    assert back.headers["location"] == "/console/campaigns?state=live"
    (mei,) = company.services.people.list()
    assert (mei.email, mei.name, mei.role) == ("mei@example.com", "Mei", "marketer")
    assert "Mei" in visitor.get("/console").text


def test_the_role_follows_the_provider_at_each_sign_in(company: Shop, issuer: str) -> None:
    """Whoever gets another group there has another role here; the best one counts."""
    for groups, role in ((["marketing"], "marketer"), (["marketing", "milepost-admins"], "admin")):
        employs(issuer, "ada", groups=groups)
        visitor = browser(company)
        assert visitor.get(allows(goes(visitor), "ada")).status_code == 303
        (ada,) = company.services.people.list()
        assert ada.role == role


def test_somebody_without_a_role_is_refused_in_plain_words(company: Shop, issuer: str) -> None:
    """And no account is made for them."""
    employs(issuer, "eve", groups=["everybody"])
    visitor = browser(company)
    refused = visitor.get(allows(goes(visitor), "eve"))

    assert refused.status_code == 403
    assert "eve@example.com has no role here." in refused.text
    assert company.services.people.list() == []
    assert visitor.get("/console").status_code == 303


def test_the_last_admin_stays_one_until_the_provider_sends_another(
    company: Shop, issuer: str
) -> None:
    """Groups that are mixed up for an hour leave somebody who can let people in."""

    def comes(sub: str, group: str) -> dict[str, str]:
        employs(issuer, sub, groups=[group])
        visitor = browser(company)
        assert visitor.get(allows(goes(visitor), sub)).status_code == 303
        return {person.name: person.role for person in company.services.people.list()}

    comes("ada", "milepost-admins")
    assert comes("ada", "marketing") == {"Ada": "admin"}
    comes("mei", "milepost-admins")
    assert comes("ada", "marketing") == {"Ada": "marketer", "Mei": "admin"}


@pytest.mark.parametrize("said", [False, "false", "False", None])
def test_an_address_that_is_not_confirmed_is_nobodys(
    company: Shop, issuer: str, said: object
) -> None:
    """Else anybody could claim an admin's address at a careless provider; some send texts."""
    employs(issuer, "eve", groups=["milepost-admins"], email_verified=said)
    visitor = browser(company)
    refused = visitor.get(allows(goes(visitor), "eve"))

    assert refused.status_code == 403
    assert "no confirmed e-mail address" in refused.text


def test_an_address_confirmed_by_a_text_is_confirmed(company: Shop, issuer: str) -> None:
    """As AWS Cognito and Apple say it."""
    employs(issuer, "mei", groups=["marketing"], email_verified="true")
    visitor = browser(company)

    assert visitor.get(allows(goes(visitor), "mei")).status_code == 303


def test_whom_an_admin_shut_out_stays_out(company: Shop, issuer: str) -> None:
    """The provider vouches for who it is, not for whether we still want them here."""
    employs(issuer, "mei", groups=["marketing"])
    visitor = browser(company)
    visitor.get(allows(goes(visitor), "mei"))
    (mei,) = company.services.people.list()
    company.services.people.set_active(mei.id, False, actor="test")

    assert visitor.get(allows(goes(visitor), "mei")).status_code == 403


def test_a_sign_in_begun_in_another_browser_does_not_count(company: Shop, issuer: str) -> None:
    """Nobody can be signed in as somebody else by being sent a link."""
    employs(issuer, "eve", groups=["marketing"])
    attacker, victim = browser(company), browser(company)
    back = allows(goes(attacker), "eve")

    assert victim.get(back).status_code == 403
    goes(victim)
    assert victim.get(back).status_code == 403, "the state is the attacker's"
    assert victim.get("/console").status_code == 303


def test_an_altered_or_late_way_back_does_not_count(company: Shop, issuer: str) -> None:
    """A code that was exchanged already, a cookie that was changed, a nonce of another request."""
    employs(issuer, "mei", groups=["marketing"])
    visitor = browser(company)
    back = allows(goes(visitor), "mei")
    assert visitor.get(back).status_code == 303
    assert visitor.get(back).status_code == 403, "the cookie is gone after its use"

    other = browser(company)
    back = allows(goes(other), "mei")
    carried = other.cookies["milepost_way"]
    other.cookies.clear()
    other.cookies.set("milepost_way", "x" + carried.strip('"')[1:])
    assert other.get(back).status_code == 403

    refused = browser(company)
    state = parse_qs(urlsplit(goes(refused)).query)["state"][0]
    answer = refused.get("/console/oidc/back", params={"state": state, "error": "access_denied"})
    assert answer.status_code == 403
    assert "did not let you in" in answer.text


def test_a_provider_that_is_away_is_said_so(serving: Callable[..., Shop]) -> None:
    """The door stays usable for local accounts."""
    provider = Provider("http://localhost:9", "milepost", "x", "groups", ())
    visitor = browser(serving(sign_in=SignIn(provider=provider)))

    assert visitor.get("/console/oidc").status_code == 502
    door = visitor.get("/console/sign-in").text
    assert re.search(r'href="/console/oidc\?next=', door)
    assert 'name="password"' in door
