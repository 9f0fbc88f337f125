"""The page on which a campaign is watched and held."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from loyalty.access import Role
from loyalty.journeys.turn import take_turn
from tests.api.conftest import Shop

PAGE = "/console/campaigns/hello/watch"


@pytest.fixture
def told(shop: Shop) -> Shop:
    shop.joins("lee")
    shop.launches(name="Hello <b>there</b>")
    answer = shop.as_("integrator").post("/v1/campaigns/hello/members/lee", json={})
    assert answer.status_code == 201, answer.text
    return shop


def test_the_page_shows_how_the_campaign_stands(told: Shop) -> None:
    """Its name as text, its state, its figures, its journey with counts, its acts."""
    page = told.signed_in("marketer").get(PAGE)

    assert page.status_code == 200, page.text
    assert "Hello &lt;b&gt;there&lt;/b&gt;" in page.text
    assert "1 member entered so far" in page.text
    assert "of a budget of 1,000" in page.text
    assert 'class="journey"' in page.text
    assert "Stop for good" in page.text
    assert 'data-feed="/console/campaigns/hello/live?version=1"' in page.text
    assert "lee" not in page.text


def test_a_campaign_that_nobody_entered_says_so(shop: Shop) -> None:
    shop.launches()

    page = shop.signed_in("marketer").get(PAGE)

    assert "Nobody has entered yet" in page.text


def test_pausing_needs_a_reason_and_keeps_what_was_typed(told: Shop) -> None:
    """A reason of blanks is none: the form is shown again, open, and nothing was done."""
    marketer = told.signed_in("marketer")

    refused = marketer.post(f"{PAGE}/pause", data={"reason": "   "})

    assert refused.status_code == 422
    assert "Give a reason" in refused.text
    assert '<details class="confirm" open>' in refused.text
    assert state(told) == "launched"


def test_a_campaign_is_paused_resumed_and_stopped_with_reasons(told: Shop) -> None:
    """Each act says what it did, and stands in the audit trail with its reason and name."""
    marketer = told.signed_in("marketer")
    for act, after, said in (
        ("pause", "paused", "The campaign is paused."),
        ("resume", "launched", "The campaign goes on."),
        ("stop", "stopped", "The campaign is stopped for good."),
    ):
        done = marketer.post(f"{PAGE}/{act}", data={"reason": f"Because of {act}"})
        assert (done.status_code, done.headers["location"]) == (303, PAGE)
        assert said in marketer.get(PAGE).text
        assert state(told) == after

    trail = told.as_("operator").get("/v1/audit?target=hello").json()["acts"]
    assert [row["reason"] for row in trail[:3]] == [
        "Because of stop",
        "Because of resume",
        "Because of pause",
    ]


def test_what_is_stopped_uses_up_nothing_more(told: Shop) -> None:
    """The day on which the budget ends is foretold while points are given, and not after."""
    told.services.store.run(lambda tx: take_turn(tx, "j/hello/lee/api", 0))
    marketer = told.as_("marketer")

    live = marketer.get("/v1/campaigns/hello/watch").json()["points"]
    marketer.post("/v1/campaigns/hello/stop", json={"reason": "Done"})
    over = marketer.get("/v1/campaigns/hello/watch").json()["points"]

    assert (live["granted"], live["used_up_on"]) == (50, "2026-10-22")
    assert (over["granted"], over["used_up_on"]) == (50, None)


def test_stopping_twice_is_refused_with_the_reason_kept(told: Shop) -> None:
    marketer = told.signed_in("marketer")
    marketer.post(f"{PAGE}/stop", data={"reason": "Wrong price"})

    again = marketer.post(f"{PAGE}/stop", data={"reason": "Wrong price"})

    assert again.status_code == 422
    assert "stopped" in again.text


@pytest.mark.parametrize(
    ("role", "reads", "holds"),
    [("marketer", 200, 303), ("operator", 200, 303), ("integrator", 200, 403)],
)
def test_who_may_watch_and_who_may_hold(told: Shop, role: Role, reads: int, holds: int) -> None:
    """Watching is for everybody who may read campaigns; holding for marketers and operators."""
    somebody = told.signed_in(role)

    page = somebody.get(PAGE)

    assert page.status_code == reads
    assert ("Stop for good" in page.text) == (holds == 303)
    done = somebody.post(f"{PAGE}/pause", data={"reason": "Checking"})
    assert done.status_code == holds


def test_the_feed_is_for_whoever_is_signed_in_and_for_no_key(told: Shop) -> None:
    """An API key opens the API's feed and not the page's; without a session there is neither."""
    with_key = told.as_("marketer").get("/console/campaigns/hello/live", follow_redirects=False)
    assert with_key.status_code == 303
    assert with_key.headers["location"].startswith("/console/sign-in")

    session = told.signed_in("marketer")
    assert session.get("/v1/campaigns/hello/live").status_code == 401


def test_a_feed_whose_session_is_over_is_refused_without_a_page(told: Shop) -> None:
    """A browser's feed cannot follow to the sign-in page: it would take it for a broken feed."""
    feed = {"Accept": "text/event-stream"}

    answer = told.stranger.get("/console/campaigns/hello/live", headers=feed)

    assert (answer.status_code, answer.text) == (401, "")


@pytest.mark.parametrize("act", ["disabled", "signed out", "another role"])
def test_a_feed_ends_for_whoever_is_shut_out(
    told: Shop, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """The next look is refused, not only the next page."""
    monkeypatch.setattr("api.lookout.LOOK_EVERY_SECONDS", 0.0)
    session, people = told.signed_in("marketer"), told.services.people
    (mei,) = people.list()
    acts: dict[str, Callable[[], object]] = {
        "disabled": lambda: people.set_active(mei.id, False, actor="test"),
        "signed out": lambda: told.services.sessions.end_all(mei.id, actor="test"),
        "another role": lambda: people.change_role(mei.id, "operator", actor="test"),
    }
    looks: list[bool] = []

    def one_more_look() -> bool:
        looks.append(True)
        if len(looks) == 3:
            acts[act]()
        return len(looks) == 20

    told.services.lookout.stopping = one_more_look

    assert "event: tiles" in session.get("/console/campaigns/hello/live").text
    assert len(looks) == 3


def test_a_forged_stop_is_turned_away(told: Shop) -> None:
    """Another site's page cannot stop a campaign in a marketer's name."""
    marketer = told.signed_in("marketer")

    answer = marketer.post(
        f"{PAGE}/stop",
        data={"reason": "Gotcha"},
        headers={"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    )

    assert answer.status_code == 403
    assert state(told) == "launched"


@pytest.mark.parametrize("path", ["watch", "live", "report.xlsx"])
def test_what_is_not_there_is_a_page_that_says_so(shop: Shop, path: str) -> None:
    assert shop.signed_in("marketer").get(f"/console/campaigns/nothing/{path}").status_code == 404


def test_the_workbook_comes_in_the_readers_language(told: Shop) -> None:
    marketer: TestClient = told.signed_in("marketer")

    answer = marketer.get("/console/campaigns/hello/report.xlsx", headers={"accept-language": "zh"})

    assert answer.status_code == 200
    assert answer.content[:2] == b"PK"


def state(shop: Shop) -> str:
    found: str = shop.as_("marketer").get("/v1/campaigns/hello").json()["state"]
    return found
