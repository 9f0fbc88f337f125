"""The pages of a campaign before it runs: list, first page, messages, calendar, versions."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from loyalty.journeys.load import load_named
from loyalty.programme import Launch, Programme
from storage.store import SqlStore
from tests.api.conftest import Shop
from tests.stories import TEMPLATES

HOME = "/console/campaigns/bonus"


@pytest.fixture
def drafted(serving: Callable[..., Shop]) -> Callable[..., Shop]:
    """A welcome campaign as a draft, in a programme with launch rules of its own."""

    def made(*, budget: int | None = 100_000, name: str = "Bonus <b>1</b>", **rules: Any) -> Shop:
        template = load_named(TEMPLATES, "new_member_bonus")
        programme = Programme(launch=Launch(**rules))
        shop = serving(templates=lambda: {template.name: template}, programme=programme)
        object.__setattr__(shop.services, "store", SqlStore(shop.database, shop.clock, programme))
        body = {"id": "bonus", "name": name, "template": "new_member_bonus"}
        answer = shop.as_("marketer").post("/v1/campaigns", json={**body, "budget_points": budget})
        assert answer.status_code == 201, answer.text
        return shop

    return made


def test_no_campaign_yet_teaches_how_to_begin(shop: Shop) -> None:
    assert (
        "A campaign begins with a template"
        in shop.signed_in("marketer").get("/console/campaigns").text
    )


def test_the_list_is_searched_and_filtered_by_state(drafted: Callable[..., Shop]) -> None:
    """By a part of the name or id; the name is text, whatever stands in it."""
    marketer = drafted().signed_in("marketer")

    everything = marketer.get("/console/campaigns").text
    found = marketer.get("/console/campaigns?q=BON&state=draft").text
    nothing = marketer.get("/console/campaigns?state=paused").text

    assert "Bonus &lt;b&gt;1&lt;/b&gt;" in everything
    assert 'href="/console/campaigns/bonus"' in found
    assert "Nothing found" in nothing


def test_a_later_page_leads_back_to_the_first(drafted: Callable[..., Shop]) -> None:
    """It says so: there is no page before this one to go back to, only the beginning."""
    marketer = drafted().signed_in("marketer")

    later = marketer.get("/console/campaigns?q=bon&after=aaa").text

    assert re.search(r'href="/console/campaigns\?[^"]*" rel="first">First page<', later)
    assert "First page" not in marketer.get("/console/campaigns").text


def test_a_draft_says_what_a_launch_would_do_and_then_does_it(drafted: Callable[..., Shop]) -> None:
    """The estimate, the sentence of what happens, the button; then it is launched."""
    shop = drafted()
    shop.joins("lee")
    marketer = shop.signed_in("marketer")

    page = marketer.get(HOME).text
    launched = marketer.post(f"{HOME}/launch", data={"version": "1"}, follow_redirects=True)

    assert "1,100 points" in page  # 500, 300 and 300 for the dearest way
    assert "members enter as it happens: Registration" in page
    assert "Yes, launch it now" in page
    assert "The campaign is launched." in launched.text
    assert f"{HOME}/watch" in launched.text
    assert marketer.post(f"{HOME}/launch", data={"version": "1"}).status_code == 409


def test_where_no_event_came_it_is_not_the_audience_that_is_blamed(
    drafted: Callable[..., Shop],
) -> None:
    """Everybody is meant, and nobody joined in ninety days."""
    page = drafted().signed_in("marketer").get(HOME).text

    assert "Nobody would have entered in the last 90 days." in page
    assert "Nobody fits the audience" not in page


def test_a_launch_over_the_rule_says_why_not(drafted: Callable[..., Shop]) -> None:
    """No button is offered; who posts anyway gets the same sentence and nothing else."""
    marketer = drafted(most_points=50_000).signed_in("marketer")

    page = marketer.get(HOME).text
    posted = marketer.post(f"{HOME}/launch", data={"version": "1"})

    assert "A launch is not possible now." in page
    assert "100,000 points is above the 50,000 points" in page
    assert "Yes, launch it now" not in page
    assert (posted.status_code, "is not possible now" in posted.text) == (409, True)


def test_a_second_person_approves(drafted: Callable[..., Shop]) -> None:
    """Who asked sees that it waits and no approving; another sees both ways, and opens it."""
    shop = drafted(second_person=True)
    marketer, admin = shop.signed_in("marketer"), shop.signed_in("admin")

    asked = marketer.post(f"{HOME}/launch", data={"version": "1"}, follow_redirects=True).text
    own = marketer.post(f"{HOME}/approve", data={"version": "1"})
    seen = admin.get(HOME).text
    approved = admin.post(f"{HOME}/approve", data={"version": "1"}, follow_redirects=True).text

    assert "You asked for it, so another person has to approve." in asked
    assert "Yes, approve and launch" not in asked
    assert own.status_code == 409
    assert "Yes, approve and launch" in seen
    assert "the campaign is live" in approved


@pytest.mark.parametrize("second_person", [True, False])
@pytest.mark.parametrize(
    ("language", "said"), [("en", "It was changed since you read it"), ("zh", "草稿已被修改")]
)
def test_a_button_stands_for_the_page_it_is_on(
    drafted: Callable[..., Shop], second_person: bool, language: str, said: str
) -> None:
    """The draft became another while the page was open: it is shown anew, and nothing is done."""
    shop = drafted(second_person=second_person)
    mia, ada = shop.as_("marketer"), shop.signed_in("admin")
    ada.cookies.set("milepost_language", language)
    act = "approve" if second_person else "launch"
    if second_person:
        mia.post("/v1/campaigns/bonus/launch", json={"version": 1})
    read = pressed(ada.get(HOME).text, act)
    mia.post("/v1/campaigns/bonus/versions", json={"budget_points": 50_000})
    if second_person:
        mia.post("/v1/campaigns/bonus/launch", json={"version": 2})

    late = ada.post(f"{HOME}/{act}", data=read)
    blank = ada.post(f"{HOME}/{act}")

    for refused in (late, blank):
        assert (refused.status_code, said in refused.text) == (409, True)
    assert mia.get("/v1/campaigns/bonus").json()["state"] == "draft"
    ada.post(f"{HOME}/{act}", data=pressed(late.text, act))
    assert mia.get("/v1/campaigns/bonus").json()["state"] == "launched"


def test_a_refusal_of_another_draft_is_none(drafted: Callable[..., Shop]) -> None:
    """Nor does a mistyped reason turn a word about the old draft into one about the new."""
    shop = drafted(second_person=True)
    mia, ada = shop.as_("marketer"), shop.signed_in("admin")
    mia.post("/v1/campaigns/bonus/launch", json={"version": 1})
    read = pressed(ada.get(HOME).text, "decline")
    mia.post("/v1/campaigns/bonus/versions", json={"budget_points": 50_000})
    mia.post("/v1/campaigns/bonus/launch", json={"version": 2})

    mistyped = ada.post(f"{HOME}/decline", data=read | {"reason": " "}).text
    late = ada.post(f"{HOME}/decline", data=pressed(mistyped, "decline") | {"reason": "Too dear"})

    assert (late.status_code, "It was changed since you read it" in late.text) == (409, True)
    assert mia.get("/v1/campaigns/bonus").json()["launch_request"]["state"] == "waiting"


def pressed(page: str, act: str) -> dict[str, str]:
    """What the page's form of an act sends besides what is typed."""
    [form] = re.findall(rf'<form method="post" action="{HOME}/{act}".*?</form>', page, re.DOTALL)
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def test_a_declined_launch_shows_the_reason(drafted: Callable[..., Shop]) -> None:
    """A reason of blanks or of two lines is none; the box stays open with what was typed."""
    shop = drafted(second_person=True)
    marketer, admin = shop.signed_in("marketer"), shop.signed_in("admin")
    marketer.post(f"{HOME}/launch", data={"version": "1"})

    empty = admin.post(f"{HOME}/decline", data={"version": "1", "reason": " "})
    long = admin.post(f"{HOME}/decline", data={"version": "1", "reason": "Too dear. " * 60})
    own = marketer.post(f"{HOME}/decline", data={"version": "1", "reason": "Too late, " * 60})
    admin.post(f"{HOME}/decline", data={"version": "1", "reason": "Not before <the> holiday"})

    for refused, typed in ((empty, " "), (long, "Too dear. " * 60), (own, "Too late, " * 60)):
        assert refused.status_code == 422
        assert refused.text.count('<details class="confirm" open>') == 1
        assert f'name="reason" value="{typed}"' in refused.text
        assert "Give a reason: one line" in refused.text
    assert "Not before &lt;the&gt; holiday" in marketer.get(HOME).text


