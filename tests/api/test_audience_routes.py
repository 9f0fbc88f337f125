"""Counting an audience over HTTP, and drafting a campaign for it."""

from typing import Any

import pytest

from tests.api.conftest import Shop

GOLD = {"about": "tier", "tiers": ["gold"]}
SPENDERS = {"about": "spend", "op": "at_least", "amount_minor": 5_000, "days": 30}


def groups(*rules: dict[str, Any], match: str = "all") -> dict[str, Any]:
    return {"groups": [{"match": match, "rules": list(rules)}]}


def counted(shop: Shop, audience: Any) -> dict[str, Any]:
    answer = shop.as_("marketer").post("/v1/audiences/preview", json={"audience": audience})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_marketer_sees_how_many_and_whom(shop: Shop) -> None:
    """Ids and first letters only: whoever plans a campaign need not know who the people are."""
    shop.joins("lee", name="Lee Ming", email="lee@example.com")
    shop.joins("kim", name="王芳")
    shop.buys("r-1", "lee", 10_000)

    everybody = counted(shop, None)
    spenders = counted(shop, groups(SPENDERS))

    assert everybody["count"] == 2
    assert [sample["name"] for sample in everybody["samples"]] == ["王**", "L*** M***"]
    assert spenders["samples"] == [{"id": "lee", "name": "L*** M***", "tier": "ordinary"}]
    assert spenders["condition"] == 'member.spend_within["30"] >= 5000'


def test_reachable_is_what_the_contact_gate_would_let_pass(shop: Shop) -> None:
    """In the app unless refused; by e-mail only with an address and a yes."""
    yes = [{"channel": "email", "purpose": "marketing", "granted": True}]
    no = [{"channel": "inbox", "purpose": "marketing", "granted": False}]
    shop.joins("lee", email="lee@example.com", consents=yes)
    shop.joins("kim", consents=yes)  # no address
    shop.joins("zoe", email="zoe@example.com", consents=no)

    assert counted(shop, None)["reachable"] == {"inbox": 2, "email": 1, "webhook": 0}


def test_rules_join_by_all_or_any(shop: Shop) -> None:
    shop.joins("lee")
    shop.buys("r-1", "lee", 10_000)

    assert counted(shop, groups(GOLD, SPENDERS, match="any"))["count"] == 1
    assert counted(shop, groups(GOLD, SPENDERS))["count"] == 0


def test_a_condition_of_ones_own_is_counted_too(shop: Shop) -> None:
    shop.joins("lee", tags=["vip-1"])
    shop.joins("kim")

    found = counted(shop, 'member.tags.exists(t, t.startsWith("vip"))')

    assert (found["count"], found["exact"]) == (1, True)


@pytest.mark.parametrize(
    ("audience", "field"),
    [
        (groups({"about": "condition", "condition": "member.poinst > 1"}),
         "audience.groups.0.rules.0.condition"),
        ("member.points >", "audience"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused_at_its_place(
    shop: Shop, audience: Any, field: str
) -> None:
    answer = shop.as_("marketer").post("/v1/audiences/preview", json={"audience": audience})

    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]


def test_only_who_plans_campaigns_may_look(shop: Shop) -> None:
    body = {"audience": None}

    assert shop.as_("integrator").post("/v1/audiences/preview", json=body).status_code == 403
    assert shop.stranger.post("/v1/audiences/preview", json=body).status_code == 401


def test_a_campaign_for_an_audience_admits_only_its_members(shop: Shop) -> None:
    """The rules that were counted are the rules by which the door decides."""
    shop.joins("lee")
    shop.joins("kim")
    shop.buys("r-1", "lee", 10_000)
    shop.launches("hello", audience=groups(SPENDERS))
    marketer = shop.as_("marketer")

    for member in ("lee", "kim"):
        marketer.post(f"/v1/campaigns/hello/members/{member}", json={"entry_key": "x"})

    report = marketer.get("/v1/campaigns/hello").json()["report"]
    assert (report["admitted"], report["not_admitted"]) == (1, {"not_in_audience": 1})
