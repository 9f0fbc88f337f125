"""An operator finds a member by what is at hand, sees everything, explains it, and helps."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape

import pytest
from starlette.testclient import TestClient

from loyalty.access import Role
from loyalty.expiry_policy import Expiry
from loyalty.journeys.load import load_named
from loyalty.programme import Programme
from loyalty.tiers.settings import Period, Tiers
from storage import tables
from storage.store import SqlStore
from tests.api.conftest import Shop
from tests.console.lee import RUN, live
from tests.storage.rows import put
from tests.stories import TEMPLATES


@pytest.fixture
def lee(shop: Shop) -> Shop:
    live(shop.services)
    return shop


def act(client: TestClient, path: str, **fields: str) -> str:
    """Send a form, and read the page that it leads to."""
    answer = client.post(path, data=fields, follow_redirects=True)
    assert answer.status_code == 200, answer.text[:2000]
    return answer.text


def text_of(page: str) -> str:
    """What a reader sees of a page, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def read(client: TestClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, answer.text[:2000]
    return answer.text


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        ("138 0013 8000", "/console/members/lee"),
        ("LEE@example.com", "/console/members/lee"),
        ("C-7788", "/console/members/lee"),
        ("2026/0001", "/console/transactions/purchase%3Atill-1%3A2026/0001"),
        ("VIP", "/console/campaigns/vip-day"),
        (RUN, f"/console/runs/{RUN}"),
    ],
)
def test_what_is_at_hand_opens_its_page(lee: Shop, typed: str, leads_to: str) -> None:
    """One hit is opened at once, and what was typed stands in no address."""
    operator = lee.signed_in("operator")

    answer = operator.post("/console/find", data={"q": typed})

    assert (answer.status_code, answer.headers["location"]) == (303, leads_to)


def test_several_hits_are_listed_by_kind(lee: Shop) -> None:
    """A member and a campaign of the same name."""
    lee.joins("first-steps")

    page = act(lee.signed_in("operator"), "/console/find", q="first-steps")

    assert "/console/members/first-steps" in page
    assert "/console/campaigns/first-steps" in page


def test_nothing_found_says_what_was_tried(lee: Shop) -> None:
    page = act(lee.signed_in("operator"), "/console/find", q="139 0000 0000")

    assert "phone number" in text_of(page)
    assert "Nothing is called 139 0000 0000" in text_of(page)


@pytest.mark.parametrize("role", ["operator", "marketer"])
def test_a_members_page_says_everything(lee: Shop, role: Role) -> None:
    """Points with their expiry, tier, journeys, messages with the gate's word, purchases, holds."""
    said = text_of(read(lee.signed_in(role), "/console/members/lee"))

    for told in (
        "Lee Wang", "Can be spent", "On hold 300", "First steps", "Waiting", "Purchase 2026/0002",
        "came back", "No consent", "Set aside at the till", "Points that lapse", "To rise to",
        "Lost receipt of last week",
    ):  # fmt: skip
        assert told in said, told


def test_a_statement_shows_how_each_figure_was_worked_out(lee: Shop) -> None:
    """Base, bonus and what did not apply, without leaving the page."""
    said = text_of(read(lee.signed_in("operator"), "/console/members/lee/statement"))

    assert "How it was worked out" in said
    assert "Earning rules, version 1" in said
    assert "rounded down once" in said