def test_every_message_is_shown_for_a_member(drafted: Callable[..., Shop]) -> None:
    """By id, in a language of choice; who is not there is said beside the field."""
    shop = drafted()
    shop.joins("wu", name="Wu Min", locale="zh")
    marketer = shop.signed_in("marketer")

    own = marketer.get(f"{HOME}/preview?member=wu")
    english = marketer.get(f"{HOME}/preview?member=wu&locale=en")
    nobody = marketer.get(f"{HOME}/preview?member=nobody")
    no_mail = marketer.get(f"{HOME}/preview?channel=email")

    assert (own.status_code, "500 积分" in own.text) == (200, True)
    assert "As SMS" in own.text
    assert "500 points" in english.text
    assert nobody.status_code == 404
    assert "There is no member with this id" in nobody.text
    assert "No message here" in no_mail.text


def test_points_and_costs_are_said_to_leave_out_the_campaigns_card(
    drafted: Callable[..., Shop],
) -> None:
    """Purchases with it earn as much as is bought: no figure is the most that this can cost."""
    marketer = drafted().signed_in("marketer")

    page, chinese = (
        marketer.get(HOME, headers={"Accept-Language": each}).text for each in ("en", "zh")
    )

    for said in (
        "Points at most, without its card",
        "Costs CN¥1,000.00, without its card",
        "One journey, at most, without its card",
        "The campaign gives a card for 2 times the points.",
    ):
        assert said in page
    assert "Costs CN¥1,000.00 at most" not in page
    assert "最多积分（不含积分卡）" in chinese


