"""A member's details change over HTTP: what is named, and nothing else."""

import pytest

from loyalty.access import Role
from tests.api.conftest import Shop

LEE = {
    "name": "Lee Wang", "email": "lee@example.com", "phone": "139 1234 5678", "locale": "zh",
    "card_no": "C-1001", "tags": ["fresh"],
}  # fmt: skip


@pytest.fixture
def lee(shop: Shop) -> Shop:
    shop.joins("lee", **LEE)
    return shop


def test_what_is_named_changes_and_the_rest_stays(lee: Shop) -> None:
    """A new address and no phone; the operator says why, and the audit row names no value."""
    before = lee.as_("operator").get("/v1/members/lee").json()
    change = {"email": "wang@example.com", "phone": None, "reason": "she rang up"}

    answer = lee.as_("operator").patch("/v1/members/lee", json=change)

    assert answer.status_code == 200, answer.text
    assert answer.json() == {**before, "email": "wang@example.com", "phone": None}
    [row] = _acts(lee)
    assert (row["reason"], row["detail"]) == ("she rang up", {"fields": ["email", "phone"]})
    assert "wang@" not in str(row)


def test_the_same_change_again_is_no_change(lee: Shop) -> None:
    """Sent twice after a time-out, it is one change and one row."""
    for _ in range(2):
        answer = lee.as_("integrator").patch("/v1/members/lee", json={"tags": ["fresh", "vip"]})
        assert (answer.status_code, answer.json()["tags"]) == (200, ["fresh", "vip"])
    assert len(_acts(lee)) == 1


def test_a_member_is_found_by_the_new_phone_only(lee: Shop) -> None:
    """However it is written: the till finds who has it now."""
    lee.as_("integrator").patch("/v1/members/lee", json={"phone": "+86 137-0000-1111"})

    found = [
        lee.as_("operator").post("/v1/search", json={"q": phone}).json()["hits"]
        for phone in ("13700001111", "13912345678")
    ]

    assert [[each["id"] for each in those] for those in found] == [["lee"], []]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nowhere"}, "email"),
        ({"email": "lee,wang@example.com"}, "email"),
        ({"email": "root;lee@example.com"}, "email"),
        ({"email": "Lee<lee@example.com"}, "email"),
        ({"locale": None}, "locale"),
        ({"tags": None}, "tags"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"birthday": "2001-02-30"}, "birthday"),
        ({"card_no": "C-2002"}, "card_no"),
        ({"tier": "gold"}, "tier"),
        ({"id": "li"}, "id"),
    ],
)
def test_a_wrong_value_is_named_and_changes_nothing(
    lee: Shop, change: dict[str, object], field: str
) -> None:
    """Also another member's card, and what is changed elsewhere or never."""
    lee.joins("kim", card_no="C-2002")
    before = lee.as_("operator").get("/v1/members/lee").json()

    answer = lee.as_("integrator").patch("/v1/members/lee", json={"name": "Li", **change})

    assert answer.status_code == 422, answer.text
    assert [each["field"] for each in answer.json()["errors"]] == [field]
    assert lee.as_("operator").get("/v1/members/lee").json() == before


def test_who_is_no_member_any_more_does_not_change(lee: Shop) -> None:
    """An erased person's details do not come back by a late form."""
    erased = lee.as_("operator").post(
        "/v1/members/lee/erase", json={"id": "e1", "reason": "asked for it"}
    )
    assert erased.status_code == 201
    late = lee.as_("integrator").patch("/v1/members/lee", json={"name": "Lee"})
    nobody = lee.as_("integrator").patch("/v1/members/nobody", json={"name": "Lee"})
    assert (late.status_code, late.json()["code"]) == (409, "wrong_state")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "unknown")


@pytest.mark.parametrize(("role", "status"), [("integrator", 200), ("operator", 200),
                                              ("admin", 200), ("marketer", 403)])  # fmt: skip
def test_only_the_right_role_changes_details(lee: Shop, role: Role, status: int) -> None:
    """A marketer reads members and changes none."""
    answer = lee.as_(role).patch("/v1/members/lee", json={"name": "Li"})
    assert answer.status_code == status


def _acts(shop: Shop) -> list[dict[str, object]]:
    found = shop.as_("admin").get("/v1/audit", params={"target": "lee", "action": "member.change"})
    assert found.status_code == 200, found.text
    rows: list[dict[str, object]] = found.json()["acts"]
    return rows
