"""What an operator sees and does on the pages of repair, corrections, health and audit."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from bootstrap.repairing import Repairer
from storage import tables
from tests.api.conftest import Shop, check_in, receipt
from tests.storage.rows import message, put

PAGES = ("/console/repair", "/console/repair/stuck_runs", "/console/adjustments",
         "/console/adjustments/new", "/console/health", "/console/audit")  # fmt: skip


def text(answer: Any, status: int = 200) -> str:
    """What a page says, without its tags."""
    assert answer.status_code == status, answer.text[:2000]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def hidden_id(page: str) -> str:
    found = re.search(r'name="id" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


@pytest.fixture
def tom(shop: Shop) -> TestClient:
    return shop.signed_in("operator")


def failed(shop: Shop, many: int) -> None:
    for number in range(many):
        row = message(f"m{number}", status="failed", due_at=shop.clock.now())
        put(shop.database, tables.messages, row)


def test_the_home_page_says_what_needs_a_hand(shop: Shop, tom: TestClient) -> None:
    """Each list that shows anything, by its count; a marketer is not bothered with it."""
    shop.launches()
    assert "Nothing needs a hand" in tom.get("/console").text

    failed(shop, 3)

    home = tom.get("/console").text
    assert '<a href="/console/repair/failed_messages">3</a>' in home
    assert "Nothing needs a hand" not in home
    assert "/console/repair" not in shop.signed_in("marketer").get("/console").text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_operators(shop: Shop, path: str) -> None:
    """A marketer is told which role is needed; a stranger is asked to sign in."""
    assert shop.signed_in("operator").get(path).status_code == 200
    refused = shop.signed_in("marketer").get(path)
    assert refused.status_code == 403
    assert "Operator" in refused.text
    assert shop.stranger.get(path, follow_redirects=False).status_code == 303


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_there_in_both_languages(
    shop: Shop, tom: TestClient, path: str, language: str
) -> None:
    """Nothing in it stays in the other language."""
    answer = tom.get(path, headers={"Accept-Language": language})

    assert answer.headers["Content-Language"] == language
    heading = re.search(r"<h1>(.*?)</h1>", answer.text)
    assert heading is not None
    assert bool(re.search("[\u4e00-\u9fff]", heading.group(1))) == (language == "zh")


def test_every_job_is_reached_page_by_page(shop: Shop, tom: TestClient) -> None:
    """The latest ten stand on the page, with a link to those before them."""
    for number in range(12):
        body = {"id": f"fix-{number:02}", "list": "failed_messages", "act": "resend", "pace": 60,
                "reason": f"try {number:02}", "targets": ["m1"]}  # fmt: skip
        shop.as_("operator").post("/v1/repairs/jobs", json=body)
        shop.clock.moves(timedelta(minutes=1))

    newest = tom.get("/console/repair").text
    more = re.search(r'href="([^"#]+)#jobs" rel="next"', newest)
    assert more is not None
    oldest = tom.get("/console/repair" + unescape(more.group(1))).text

    assert re.findall(r"try \d\d", newest) == [f"try {n:02}" for n in range(11, 1, -1)]
    assert re.findall(r"try \d\d", oldest) == ["try 01", "try 00"]
    assert 'rel="next"' not in oldest
    assert 'href="/console/repair#jobs" rel="first"' in oldest


def test_what_is_ticked_is_mended_once_with_a_reason(shop: Shop, tom: TestClient) -> None:
    """The list, the job, its progress, and the reason in the audit: a form sent twice is one."""
    failed(shop, 3)
    assert "3" in text(tom.get("/console/repair"))
    listed = tom.get("/console/repair/failed_messages").text
    form = {
        "id": hidden_id(listed), "targets[]": ["m0", "m2"], "scope": "chosen", "act": "resend",
        "reason": "mail is back", "pace": "600",
    }  # fmt: skip
    first = tom.post("/console/repair/failed_messages", data=form)
    again = tom.post("/console/repair/failed_messages", data=form)
    assert (first.status_code, first.headers["location"]) == (303, again.headers["location"])
    job = first.headers["location"]
    assert "2 waiting" in text(tom.get(job))
    repairer = Repairer(shop.services.store)
    while repairer.carry_next():
        shop.clock.moves(timedelta(seconds=1))

    shown = text(tom.get(job))
    assert "2 done" in shown
    assert "In line to be sent" in shown
    assert "hx-get" not in tom.get(job + "/progress").text, "nothing moves any more"
    left = tom.get("/console/repair/failed_messages").text
    assert ("m1" in left, 'value="m0"' in left) == (True, False)
    acts = text(tom.get("/console/audit?action=message"))
    assert acts.count("mail is back") == 2
    assert "operator by hand" in acts


def test_everything_the_list_shows_can_be_chosen(shop: Shop, tom: TestClient) -> None:
    """Also what stands on later pages, and only what is narrowed to."""
    failed(shop, 60)
    form = {"id": "all-1", "scope": "all", "act": "set_aside", "reason": "known", "pace": "6000"}
    job = tom.post("/console/repair/failed_messages", data=form).headers["location"]
    assert "60 waiting" in text(tom.get(job))

    other = {**form, "id": "all-2", "campaign_id": "nowhere"}
    refused = tom.post("/console/repair/failed_messages", data=other)
    assert refused.status_code == 422

    tom.post(job + "/stop", data={"reason": " "})
    refused = tom.get(job)
    assert '<div class="callout bad" role="status">' in refused.text
    assert "Give a reason to stop it." in refused.text

    stopped = tom.post(job + "/stop", data={"reason": "changed my mind"})
    assert stopped.status_code == 303
    assert "changed my mind" in text(tom.get(job))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"reason": ""}, "at least 1"),
        ({"pace": "fast"}, "valid integer"),
        ({"pace": "0"}, "greater than or equal to 1"),
        ({"targets[]": []}, "at least 1"),
    ],
)
def test_what_is_wrong_stands_beside_the_field(
    shop: Shop, tom: TestClient, wrong: dict[str, Any], said: str
) -> None:
    """And nothing that was typed is lost."""
    failed(shop, 2)
    form = {
        "id": "j1", "targets[]": ["m1"], "scope": "chosen", "act": "resend",
        "reason": "typed with care", "pace": "60",
    } | wrong  # fmt: skip
    answer = tom.post("/console/repair/failed_messages", data=form)

    assert said in text(answer, 422)
    assert ('value="typed with care"' in answer.text) == ("reason" not in wrong)
    assert re.search(r'value="m1" checked', answer.text) or "targets[]" in wrong
    assert shop.as_("operator").get("/v1/repairs/jobs").json()["jobs"] == []


def test_a_refused_event_says_why(shop: Shop, tom: TestClient) -> None:
    """The operator reads the till's id, the member and the reason."""
    shop.as_("integrator").post("/v1/purchases", json=receipt())

    shown = text(tom.get("/console/repair/refused_events"))

    assert "till-1/r-1" in shown
    assert "Member lee is not registered." in shown