def test_who_cannot_come_in_is_said_before_the_launch(serving: Callable[..., Shop]) -> None:
    """The bonus for joining, asked for gold: nobody is gold at the door."""
    template = load_named(TEMPLATES, "new_member_bonus")
    shop = serving(templates=lambda: {template.name: template})
    shop.joins()
    shop.buys(minor=2_000_000)
    body = {"id": "bonus", "name": "Bonus", "template": template.name}
    gold = {"audience": 'member.tier == "gold"', "holdout_percent": 0}
    assert shop.as_("marketer").post("/v1/campaigns", json=body | gold).status_code == 201

    page = shop.signed_in("marketer").get(HOME).text

    assert "Nobody would have entered in the last 90 days: who joins is asked at once" in page
    assert "about 0" in page


def test_the_calendar_is_a_table_of_dates(drafted: Callable[..., Shop]) -> None:
    """What happens and because of what; an amount that is none is said beside the field."""
    operator = drafted().signed_in("operator")

    usual = operator.get(f"{HOME}/calendar?assume=purchase&day=3&amount=100").text
    small = operator.get(f"{HOME}/calendar?assume=purchase&day=3&amount=3").text
    wrong = operator.get(f"{HOME}/calendar?assume=purchase&day=3&amount=lots")

    assert "Gets 500 points" in usual
    assert "earns 20 points by the earning rules" in usual
    assert "Buys for CN¥3.00" in small
    assert "by the earning rules" not in small
    assert "You assume it" in usual
    assert wrong.status_code == 422
    assert "Give an amount above zero." in wrong.text


def test_versions_are_compared_and_copied(drafted: Callable[..., Shop]) -> None:
    """Two versions side by side; a copy under an id that is taken is refused beside the field."""
    shop = drafted()
    shop.as_("marketer").post(
        "/v1/campaigns/bonus/versions", json={"values": {"welcome_points": 600}}
    )
    marketer = shop.signed_in("marketer")

    versions = marketer.get(f"{HOME}/versions").text
    wrong = marketer.post(f"{HOME}/duplicate", data={"id": "Not An Id", "name": "Copy"})
    copied = marketer.post(
        f"{HOME}/duplicate", data={"id": "copy", "name": "Copy"}, follow_redirects=True
    )
    gone = marketer.post("/console/campaigns/copy/discard", follow_redirects=True)

    assert "welcome_points" in versions
    assert (wrong.status_code, 'value="Not An Id"' in wrong.text) == (422, True)
    assert "This is the copy" in copied.text
    assert "The draft is gone." in gone.text


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("integrator", "", 200),
        ("integrator", "/preview", 403),
        ("operator", "/calendar", 200),
        ("operator", "/versions", 200),
    ],
)
def test_roles_hold_on_pages(
    drafted: Callable[..., Shop], role: Any, path: str, status: int
) -> None:
    assert drafted().signed_in(role).get(f"{HOME}{path}").status_code == status


