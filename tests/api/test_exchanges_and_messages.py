"""Offers are claimed and messages are read, also when something went wrong in between."""

from datetime import timedelta
from typing import Any

from loyalty.offers import Offer
from loyalty.records import Campaign
from storage import tables
from tests.api.conftest import NOON, Shop
from tests.storage.rows import message, put

CLAIM = {"request_id": "q-1", "campaign_id": "soup", "member_id": "lee"}


def _offers(shop: Shop, stock: int = 1, who: str | None = None) -> None:
    """An open offer: one for ten points, one for each member."""

    def work(tx: Any) -> None:
        campaign = Campaign("soup", "Soup", "exchange", "launched", 1, NOON)
        tx.campaigns.add(campaign)
        tx.offers.add(
            Offer(
                id="soup", title={"en": "Soup", "zh": "汤"}, sku="s", points=10, stock=stock,
                remaining=stock, per_member=1, hold_seconds=900, who=who, opens_at=NOON,
                closes_at=NOON + timedelta(days=1), state="open",
            )
        )  # fmt: skip

    shop.services.store.run(work)


def test_a_claim_is_reserved_once_and_confirmed_once(shop: Shop) -> None:
    """The same request twice is one reservation; confirming twice spends the points once."""
    shop.joins()
    shop.buys()
    _offers(shop)
    till = shop.as_("integrator")

    codes = [till.post("/v1/exchanges", json=CLAIM).status_code for _ in range(2)]
    held = till.get("/v1/members/lee/balance").json()
    done = [till.post("/v1/exchanges/soup/q-1/confirm").json()["status"] for _ in range(2)]
    spent = till.get("/v1/members/lee/balance").json()

    assert codes == [201, 200]
    assert (held["available"], held["held"]) == (5, 10)
    assert done == ["confirmed", "confirmed"]
    assert (spent["available"], spent["held"]) == (5, 0)
    (listed,) = till.get("/v1/exchanges", params={"member_id": "lee"}).json()["claims"]
    assert listed["claim_id"] == "soup/q-1"


def test_an_exchange_for_some_says_to_the_others_for_whom_it_is(shop: Shop) -> None:
    """The till hears the condition and nothing of the member; who explains hears that too."""
    shop.joins()
    shop.buys()
    _offers(shop, who='member.tier == "gold"')

    refused = shop.as_("integrator").post("/v1/exchanges", json=CLAIM)

    assert (refused.status_code, refused.json()["code"]) == (409, "not_eligible")
    assert refused.json()["facts"] == {"offer_id": "soup", "who": 'member.tier == "gold"'}
    listed = shop.as_("operator").get("/v1/exchanges", params={"member_id": "lee"}).json()
    [kept] = listed["refused"]
    assert kept["reason"] == "not_eligible"
    assert kept["facts"]["failed"][0]["seen"] == {"member.tier": "ordinary"}
    page = shop.signed_in("operator").get("/console/members/lee").text
    assert "Refused: for other members" in page


def test_a_reservation_reads_as_expired_once_its_time_is_over(shop: Shop) -> None:
    """In the member's list, before anybody has given its stock back."""
    shop.joins()
    shop.buys()
    _offers(shop)
    till = shop.as_("integrator")
    till.post("/v1/exchanges", json=CLAIM)

    def listed() -> list[str]:
        found = shop.as_("operator").get("/v1/members/lee/claims").json()["rows"]
        return [each["status"] for each in found]

    assert listed() == ["reserved"]
    shop.clock.moves(timedelta(seconds=900))
    assert listed() == ["expired"]


def test_a_released_claim_gives_everything_back(shop: Shop) -> None:
    """Stock and points, once; a confirmed claim cannot be released any more."""
    shop.joins()
    shop.buys()
    _offers(shop)
    till = shop.as_("integrator")
    till.post("/v1/exchanges", json=CLAIM)
    why = {"fault": "merchant", "reason": "payment_failed"}

    released = till.post("/v1/exchanges/soup/q-1/release", json=why)
    late = till.post("/v1/exchanges/soup/q-1/confirm")

    assert released.json()["status"] == "released"
    assert till.get("/v1/members/lee/balance").json()["available"] == 15
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")


def test_what_stands_in_the_way_of_a_claim_is_said(shop: Shop) -> None:
    """Too few points, nothing left, enough taken, not open: each has its own code."""
    for name in ("lee", "han", "wu"):
        shop.joins(name)
    shop.buys("r-1", "lee", 100_000)
    shop.buys("r-2", "han", 100_000)
    _offers(shop)
    till = shop.as_("integrator")

    def refused(**changed: Any) -> str:
        answer = till.post("/v1/exchanges", json={**CLAIM, **changed})
        assert answer.status_code == 409
        code: str = answer.json()["code"]
        return code

    assert refused(member_id="wu") == "not_enough_points"
    assert till.post("/v1/exchanges", json=CLAIM).status_code == 201
    assert refused(request_id="q-2", member_id="han") == "sold_out"
    assert refused(member_id="han") == "key_reused"
    shop.clock.moves(timedelta(days=2))
    assert refused(request_id="q-3", member_id="han") == "offer_not_open"


