"""Frequent writes over HTTP share their commits: a crowd costs the database a few, not one each."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from loyalty.access import Role
from storage.poster import Poster
from tests.api.conftest import Shop
from tests.storage.line import PATIENCE, plugged

CROWD = 12
Body = dict[str, Any]
Request = tuple[str, str, Body]


def hold(n: int) -> Body:
    return {
        "source": "till-1",
        "id": f"p{n}",
        "member_id": "lee",
        "points": 100,
        "currency": "CNY",
        "lines": [{"sku": "s1", "category": "grocery", "net_minor": 30_000}],
    }


def place(n: int) -> Request:
    return "POST", "/v1/till/holds", hold(n)


def by_card(n: int) -> Request:
    body = hold(n) | {"card_no": "C-0001"}
    del body["member_id"]
    return "POST", "/v1/till/holds", body


def confirm(n: int) -> Request:
    return "POST", f"/v1/till/holds/till:till-1:p{n}/confirm", {"purchase_id": f"r{n}"}


def release(n: int) -> Request:
    return "POST", f"/v1/till/holds/till:till-1:p{n}/release", {}


def give_back(n: int) -> Request:
    return "POST", f"/v1/till/holds/till:till-1:p{n}/return", {"source": "shop", "id": f"b{n}"}


def register(n: int) -> Request:
    return "POST", "/v1/members", {"id": f"new{n}"}


def consent(n: int) -> Request:
    said = {"channel": "email", "purpose": "marketing", "granted": bool(n % 2)}
    return "PUT", "/v1/members/lee/consents", {"consents": [said]}


def gift(n: int) -> Request:
    return "POST", "/v1/members/lee/gifts", {"id": f"g{n}", "to": "kim", "points": 10}


def propose(n: int) -> Request:
    return "POST", "/v1/members/lee/adjustments", {"id": f"a{n}", "points": 5, "reason": "lost"}


def approve(n: int) -> Request:
    return "POST", f"/v1/adjustments/a{n}/approve", {}


def tier(n: int) -> Request:
    return "POST", f"/v1/members/m{n}/tier", {"tier": "gold", "reason": "sorry"}


@pytest.fixture
def poster(shop: Shop) -> Iterator[Poster]:
    """A shop with two members and points enough, whose writes go out in groups."""
    store: Any = shop.services.store
    for id in ("lee", "kim", *(f"m{n}" for n in range(CROWD))):
        shop.joins(id, registered_at="2026-01-01T00:00:00+08:00", card_no=f"C-000{id}")
    shop.joins("may", card_no="C-0001")
    for id in ("lee", "may"):
        store.run(lambda tx, id=id: tx.ledger.earn(f"before/{id}", id, 5_000))
    poster = store.group()
    yield poster
    poster.close()


@pytest.mark.parametrize(
    ("first", "then", "role"),
    [
        (None, place, "integrator"),
        (None, by_card, "integrator"),
        (place, confirm, "integrator"),
        (place, release, "integrator"),
        (confirm, give_back, "integrator"),
        (None, register, "integrator"),
        (None, consent, "integrator"),
        (None, gift, "integrator"),
        (None, propose, "operator"),
        (propose, approve, "admin"),
        (None, tier, "operator"),
    ],
)
async def test_a_crowd_of_writes_shares_one_commit(
    shop: Shop,
    poster: Poster,
    first: Callable[[int], Request] | None,
    then: Callable[[int], Request],
    role: Role,
) -> None:
    """While the writer is busy a dozen callers ask; all are answered by what it commits next."""
    earlier = [place, confirm] if first is confirm else [first] if first else []
    for before in earlier:
        who: Role = "operator" if before is propose else "integrator"
        for n in range(CROWD):
            answer = shop.as_(who).request(*before(n)[:2], json=before(n)[2])
            assert answer.is_success, answer.text
    commits: list[object] = []
    transport = httpx.ASGITransport(app=shop.app)
    key = {"Authorization": f"Bearer {shop.tokens[role]}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop", headers=key) as api:
        with plugged(poster):
            asked = [
                asyncio.ensure_future(api.request(method, path, json=body))
                for method, path, body in map(then, range(CROWD))
            ]
            async with asyncio.timeout(PATIENCE):
                while poster.waiting < CROWD:  # noqa: ASYNC110 - a line has no bell
                    await asyncio.sleep(0)
            event.listen(shop.database.engine, "commit", commits.append)
        answers = await asyncio.gather(*asked)

    assert [each.is_success for each in answers] == [True] * CROWD, answers[0].text
    assert len(commits) <= 2, "the plug's commit and the crowd's"