def test_acts_are_a_marketers(drafted: Callable[..., Shop]) -> None:
    """An operator reads, and is refused each act."""
    operator = drafted().signed_in("operator")
    for act in ("launch", "approve", "decline", "discard", "duplicate"):
        assert operator.post(f"{HOME}/{act}").status_code == 403
    assert "Launching is a marketer" in operator.get(HOME).text


def test_a_launch_that_waits_for_a_second_person_is_seen_where_people_look(
    drafted: Callable[..., Shop],
) -> None:
    """On the home page, among the campaigns and on the repair page, until it is decided."""
    shop = drafted(second_person=True)
    marketer, operator = shop.signed_in("marketer"), shop.signed_in("operator")
    awaiting = "/console/campaigns?state=awaiting"
    assert "Launches for a second person" not in marketer.get("/console").text
    assert HOME not in marketer.get(awaiting).text
    marketer.post(f"{HOME}/launch", data={"version": "1"})

    assert f'<a href="{awaiting}">1</a>' in marketer.get("/console").text
    assert HOME in marketer.get(awaiting).text
    assert "1 launch waits for a second person." in operator.get("/console/repair").text
    assert shop.as_("operator").get("/v1/repairs").json()["launches"] == 1
    listed = shop.as_("operator").get("/v1/campaigns?awaiting=true").json()["campaigns"]
    assert [each["id"] for each in listed] == ["bonus"]

    decided = shop.as_("marketer").post(
        "/v1/campaigns/bonus/decline", json={"version": 1, "reason": "too dear"}
    )
    assert decided.status_code == 200, decided.text

    assert "Launches for a second person" not in marketer.get("/console").text
    assert HOME not in marketer.get(awaiting).text
    assert shop.as_("operator").get("/v1/repairs").json()["launches"] == 0


@pytest.mark.parametrize(
    ("opens", "hours", "announced", "reminded"),
    [
        (timedelta(days=3), 36, "12:00: the message", "18:00: the message"),
        (timedelta(hours=9), 5, "At once: the message", "it would come before"),
        (-timedelta(hours=1), 36, "its time is over", ": the message"),
    ],
)
def test_a_launch_names_the_messages_that_go_and_those_that_do_not(
    serving: Callable[..., Shop], opens: timedelta, hours: int, announced: str, reminded: str
) -> None:
    """What an exchange begins with is said as it will be: later, at once, or not at all."""
    template = load_named(TEMPLATES, "limited_time_exchange")
    shop = serving(templates=lambda: {template.name: template})
    begin = shop.clock.now() + opens
    times = {"opens_at": begin, "closes_at": begin + timedelta(hours=hours)}
    body: dict[str, Any] = {"id": "bonus", "name": "Cups", "template": template.name}
    body["values"] = {name: at.isoformat() for name, at in times.items()}
    assert shop.as_("marketer").post("/v1/campaigns", json=body).status_code == 201

    page = shop.signed_in("marketer").get(HOME).text

    lines = re.findall(r"<li>(.*?)</li>", page)
    said = {
        name: line
        for line in lines
        for name in ("announce", "last_hours")
        if f"message {name} " in line
    }
    assert announced in said["announce"]
    assert reminded in said["last_hours"]
    at_once = "At once: the exchange opens" in page
    assert at_once == (opens < timedelta(0))


def test_a_live_campaign_says_when_it_lets_members_in_next(serving: Callable[..., Shop]) -> None:
    """The first of next month at the hour that was set; not while it is paused."""
    template = load_named(TEMPLATES, "monthly_task_pack")
    shop = serving(templates=lambda: {template.name: template})
    body = {"id": "bonus", "name": "Pack", "template": template.name}
    marketer = shop.as_("marketer")
    assert marketer.post("/v1/campaigns", json=body).status_code == 201
    assert marketer.post("/v1/campaigns/bonus/launch", json={"version": 1}).status_code == 200

    mei = shop.signed_in("marketer")

    live = mei.get(HOME).text
    assert marketer.post("/v1/campaigns/bonus/pause", json={"reason": "stock"}).status_code == 200
    paused = mei.get(HOME).text

    assert re.search(r"Members enter next.{1,200}1 Nov, 09:00", live, re.DOTALL)
    assert "Members enter next" not in paused
