"""Whoever has one thing at hand finds the member, and reads everything about them over HTTP."""

from datetime import timedelta

import pytest

from storage import tables
from tests.api.conftest import Shop, receipt
from tests.storage.rows import put


@pytest.fixture
def lee(shop: Shop) -> Shop:
    """Lee bought once, is in a campaign, and has a phone."""
    shop.joins("lee", phone="13800138000", name="Lee")
    shop.buys("r-1", "lee", 10_000)
    shop.launches()
    shop.as_("integrator").post("/v1/campaigns/hello/members/lee", json={})
    return shop


def test_a_phone_number_leads_to_its_member(lee: Shop) -> None:
    """However it is written; the answer says by what it was found."""
    answer = lee.as_("operator").post("/v1/search", json={"q": "+86 138-0013-8000"})

    [hit] = answer.json()["hits"]
    assert (hit["kind"], hit["id"], hit["by"]) == ("member", "lee", "phone")


def test_nothing_found_says_what_was_tried(lee: Shop) -> None:
    """So that whoever looked knows which other thing to ask the member for."""
    said = lee.as_("marketer").post("/v1/search", json={"q": "139 0000 0000"}).json()

    assert said["hits"] == []
    assert {"member_id", "phone", "receipt", "run"} <= set(said["tried"])


def test_a_till_cannot_turn_numbers_into_people(lee: Shop) -> None:
    """An integrator's key is in a shop's program, and anybody's phone can be tried there."""
    answer = lee.as_("integrator").post("/v1/search", json={"q": "lee"})

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("typed", ["", " ", "a\nb", "x" * 256])
def test_what_nobody_types_is_refused(lee: Shop, typed: str) -> None:
    answer = lee.as_("operator").post("/v1/search", json={"q": typed})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "q")


def test_a_members_lists_are_read_one_by_one(lee: Shop) -> None:
    """Runs with their campaign's name, receipts with what the ledger made of each."""
    operator = lee.as_("operator")

    [run] = operator.get("/v1/members/lee/runs").json()["rows"]
    [receipt] = operator.get("/v1/members/lee/purchases").json()["rows"]

    assert (run["id"], run["campaign"]) == ("j/hello/lee/api", "Hello")
    assert (receipt["amount_minor"], receipt["transaction"]) == (10_000, "purchase:till-1:r-1")
    assert receipt["points"] == 15
    for name in ("cards", "coupons", "messages", "claims", "till-holds", "adjustments", "moves"):
        assert operator.get(f"/v1/members/lee/{name}").json()["rows"] == [], name


def test_a_till_with_a_colon_in_its_name_shows_its_own_postings(lee: Shop) -> None:
    """Receipt 7 of `pos:1` is not receipt `1:7` of `pos`, which is somebody else's."""
    lee.joins("bob")
    till, operator = lee.as_("integrator"), lee.as_("operator")
    told = till.post("/v1/purchases", json={**receipt("7"), "source": "pos:1"}).json()
    till.post("/v1/purchases", json={**receipt("1:7", "bob", 9_000_000), "source": "pos"})

    listed = operator.get("/v1/members/lee/purchases").json()["rows"][0]
    [hit] = operator.post("/v1/search", json={"q": "7"}).json()["hits"]

    assert (listed["transaction"], listed["points"]) == (told["transaction"], told["points"])
    assert (hit["member_id"], hit["detail"]) == ("lee", told["transaction"])


def test_lists_are_paged_newest_first(lee: Shop) -> None:
    """Each receipt once, over the pages."""
    for n in range(2, 6):
        lee.buys(f"r-{n}")
    operator, before = lee.as_("operator"), None
    seen: list[str] = []
    for _ in range(4):
        page = operator.get(
            "/v1/members/lee/purchases",
            params={"limit": 2, **({"before": before} if before else {})},
        ).json()
        seen += [row["event_id"] for row in page["rows"]]
        if (before := page["next"]) is None:
            break

    assert seen == ["r-5", "r-4", "r-3", "r-2", "r-1"]


def test_mergers_and_gifts_are_paged_newest_first(lee: Shop) -> None:
    """Each once over the pages, whichever part the member had in it, however many at one instant.

    A merger and a gift may bear the same id.
    """
    operator, now = lee.as_("operator"), lee.clock.now()
    moves = [("gift", "a", "lee", "bob"), ("merge", "a", "old", "lee"), ("gift", "b", "bob", "lee"),
             ("gift", "c", "lee", "kim"), ("gift", "d", "bob", "kim")]  # fmt: skip
    for number, (kind, id, giver, to) in enumerate(moves):
        row = {"kind": kind, "id": id, "member_id": giver, "other_id": to, "points": 5}
        at = now + timedelta(days=number // 3)
        put(lee.database, tables.member_moves, {**row, "at": at, "body_hash": "", "answer": {}})

    seen, after = [], ""
    while after is not None:
        asked: dict[str, str | int] = {"limit": 2, "after": after}
        page = operator.get("/v1/members/lee/moves", params=asked).json()
        seen += [(each["kind"], each["id"]) for each in page["rows"]]
        after = page["next"]

    assert seen == [("gift", "c"), ("gift", "a"), ("gift", "b"), ("merge", "a")]


def test_merged_members_lists_are_those_of_who_lives_on(lee: Shop) -> None:
    """The old card's number still answers, with the merger among the moves."""
    lee.joins("old")
    body = {"id": "m1", "reason": "Two cards of one person"}
    merged = lee.as_("operator").post("/v1/members/old/merge-into/lee", json=body)
    assert merged.status_code == 201, merged.text

    operator = lee.as_("operator")
    [move] = operator.get("/v1/members/old/moves").json()["rows"]

    assert (move["kind"], move["member_id"], move["other_id"]) == ("merge", "old", "lee")
    assert operator.get("/v1/members/old/purchases").json()["rows"][0]["event_id"] == "r-1"


def test_a_merged_members_statement_leads_to_the_balance_that_is_shown(shop: Shop) -> None:
    """An app that knows only the old card shows one account, and what its purchases earn since."""
    for name in ("old", "lee"):
        shop.joins(name)
        shop.buys(f"r-{name}", name)
    body = {"id": "m1", "reason": "Two cards of one person"}
    merged = shop.as_("operator").post("/v1/members/old/merge-into/lee", json=body)
    assert merged.status_code == 201, merged.text
    shop.buys("r-since", "old")

    reader = shop.as_("operator")
    balance = reader.get("/v1/members/old/balance").json()["posted"]
    lines = reader.get("/v1/members/old/statement").json()["lines"]

    assert [line["key"] for line in lines] == [
        "purchase:till-1:r-since",
        "merge:m1",
        "purchase:till-1:r-lee",
    ]
    assert lines[0]["balance"] == sum(line["amount"] for line in lines) == balance


def test_nobody_has_no_lists(shop: Shop) -> None:
    answer = shop.as_("operator").get("/v1/members/nobody/cards")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown")