def test_who_got_nothing_finds_out_why_in_either_language(shop: Shop) -> None:
    """The list of claims, the explanation and the page of the member say the same."""
    shop.joins("lee")
    shop.joins("han")
    shop.buys("r-1", "lee", 100_000)
    _offers(shop)
    till, operator = shop.as_("integrator"), shop.as_("operator")
    till.post("/v1/exchanges", json=CLAIM)
    refused = till.post("/v1/exchanges", json={**CLAIM, "request_id": "q-2", "member_id": "han"})
    assert (refused.status_code, refused.json()["code"]) == (409, "sold_out")

    [row] = till.get("/v1/exchanges", params={"member_id": "han"}).json()["refused"]
    assert (row["reason"], row["request_id"]) == ("sold_out", "q-2")
    assert row["facts"] == {"asked": 1, "remaining": 0}
    person = shop.signed_in("operator")
    for language, why, word in (
        ("en", "request q-2) and refused: 1 asked for, 0 left.", "Refused: sold out"),
        ("zh", "（请求 q-2）被拒绝：申请 1 件，仅剩 0 件。", "被拒绝：已兑完"),
    ):
        spoken = {"Accept-Language": language}
        path = "/v1/campaigns/soup/members/han/explanation"
        said = operator.get(path, headers=spoken).json()
        assert (said["answer"]["cause"], said["decisions"][-1]["verdict"]) == (
            "claim_sold_out",
            "refused",
        )
        assert said["answer"]["sentence"].endswith(why)
        assert why in person.get("/console/why?member=han&campaign=soup", headers=spoken).text
        assert word in person.get("/console/members/han", headers=spoken).text
        assert word in person.get("/console/members/han/holds", headers=spoken).text


def test_an_in_app_message_is_read_by_its_member_only(shop: Shop) -> None:
    """Reading is noted once; another member's message is not there."""
    shop.joins()
    shop.joins("han")
    texts = {"status": "sent", "sent_at": NOON, "subject": "Hi", "body": "Welcome"}
    put(shop.database, tables.messages, message("j/spring/lee/1:hello:inbox", **texts))
    app = shop.as_("integrator")

    unread = app.get("/v1/members/lee/inbox").json()["messages"]
    foreign = app.post("/v1/members/han/inbox/j/spring/lee/1:hello:inbox/read")
    done = app.post("/v1/members/lee/inbox/j/spring/lee/1:hello:inbox/read")
    read = app.get("/v1/members/lee/inbox").json()["messages"]

    assert (unread[0]["body"], unread[0]["read_at"]) == ("Welcome", None)
    assert (foreign.status_code, done.status_code) == (404, 200)
    assert read[0]["read_at"] is not None
    assert app.get("/v1/members/han/inbox").json() == {"messages": [], "next": None}


def test_the_old_card_claims_what_the_person_can_pay(shop: Shop) -> None:
    """After a merger the points are the survivor's, and so is the claim."""
    shop.joins()
    shop.joins("old")
    shop.buys()
    _offers(shop)
    _merged(shop)
    till = shop.as_("integrator")

    claimed = till.post("/v1/exchanges", json={**CLAIM, "member_id": "old"})

    assert (claimed.status_code, claimed.json()["member_id"]) == (201, "lee")
    assert till.get("/v1/members/lee/balance").json()["held"] == 10


def test_the_old_id_shows_the_persons_claims_and_messages(shop: Shop) -> None:
    """The app that still knows the old id reads what went along with the merger."""
    shop.joins()
    shop.joins("old")
    shop.buys("r-1", "old")
    _offers(shop)
    till = shop.as_("integrator")
    till.post("/v1/exchanges", json={**CLAIM, "member_id": "old"})
    till.post("/v1/exchanges/soup/q-1/confirm")
    put(shop.database, tables.messages, message("m-1", status="sent", sent_at=NOON))
    _merged(shop)

    (claim,) = till.get("/v1/exchanges", params={"member_id": "old"}).json()["claims"]
    (shown,) = till.get("/v1/members/old/inbox").json()["messages"]
    read = till.post("/v1/members/old/inbox/m-1/read")

    assert (claim["claim_id"], claim["member_id"]) == ("soup/q-1", "lee")
    assert (shown["key"], read.status_code) == ("m-1", 200)


def _merged(shop: Shop) -> None:
    body = {"id": "mg-1", "reason": "Two cards of one person"}
    merged = shop.as_("operator").post("/v1/members/old/merge-into/lee", json=body)
    assert merged.status_code == 201, merged.text


def test_a_message_of_unknown_fate_is_sent_again_by_an_operator(shop: Shop) -> None:
    """With a reason, on record; one that surely went out is not sent twice."""
    shop.joins()
    put(shop.database, tables.messages, message("m-1", channel="email", status="unknown"))
    put(shop.database, tables.messages, message("m-2", channel="email", status="sent"))
    operator, why = shop.as_("operator"), {"reason": "The mail server lost it"}

    again = operator.post("/v1/messages/m-1/resend", json=why)
    sent = operator.post("/v1/messages/m-2/resend", json=why)

    assert (again.status_code, again.json()["status"]) == (200, "queued")
    assert (sent.status_code, sent.json()["code"]) == (409, "wrong_state")
    (act,) = operator.get("/v1/audit", params={"target": "m-1"}).json()["acts"]
    assert (act["action"], act["reason"]) == ("message.resend", why["reason"])


def test_operators_see_what_became_of_a_runs_messages(shop: Shop) -> None:
    """Status and verdicts, without text or address."""
    shop.joins()
    row = message("m-1", enrolment_id="j/spring/lee/1", status="dropped", body="secret words")
    put(shop.database, tables.messages, row)
    verdict = {"message_key": "m-1", "verdict": "drop", "reason": "no_consent", "at": NOON}
    put(shop.database, tables.contact_verdicts, verdict)

    answer = shop.as_("operator").get("/v1/messages", params={"run": "j/spring/lee/1"})

    (found,) = answer.json()["messages"]
    assert (found["status"], found["verdicts"][0]["reason"]) == ("dropped", "no_consent")
    assert "secret words" not in answer.text
