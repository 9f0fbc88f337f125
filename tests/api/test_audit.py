"""Who did what, when and why, found by any of them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.api.conftest import Shop, serve
from tests.conftest import DatabaseMaker

REASON = {"reason": "wrong price"}


@dataclass(frozen=True)
class Seen:
    """A shop, and who did what to what in it, as an operator reads it."""

    shop: Shop

    def __call__(self, **which: Any) -> list[Any]:
        answer = self.shop.as_("operator").get("/v1/audit", params=which)
        assert answer.status_code == 200, answer.text
        return [(act["actor_name"], act["action"], act["target"]) for act in answer.json()["acts"]]


@pytest.fixture(params=["sqlite", "postgres"])
def seen(request: pytest.FixtureRequest, new_database: DatabaseMaker) -> Seen:
    """A morning of two people's acts, and how to ask for them."""
    shop: Shop = serve(new_database(request.param))
    shop.launches("hello")
    shop.clock.moves(timedelta(hours=1))
    shop.as_("operator").post("/v1/campaigns/hello/pause", json=REASON)
    shop.clock.moves(timedelta(hours=1))
    shop.joins("lee")
    body = {"id": "a1", "points": 5, "reason": "apology"}
    shop.as_("operator").post("/v1/members/lee/adjustments", json=body)
    return Seen(shop)


PROPOSED = ("operator", "adjustment.propose", "lee")
PAUSED = ("operator", "campaign.paused", "hello")


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ({"target": "lee"}, [PROPOSED]),
        ({"actor": "operator"}, [PROPOSED, PAUSED]),
        ({"action": "adjustment"}, [PROPOSED]),
        ({"action": "adjustment.propose"}, [PROPOSED]),
        ({"action": "adjust"}, []),
        ({"since": "2026-10-03T05:30:00Z", "actor": "operator"}, [PROPOSED]),
        ({"until": "2026-10-03T05:30:00Z", "actor": "operator"}, [PAUSED]),
        ({"actor": "nobody"}, []),
    ],
)
def test_acts_are_found_by_what_is_known_of_them(
    seen: Seen, which: dict[str, str], expected: list[Any]
) -> None:
    """By thing, person, kind of act and time, newest first."""
    assert seen(**which) == expected


def test_acts_are_read_in_pages_and_only_by_operators(seen: Seen) -> None:
    """Each act once; a marketer does not read what others did."""
    shop = seen.shop
    whole = seen()
    pages: list[Any] = []
    before: dict[str, int] = {}
    while True:
        found = shop.as_("operator").get("/v1/audit", params={"limit": 2, **before}).json()
        pages += [(act["actor_name"], act["action"], act["target"]) for act in found["acts"]]
        if found["next"] is None:
            break
        before = {"before": found["next"]}

    assert pages == whole
    assert shop.as_("marketer").get("/v1/audit").status_code == 403
    assert shop.as_("operator").get("/v1/audit", params={"since": "today"}).status_code == 422