LINE = {"sku": "rice", "category": "grocery", "quantity": 1, "net_minor": 100}
PHONE = "13800138000"


@pytest.mark.parametrize(
    ("path", "wrong", "field", "english", "chinese"),
    [
        ("purchases", {"lines": [{**LINE, "net_minor": 1.5}]}, "lines.0.net_minor",
         "must be a whole number", "须为整数"),
        ("purchases", {"lines": [{**LINE, "quantity": 0}]}, "lines.0.quantity",
         "must be 1 or more", "须不小于 1"),
        ("purchases", {"lines": [{**LINE, "tax_minor": 200}]}, "lines.0.tax_minor",
         "is more than net_minor, which it is a part of", "包含在 net_minor 中，不能更大"),
        ("purchases", {"lines": []}, "lines", "must have at least 1", "至少 1 项"),
        ("purchases", {"member_id": PHONE + "/"}, "member_id",
         "must be letters, digits, and . _ : - after the first, 64 at most, as in till-12",
         "格式须为：字母、数字，首位之后可用 . _ : -，最多 64 个字符，例如 till-12"),
        ("purchases", {"currency": "yuan"}, "currency",
         "must be three capital letters, as in CNY", "格式须为：三个大写字母，例如 CNY"),
        ("purchases", {"currency": "EUR"}, "currency",
         "must be CNY, as this programme is", "不是会员计划的币种"),
        ("purchases", {"occurred_at": "2026-10-03T10:15:00"}, "occurred_at",
         "needs its offset from UTC, as in 2026-10-03T10:15:00+08:00",
         "须带与 UTC 的时差，例如 2026-10-03T10:15:00+08:00"),
        ("purchases", {"occurred_at": "2027-10-03T10:15:00+08:00"}, "occurred_at",
         "is in the future; it is 2026-10-03T04:00:00+00:00", "晚于当前时间"),
        ("purchases", {"occurred_at": "1990-10-03T10:15:00+08:00"}, "occurred_at",
         "must lie between the years 2000 and 2100", "须在 2000 年至 2100 年之间"),
        ("purchases", {"paid_with_points_minor": 10**9}, "paid_with_points_minor",
         "is more than the receipt came to", "大于小票总额"),
        ("refunds", {"purchase_id": "a/../b"}, "purchase_id",
         "must be letters, digits, and . _ : / - after the first, nothing empty and no . or .. "
         "between slashes, as in 2026-10-03/000481",
         "格式须为：字母、数字，首位之后可用 . _ : / -，斜杠之间不能为空，也不能是 . 或 ..，"
         "例如 2026-10-03/000481"),
        ("refunds", {"purchase_id": "r-1", "lines": [{"line": 1, "quantity": 1}] * 2}, "lines",
         "may name each line of the receipt once", "小票的每一行只能列出一次"),
        ("purchases", {"phone": PHONE}, "phone",
         "is not known here; nothing is taken silently", "未知字段；不会默默接受"),
        ("events", {"type": "dance"}, "type", "is not declared in the programme",
         "未在会员计划中声明"),
        ("events", {"attributes": {"a": "x" * 300}}, "attributes.a",
         "must have at most 256 characters", "最多 256 个字符"),
        ("refunds", {"purchase_id": "r-1", "fault": "nobody"}, "fault",
         "must be one of: 'member' or 'merchant'", "须为以下之一：'member', 'merchant'"),
        ("refunds", {"purchase_id": "r-1", "lines": [{"line": 9, "quantity": 1}]}, "lines.0",
         "the receipt has 1 lines", "超出小票剩余的数量"),
    ],
)  # fmt: skip
def test_a_refused_event_names_its_fields_in_the_readers_language(
    shop: Shop, tom: TestClient, path: str, wrong: Any, field: str, english: str, chinese: str
) -> None:
    """What the till was answered, without the value: that may be of a member."""
    shop.joins("lee")
    shop.buys("r-1")
    sent = {
        "purchases": receipt("r-2"),
        "events": check_in("c-2"),
        "refunds": {"source": "till-1", "id": "r-2", "occurred_at": receipt()["occurred_at"]},
    }[path] | wrong
    answered = shop.as_("integrator").post(f"/v1/{path}", json=sent).json()

    [kept] = shop.as_("operator").get("/v1/repairs/refused_events").json()["things"]
    said = [{k: v for k, v in each.items() if v is not None} for each in kept["errors"]]
    assert (kept["code"], said) == ("invalid", answered["errors"])
    for language, why in (("en", english), ("zh", chinese)):
        headers = {"Accept-Language": language}
        page = tom.get("/console/repair/refused_events", headers=headers).text
        assert f"<code>{field}</code> {why}" in unescape(page)
        assert PHONE not in page


