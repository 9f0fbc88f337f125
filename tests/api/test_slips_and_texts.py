"""Movements of points and messages in words, for whoever has a member on the telephone."""

from collections.abc import Callable
from typing import Any

import pytest

from delivery.words import Speaker
from loyalty.journeys.load import load_texts
from loyalty.journeys.turn import take_turn
from loyalty.programme import Programme
from storage import tables
from tests.api.conftest import Shop

LETTER = """
name: letter
title: {en: A letter, zh: 信}
summary: {en: A word for those we invite., zh: 给邀请的会员的话。}
enter: api
reentry: {once: per_member}
journey:
  - notify: {message: hello, channels: [inbox]}
"""
FILES = {
    "campaign.yaml": LETTER,
    "messages/hello.en.j2": "Subject: Hello\n\nYou have {{ points.available }} points.\n",
    "messages/hello.zh.j2": "Subject: 您好\n\n您有 {{ points.available }} 积分。\n",
}
KEY = "j/letter/lee/api:notify_hello:0:inbox"


@pytest.fixture
def lettered(serving: Callable[..., Shop]) -> Shop:
    """Lee is in a campaign that has put a message in line."""
    shop = serving(
        templates=lambda: {"letter": load_texts("letter", FILES)}, say=Speaker(Programme())
    )
    shop.joins("lee", locale="zh")
    shop.launches("letter", template="letter")
    shop.as_("integrator").post("/v1/campaigns/letter/members/lee", json={})
    shop.services.store.run(lambda tx: take_turn(tx, "j/letter/lee/api", 0))
    return shop


def test_a_receipts_slip_is_read_over_http(shop: Shop) -> None:
    """The same slip as `milepost why` prints, in pieces that a page can lay out."""
    shop.joins()
    shop.buys("r-1", "lee", 10_000)

    said = shop.as_("operator").get("/v1/slips/purchase:till-1:r-1").json()

    kinds = [row["kind"] for row in said["rows"]]
    assert said["rows"][0] == {
        "kind": "title", "text": "Earned 15 points", "rule": None, "more": None, "columns": None,
        "rows": None,
    }  # fmt: skip
    assert {"grid", "rule", "sum"} <= set(kinds)
    chinese = shop.as_("operator").get(
        "/v1/slips/purchase:till-1:r-1", headers={"Accept-Language": "zh"}
    )
    assert chinese.json()["rows"][0]["text"] == "获得 15 积分"


def test_what_never_moved_has_no_slip(shop: Shop) -> None:
    for address in ("/v1/slips/purchase:till-1:r-9", "/v1/transactions/purchase:till-1:r-9/slip"):
        answer = shop.as_("operator").get(address)

        assert (answer.status_code, answer.json()["code"]) == (404, "unknown")


def test_a_receipt_whose_number_ends_in_slip_is_a_receipt(shop: Shop) -> None:
    """Each is read where it stands, also at the slip's former address."""
    shop.joins()
    shop.buys("r-1", "lee", 10_000)
    shop.buys("r-1/slip", "lee", 20_000)
    plain, odd = "purchase:till-1:r-1", "purchase:till-1:r-1/slip"

    def read(address: str) -> Any:
        return shop.as_("operator").get(address).json()

    assert read(f"/v1/transactions/{odd}")["points"] == 30
    assert read(f"/v1/slips/{odd}")["rows"][0]["text"] == "Earned 30 points"
    assert read(f"/v1/slips/{plain}")["rows"][0]["text"] == "Earned 15 points"
    assert read(f"/v1/transactions/{odd}/slip") == read(f"/v1/slips/{odd}")


def test_a_message_in_line_reads_as_it_would_go_out(lettered: Shop) -> None:
    """Filled in by the very renderer that sends, in the member's language."""
    said = lettered.as_("operator").get(f"/v1/messages/{KEY}/text").json()

    assert (said["source"], said["subject"], said["text"]) == ("now", "您好", "您有 0 积分。")


def test_a_sent_message_reads_as_it_was_sent(lettered: Shop) -> None:
    """Not as it would read today."""
    with lettered.database.write() as connection:
        connection.execute(
            tables.messages.update().values(status="sent", subject="您好", body="昨天的话")
        )

    said = lettered.as_("marketer").get(f"/v1/messages/{KEY}/text").json()

    assert (said["source"], said["text"]) == ("sent", "昨天的话")


def test_a_till_reads_nobodys_letters(lettered: Shop) -> None:
    answer = lettered.as_("integrator").get(f"/v1/messages/{KEY}/text")

    assert answer.status_code == 403
