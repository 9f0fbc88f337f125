"""The page behind the link in e-mails: for a member without an account, and for mail programs."""

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from loyalty.programme import Programme
from loyalty.wishes import UNSUBSCRIBE
from storage import tables
from storage.unsubscribe_links import tokens_of
from tests.api.conftest import Shop

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
YES = {"channel": "email", "purpose": "marketing", "granted": True}


def link(shop: Shop, member_id: str = "lee") -> str:
    """The address in the e-mails of a member."""
    with shop.database.write() as connection:
        return f"/unsubscribe/{tokens_of(connection, [member_id])[member_id]}"


def consents(shop: Shop) -> list[tuple[str, bool, str]]:
    shown = shop.as_("operator").get("/v1/members/lee").json()["consents"]
    return [(f"{each['channel']}/{each['purpose']}", each["granted"], each["source"])
            for each in shown]  # fmt: skip


def acts(shop: Shop) -> list[tuple[str, str]]:
    found = shop.as_("operator").get("/v1/audit", params={"target": "lee"}).json()["acts"]
    return [(each["actor"], each["action"]) for each in found]


@pytest.fixture
def lee(shop: Shop) -> Shop:
    """Lee gets e-mail with offers."""
    shop.joins(locale="zh", consents=[YES])
    return shop


def test_looking_at_the_page_changes_nothing(lee: Shop) -> None:
    """Programs that check mail follow every link, before anybody has read it."""
    for _ in range(3):
        answer = lee.stranger.get(link(lee))
    headed = lee.stranger.head(link(lee))

    assert (answer.status_code, headed.status_code) == (200, 200)
    assert '<form method="post">' in answer.text
    assert consents(lee) == [("email/marketing", True, "registration")]
    assert acts(lee) == []


def test_the_button_refuses_at_once_and_pressing_again_does_no_more(lee: Shop) -> None:
    browser = TestClient(lee.app, headers={"sec-fetch-site": "same-origin"})

    pages = [browser.post(link(lee)) for _ in range(3)]

    assert {page.status_code for page in pages} == {200}
    assert all("您已退订" in page.text and "<form" not in page.text for page in pages)
    assert "您已退订" in browser.get(link(lee)).text
    assert consents(lee) == [("email/marketing", False, "unsubscribe")]
    assert acts(lee) == [(UNSUBSCRIBE, "member.consents")]


@pytest.mark.parametrize(
    "origin", [{}, {"origin": "https://mail.example", "sec-fetch-site": "cross-site"}]
)
@pytest.mark.parametrize("form", ["urlencoded", "multipart"])
def test_one_click_in_the_mail_program_refuses(
    lee: Shop, origin: dict[str, str], form: str
) -> None:
    """It sends what RFC 8058 says, from wherever it runs, and follows no redirection."""
    program = TestClient(lee.app, headers=origin, follow_redirects=False)
    sent = {"data": ONE_CLICK} if form == "urlencoded" else {"files": {"x": (None, "One-Click")}}

    answer = program.post(link(lee), **sent)

    assert answer.status_code == 200
    assert consents(lee) == [("email/marketing", False, "unsubscribe")]


@pytest.mark.parametrize(
    ("locale", "asked", "title"),
    [("zh", "en", "不再接收优惠邮件？"), ("en", "zh", "No more e-mail about offers?")],
)
def test_the_page_speaks_the_members_language(
    serving: Callable[..., Shop], locale: str, asked: str, title: str
) -> None:
    """Whatever the browser would like; under the programme's name and not under ours."""
    shop = serving(programme=Programme(name="Corner Shop"))
    shop.joins(locale=locale)

    answer = shop.stranger.get(link(shop), headers={"accept-language": asked})

    assert title in answer.text
    assert answer.headers["content-language"] == locale
    assert "Corner Shop" in answer.text
    assert "Milepost" not in answer.text


def test_the_page_keeps_the_consoles_rules_and_needs_no_cookie(lee: Shop) -> None:
    """Nothing from elsewhere, no script at all, nothing kept; who works here is not recognised."""
    operator = lee.signed_in("operator")

    answer = operator.get(link(lee))

    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert (answer.headers["cache-control"], answer.headers["x-frame-options"]) == (
        "no-store",
        "DENY",
    )
    assert "set-cookie" not in answer.headers
    assert "<script" not in answer.text
    assert "operator by hand" not in answer.text


@pytest.mark.parametrize("token", ["0" * 32, "nonsense", "", "a/b", "%F0%9F%98%80" * 20, "%ff"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_leads_nowhere_is_a_plain_page(lee: Shop, method: str, token: str) -> None:
    answer = lee.stranger.request(method, f"/unsubscribe/{token}")

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert 'href="/console"' not in answer.text
    assert consents(lee) == [("email/marketing", True, "registration")]


def test_who_guesses_links_is_stopped_and_who_has_one_is_not(lee: Shop) -> None:
    """A mail provider unsubscribes thousands from a few addresses: only wrong links count."""
    stranger = lee.stranger
    for _ in range(100):
        assert stranger.post(link(lee), data=ONE_CLICK).status_code == 200

    guesses = [stranger.get(f"/unsubscribe/{n:032x}").status_code for n in range(62)]

    assert guesses == [404] * 60 + [429] * 2
    stopped = stranger.get(link(lee), headers={"accept-language": "en"})
    assert stopped.status_code == 429
    assert 0 < int(stopped.headers["retry-after"]) <= 900
    assert "Try again in 15 minutes." in stopped.text


def test_the_link_ends_with_the_member(lee: Shop) -> None:
    address = link(lee)
    body = {"id": "e1", "reason": "asked for it"}
    assert lee.as_("operator").post("/v1/members/lee/erase", json=body).status_code == 201

    assert lee.stranger.get(address).status_code == 404
    assert lee.stranger.post(address).status_code == 404


def test_who_answers_the_telephone_sees_how_the_member_refused(lee: Shop) -> None:
    """Where consents are shown, and in the audit."""
    operator = lee.signed_in("operator")
    words = "by the link in an e-mail"
    before = operator.get("/console/members/lee")
    assert (before.status_code, words in before.text) == (200, False)

    lee.stranger.post(link(lee), data=ONE_CLICK)

    assert words in operator.get("/console/members/lee").text
    audit = operator.get("/console/audit", params={"actor": UNSUBSCRIBE}).text
    assert "member.consents" in audit


def test_while_the_database_is_away_the_link_says_so(
    lee: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail program hears that it may come again, and nothing is noted by half."""
    address = link(lee)

    def away(*_: object, **__: object) -> None:
        raise OperationalError("select", {}, Exception("gone"))

    monkeypatch.setattr(lee.services.store, "run", away)
    answer = lee.stranger.post(address, data=ONE_CLICK)
    monkeypatch.undo()

    assert (answer.status_code, bool(answer.headers["retry-after"])) == (503, True)
    assert consents(lee) == [("email/marketing", True, "registration")]


def test_neither_the_link_nor_the_member_is_logged(
    lee: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    address = link(lee)
    lee.stranger.post(address)

    logged = "".join(capsys.readouterr())
    assert "/unsubscribe/{token}" in logged
    assert address.rpartition("/")[2] not in logged
    assert "lee" not in logged
    with lee.database.read() as connection:
        assert address.endswith(
            connection.execute(select(tables.unsubscribe_links.c.token)).scalar_one()
        )