@pytest.mark.parametrize(
    ("who", "sent", "chinese"),
    [
        (None, receipt("r-2"), "会员 lee 尚未注册。"),
        ("lee", receipt("r-1", minor=999), "该编号此前已以不同内容入账。"),
        ("lee", {"source": "till-1", "id": "b-1", "purchase_id": "r-9",
                 "occurred_at": receipt()["occurred_at"], "type": "refund"}, "消费 r-9 尚未入账"),
    ],
)  # fmt: skip
def test_the_reason_of_a_refused_event_is_said_in_chinese(
    shop: Shop, tom: TestClient, who: str | None, sent: dict[str, Any], chinese: str
) -> None:
    """The kind and the sentence: nothing of the English answer is left in the page."""
    if who is not None:
        shop.joins(who)
        shop.buys("r-1")
    sent = {"type": "purchase"} | sent
    shop.as_("integrator").post("/v1/events", json={"events": [sent]})

    page = tom.get("/console/repair/refused_events", headers={"Accept-Language": "zh"})
    assert chinese in text(page)
    assert "There is no" not in page.text


def test_an_unknown_list_or_job_is_not_found(tom: TestClient) -> None:
    """As everywhere else."""
    assert tom.get("/console/repair/everything").status_code == 404
    assert tom.get("/console/repair/jobs/none").status_code == 404
    assert tom.get("/console/repair/failed_messages?after=x").status_code == 422