@pytest.mark.parametrize(
    "section", ["purchases", "runs", "messages", "gifts", "holds", "corrections"]
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_list_has_a_page_in_both_languages(lee: Shop, section: str, language: str) -> None:
    operator = lee.signed_in("operator")

    page = operator.get(f"/console/members/lee/{section}", headers={"Accept-Language": language})

    assert page.status_code == 200, page.text
    assert ("会员" in page.text) == (language == "zh")


@pytest.mark.parametrize("cards", [3, 30])
def test_what_stands_together_is_turned_over_together(lee: Shop, cards: int) -> None:
    """Thirty coupons and some cards: all are reached, each once, though one list may end first."""
    now = lee.clock.now()
    for number in range(30):
        coupon = {"key": f"k{number:02}", "member_id": "lee", "kind": f"coupon-{number:02}"}
        put(lee.database, tables.coupons, {**coupon, "given_at": now, "ends_at": now})
    for number in range(cards):
        card = {"key": f"k{number:02}", "member_id": "lee", "multiplier_bp": 20_000 + number * 100}
        put(lee.database, tables.cards, {**card, "starts_at": now, "ends_at": now})
    operator = lee.signed_in("operator")

    first = read(operator, "/console/members/lee/gifts")
    more = re.search(r'href="([^"]+)" rel="next"', first)
    assert more is not None
    second = read(operator, unescape(more.group(1)))

    shown = re.findall(r"coupon-\d\d", first + second)
    assert sorted(shown) == [f"coupon-{n:02}" for n in range(30)]
    times = re.findall(r"×[\d.]+", first + second)
    assert sorted(times) == [f"×{(20_000 + n * 100) / 10_000}" for n in range(cards)]
    assert 'rel="next"' not in second
    assert 'href="/console/members/lee/gifts" rel="first"' in second


def test_an_old_id_leads_to_who_lives_on(lee: Shop) -> None:
    """And says so."""
    lee.joins("old")
    body = {"id": "m1", "reason": "Two cards of one person"}
    lee.as_("operator").post("/v1/members/old/merge-into/lee", json=body)

    operator = lee.signed_in("operator")
    page = operator.get("/console/members/old", follow_redirects=True).text

    assert "Member old was merged into this one." in page
    assert "from old" in text_of(page)


def test_nobody_has_no_page(shop: Shop) -> None:
    read(shop.signed_in("operator"), "/console/members/nobody", 404)


def test_an_operator_changes_what_a_member_may_be_told(lee: Shop) -> None:
    """With a reason, which is on record; the member's page shows it at once."""
    operator = lee.signed_in("operator")

    act(
        operator,
        "/console/members/lee/consents",
        what="email:marketing",
        granted="true",
        reason="Asked by phone",
    )
    page = act(
        operator,
        "/console/members/lee/stop-list",
        stop_listed="true",
        reason="Then changed their mind",
    )

    assert "On the stop list" in page
    acts = lee.as_("operator").get("/v1/audit", params={"target": "lee"}).json()["acts"]
    assert [act["reason"] for act in acts[:2]] == ["Then changed their mind", "Asked by phone"]


def test_an_operator_changes_a_members_details(lee: Shop) -> None:
    """What is empty is taken away; a mistake stands beside its field, and nothing typed is lost."""
    operator = lee.signed_in("operator")
    typed = {
        "name": "Lee Wang", "email": "wang@example.com", "phone": "", "card_no": "C-77",
        "birthday": "1990-05-01", "locale": "zh", "time_zone": "", "tags": "fresh, vip，coffee",
        "reason": "She rang up",
    }  # fmt: skip

    refused = operator.post("/console/members/lee/details", data={**typed, "email": "wang"})
    page = act(operator, "/console/members/lee/details", **typed)

    assert refused.status_code == 422
    assert 'id="act-details-email-error"' in refused.text
    assert 'value="fresh, vip，coffee"' in refused.text
    assert "The details are changed." in page
    member = lee.as_("operator").get("/v1/members/lee").json()
    assert {name: member[name] for name in typed if name != "reason"} == {
        **{name: text or None for name, text in typed.items() if name != "reason"},
        "tags": ["fresh", "vip", "coffee"],
    }


def fields_of(page: str, act: str) -> dict[str, str]:
    """A form of the member's page as a browser would send it, untouched."""
    form = page.partition(f'action="/console/members/lee/{act}"')[2].partition("</form>")[0]
    typed = re.findall(r'<input [^>]*name="([^"]+)" value="([^"]*)"', form)
    chosen = re.findall(r'<select [^>]*name="(\w+)".*?<option value="(\w+)" selected', form, re.S)
    return {name: unescape(value) for name, value in [*typed, *chosen]}


def test_what_nobody_touched_stays_as_it_has_become_meanwhile(lee: Shop) -> None:
    """A journey adds a tag and the app takes an address while an operator mends the phone."""
    operator = lee.signed_in("operator")
    sent = fields_of(read(operator, "/console/members/lee"), "details")
    others = {"tags": ["regular", "tea", "came-back"], "email": "new@example.com"}
    lee.as_("integrator").patch("/v1/members/lee", json=others)

    refused = operator.post("/console/members/lee/details", data={**sent, "phone": "none"})
    sent = fields_of(refused.text, "details")
    act(operator, "/console/members/lee/details", **{**sent, "phone": "13900000000", "reason": "R"})

    member = lee.as_("operator").get("/v1/members/lee").json()
    assert (member["tags"], member["email"]) == (others["tags"], others["email"])
    assert member["phone"] == "13900000000"


@pytest.mark.parametrize(
    ("typed", "then"),
    [
        ("", ["Paris, France", "tea"]),  # as it was
        ("Paris, France, tea, vip", ["Paris, France", "tea", "vip"]),
        ("vip，Paris, France", ["vip", "Paris, France"]),
        ("Paris, tea", ["Paris", "tea"]),
    ],
)
def test_a_tag_that_holds_a_comma_stays_one_tag(lee: Shop, typed: str, then: list[str]) -> None:
    """Other programs may give such tags."""
    lee.as_("integrator").patch("/v1/members/lee", json={"tags": ["Paris, France", "tea"]})
    operator = lee.signed_in("operator")
    sent = fields_of(read(operator, "/console/members/lee"), "details") | {"reason": "R"}

    act(operator, "/console/members/lee/details", **sent | ({"tags": typed} if typed else {}))

    assert lee.as_("operator").get("/v1/members/lee").json()["tags"] == then


def test_tags_that_came_and_went_while_others_were_typed(lee: Shop) -> None:
    """Only what the operator added and took away is added and taken away."""
    operator = lee.signed_in("operator")
    sent = fields_of(read(operator, "/console/members/lee"), "details")
    lee.as_("integrator").patch("/v1/members/lee", json={"tags": ["tea", "came-back"]})

    act(
        operator, "/console/members/lee/details",
        **{**sent, "tags": "regular, vip", "reason": "R"},
    )  # fmt: skip

    assert lee.as_("operator").get("/v1/members/lee").json()["tags"] == ["vip", "came-back"]


@pytest.mark.parametrize(
    ("act", "field", "typed", "english", "chinese"),
    [
        ("details", "name", "n" * 201, "One line, 200 characters", "最多 200 个字符"),
        ("details", "email", "lee", "Write an e-mail address", "请填写邮箱"),
        ("details", "phone", "call me", "Write digits, spaces", "只能填写数字"),
        ("details", "card_no", "!", "Letters, digits and hyphens, 3 to 48.", "3 至 48 位"),
        ("details", "card_no", "OTHERS", "This is another member&#39;s card", "已属于其他会员"),
        ("details", "birthday", "1990-02-31", "Give a day of the calendar", "请填写日期"),
        ("details", "time_zone", "Mars", "Name a zone such as", "请填写时区"),
        ("details", "tags", "t" * 65, "Each tag has 64 characters", "每个标签最多 64"),
        ("details", "reason", " ", "Give a reason: one line.", "请填写原因：一行文字。"),
        ("consents", "reason", " ", "Give a reason: one line.", "请填写原因：一行文字。"),
        ("stop-list", "reason", "", "Give a reason: one line.", "请填写原因：一行文字。"),
        ("tier", "reason", "", "Give a reason: one line.", "请填写原因：一行文字。"),
        ("tier", "tier", "tin", "Choose one of these.", "请从中选择一项。"),
        ("adjustments", "reason", "", "Give a reason: one line.", "请填写原因：一行文字。"),
        ("adjustments", "points", "0", "Give a whole number other than 0", "不为 0 的整数"),
    ],
)
def test_each_mistake_is_said_beside_its_field_in_both_languages(
    lee: Shop, act: str, field: str, typed: str, english: str, chinese: str
) -> None:
    """The same form sent with one mistake; nothing is changed."""
    lee.joins("other", card_no="OTHERS")
    operator = lee.signed_in("operator")
    fields = fields_of(read(operator, "/console/members/lee"), act)
    fields |= {"reason": "Asked", field: typed, **({"points": "5"} if field == "reason" else {})}

    for language, said in (("en", english), ("zh", chinese)):
        answer = operator.post(
            f"/console/members/lee/{act}", data=fields, headers={"Accept-Language": language}
        )
        assert answer.status_code == 422
        at = f'id="act-{act.removesuffix("s") if act == "adjustments" else act}-{field}-error">'
        assert said in answer.text.partition(at)[2].partition("</p>")[0]


def test_a_refusal_of_the_whole_says_why(lee: Shop) -> None:
    """The same correction's id, with other points."""
    body = {"id": "a-1", "points": "70", "reason": "Another"}

    page = lee.signed_in("operator").post("/console/members/lee/adjustments", data=body).text

    assert "was already recorded with other content" in page


def test_what_happened_this_moment_is_not_to_come(shop: Shop) -> None:
    """A receipt of this very second was a moment ago, and not `in 0 seconds`."""
    shop.joins()
    shop.clock.instant = datetime.fromisoformat("2026-10-03T10:00:00+08:00")
    shop.buys()

    page = text_of(read(shop.signed_in("operator"), "/console/members/lee"))

    assert "Bought 1 time, CN¥100.00, last just now" in page


def test_who_was_erased_is_offered_nothing(lee: Shop) -> None:
    """No form is on the page any more; one that was opened before says why it is refused."""
    lee.joins("gone")
    operator = lee.signed_in("operator")
    before = read(operator, "/console/members/gone")
    erased = lee.as_("operator").post("/v1/members/gone/erase", json={"id": "e1", "reason": "R"})
    assert erased.status_code == 201, erased.text

    after = read(operator, "/console/members/gone")

    forms = set(re.findall(r'action="(/console/members/gone/[^"]+)"', before))
    assert len(forms) == 5
    assert "/console/members/gone/" not in " ".join(re.findall(r'action="([^"]+)"', after))
    for form in sorted(forms):
        for language, why in (("en", "The member was erased"), ("zh", "该会员已注销并清除")):
            chosen = {"Accept-Language": language}
            answer = operator.post(form, data={"reason": "R"}, headers=chosen)
            assert (answer.status_code, why in answer.text) == (422, True), form


def test_corrections_name_people_and_lead_to_their_pages(lee: Shop) -> None:
    """On the overview and on the list; who may not correct points sees no link."""
    operator = lee.signed_in("operator")
    act(operator, "/console/members/lee/adjustments", id="a-2", points="5", reason="Late receipt")
    marketer = lee.signed_in("marketer")

    for path in ("/console/members/lee", "/console/members/lee/corrections"):
        page = read(operator, path)
        assert '<a href="/console/adjustments/a-2">Late receipt</a>' in page
        row = page.partition("Late receipt")[2].partition("</tr>")[0]
        assert "operator by hand" in row
        assert "/console/adjustments/" not in read(marketer, path)


def test_an_operator_gives_a_tier_and_proposes_a_correction(lee: Shop) -> None:
    """The correction waits for somebody else."""
    operator = lee.signed_in("operator")

    page = act(operator, "/console/members/lee/tier", tier="gold", reason="Lost order")
    assert "set by hand" in text_of(page)
    page = act(
        operator, "/console/members/lee/adjustments", id="a-2", points="-20", reason="Booked twice"
    )

    assert "Somebody else has to approve it." in page
    assert "Booked twice" in page


@pytest.mark.parametrize("typed", ["many", "--5", "9" * 5000])
def test_what_is_refused_keeps_what_was_typed(lee: Shop, typed: str) -> None:
    """The error stands beside the field, in a form that is still open."""
    operator = lee.signed_in("operator")

    answer = operator.post(
        "/console/members/lee/adjustments",
        data={"id": "a-3", "points": typed, "reason": "Booked twice"},
    )

    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.text
    assert 'value="Booked twice"' in answer.text
    assert 'id="act-adjustment-points-error"' in answer.text


def test_a_marketer_looks_and_does_not_act(lee: Shop) -> None:
    """No buttons, and no way around them."""
    marketer = lee.signed_in("marketer")

    page = read(marketer, "/console/members/lee")
    answer = marketer.post("/console/members/lee/tier", data={"tier": "gold", "reason": "please"})

    assert "Set the tier by hand" not in page
    assert "Cancel the run" not in read(marketer, f"/console/runs/{RUN}")
    assert answer.status_code == 403


def test_a_run_is_read_step_by_step(lee: Shop) -> None:
    """What happened, what wakes it, where it stands, and its messages as they read."""
    said = text_of(read(lee.signed_in("operator"), f"/console/runs/{RUN}"))

    assert "welcome: gave 600 points." in said
    assert "or at once when one of these comes: purchase" in said
    assert "You have 600 points." in said
    assert "This is what the database knows." in said


def test_temporal_being_away_is_said_and_holds_nothing_up(lee: Shop) -> None:
    """The part that a script asks for is a part, not a page."""
    answer = lee.signed_in("operator").get(
        f"/console/runs/{RUN}?temporal=true", headers={"HX-Request": "true"}
    )

    assert "Temporal does not answer" in answer.text
    assert "<html" not in answer.text


def test_an_operator_helps_a_run_along(lee: Shop) -> None:
    """Each act needs a reason; what cannot be done is said on the page."""
    operator = lee.signed_in("operator")

    page = act(operator, f"/console/runs/{RUN}/skip", reason="Bought elsewhere")
    assert "The run was told to end its wait." in page
    assert "Bought elsewhere" in text_of(page)
    page = act(operator, f"/console/runs/{RUN}/cancel", reason=" ")
    assert "callout bad" in page


def test_why_not_is_answered_for_any_campaign(lee: Shop) -> None:
    """With the member's own figure, and with the way to the run where there is one."""
    operator = lee.signed_in("operator")

    out = text_of(read(operator, "/console/why?member=lee&campaign=vip-day"))
    inside = read(operator, "/console/why?member=lee&campaign=first-steps")

    assert "it asks for points ≥ 5000 (here: points" in out
    assert f"/console/runs/{RUN}" in inside
    read(operator, "/console/why?member=nobody&campaign=vip-day", 404)
    read(operator, "/console/why")


def test_a_movement_of_points_shows_its_slip_and_its_place_in_the_log(lee: Shop) -> None:
    """The slip, the entries, and the proof when it is asked for."""
    operator = lee.signed_in("operator")
    path = "/console/transactions/purchase:till-1:2026/0002"

    said = text_of(read(operator, path))
    proved = text_of(read(operator, f"{path}?proof=true"))

    assert "Earning rules, version 1" in said
    assert "issuance" in said
    assert "Proof that it is in the log" in proved
    read(operator, "/console/transactions/purchase:till-1:none", 404)


def test_points_that_lapse_by_inactivity_are_shown_with_their_day(
    serving: Callable[..., Shop],
) -> None:
    """They carry no date of their own; the page says what the member is told."""
    idle = Programme(expiry=Expiry(policy="inactivity", months=6))
    shop = serving(programme=idle)
    object.__setattr__(shop.services, "store", SqlStore(shop.database, shop.clock, idle))
    shop.joins()
    shop.buys()
    balance = shop.as_("operator").get("/v1/members/lee/balance").json()

    lapsing = text_of(read(shop.signed_in("operator"), "/console/members/lee"))

    assert [each["points"] for each in balance["expiring"]] == [balance["available"]]
    assert "None of the points lapse." not in lapsing
    assert "Lapses next" in lapsing
    assert "Nothing lapses." not in lapsing


def test_the_desk_names_the_last_day_that_the_letter_names(serving: Callable[..., Shop]) -> None:
    """What ends at midnight is the member's to the day before: points, a tier, a paid level."""
    year = Period(kind="calendar_year")
    programme = Programme(
        expiry=Expiry(policy="end_of_month", months=1),
        tiers=Tiers(period=year, downgrade="by_metric", paid_levels={"plus": "gold"}),
    )
    wake_up = load_named(TEMPLATES, "dormant_wake_up")
    shop = serving(programme=programme, templates=lambda: {wake_up.name: wake_up})
    object.__setattr__(shop.services, "store", SqlStore(shop.database, shop.clock, programme))
    shop.joins()
    shop.buys(minor=250_000)
    level = {"kind": "paid", "tier": "plus", "until": "2027-03-01T00:00:00+08:00", "reason": "sold"}
    assert shop.as_("integrator").post("/v1/members/lee/tier", json=level).status_code == 200
    body = {"id": "wake", "name": "Wake up", "template": wake_up.name}
    assert shop.as_("marketer").post("/v1/campaigns", json=body).status_code == 201
    shop.clock.moves(timedelta(days=40))

    letter = read(
        shop.signed_in("marketer"), "/console/campaigns/wake/preview?member=lee&locale=en"
    )
    desk = text_of(read(shop.signed_in("operator"), "/console/members/lee"))

    assert "use the first of them by November 30, 2026" in letter
    assert "to be used by 30 Nov 2026" in desk
    assert "Use by Points 30 Nov 2026" in desk
    assert "more by 31 Dec 2027" in desk
    assert "plus, until 28 Feb 2027" in desk


def test_an_integrator_finds_nobody(lee: Shop) -> None:
    """Programs have keys, and people without the right get no member's page."""
    integrator = lee.signed_in("integrator")

    for path in ("/console/find", "/console/members/lee", f"/console/runs/{RUN}"):
        read(integrator, path, 403)