# --- corrections --------------------------------------------------------------------------------


def test_a_correction_goes_from_maker_to_checker(shop: Shop, tom: TestClient) -> None:
    """The effect is shown before it is proposed; the proposer decides nothing."""
    shop.joins("lee")
    shop.buys()
    opened = tom.get("/console/adjustments/new?member_id=lee").text
    form = {
        "id": hidden_id(opened), "member_id": "lee", "points": "25", "reason": "till was down",
        "step": "look",
    }  # fmt: skip
    looked = tom.post("/console/adjustments/new", data=form)
    assert "40 points" in text(looked)
    proposed = tom.post(
        "/console/adjustments/new",
        data={**form, "step": "propose"},
    )
    where = proposed.headers["location"]
    mine = tom.get(where).text
    assert "another person decides" in mine
    assert "/approve" not in mine
    assert tom.post(where + "/approve").status_code == 409

    ada = shop.signed_in("admin")
    assert "1 correction waits" in text(ada.get("/console/repair"))
    assert ada.post(where + "/decline", data={"reason": ""}).status_code == 303
    assert ada.post(where + "/approve").status_code == 303
    assert "Approved" in text(ada.get(where))
    balance = shop.as_("operator").get("/v1/members/lee/balance").json()
    assert balance["available"] == 40


def test_a_declined_correction_keeps_its_reason(shop: Shop, tom: TestClient) -> None:
    """Whoever proposed it reads why."""
    shop.joins("lee")
    body = {"id": "a1", "points": -9, "reason": "counted twice"}
    shop.as_("operator").post("/v1/members/lee/adjustments", json=body)
    assert "too few points" in text(tom.get("/console/adjustments/a1"))

    tom.post("/console/adjustments/a1/decline", data={"reason": " "})
    refused = tom.get("/console/adjustments/a1").text
    assert '<div class="callout bad" role="status">' in refused
    assert "Give a reason to decline it." in refused

    tom.post("/console/adjustments/a1/decline", data={"reason": "not his"})

    assert "not his" in text(tom.get("/console/adjustments/a1"))
    assert "adjustments/a1" not in tom.get("/console/adjustments?state=proposed").text
    assert "adjustments/a1" in tom.get("/console/adjustments?state=declined").text


@pytest.mark.parametrize(
    "wrong", [{"member_id": "nobody"}, {"points": "0"}, {"points": "many"}, {"reason": ""}]
)
def test_a_proposal_that_cannot_be_is_said_beside_its_field(
    shop: Shop, tom: TestClient, wrong: dict[str, str]
) -> None:
    """And the rest stays as typed."""
    shop.joins("lee")
    form = {"id": "a1", "member_id": "lee", "points": "5", "reason": "a gift", "step": "look"}
    answer = tom.post("/console/adjustments/new", data=form | wrong)

    assert answer.status_code == 422
    assert 'class="field wrong"' in answer.text


# --- health and audit ---------------------------------------------------------------------------


def test_health_says_what_to_do(shop: Shop, tom: TestClient) -> None:
    """Temporal is away here: that is said first of all."""
    shown = text(tom.get("/console/health"))

    assert "Something does not work" in shown
    assert "Temporal does not answer. Recording goes on" in shown
    assert "Backups are made outside Milepost" in shown


def test_audit_is_searched_by_day_in_the_programmes_zone(shop: Shop, tom: TestClient) -> None:
    """The last day counts whole; a day that is none is said beside the field."""
    shop.launches("hello")

    assert "hello" in text(tom.get("/console/audit?since=2026-10-03&until=2026-10-03"))
    assert "No act is like that" in text(tom.get("/console/audit?until=2026-10-02"))
    wrong = tom.get("/console/audit?since=yesterday")
    assert "Write a day as" in text(wrong, 422)
