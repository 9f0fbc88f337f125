"""Every route asks for a role, and a key is one role and no more."""

from collections.abc import Callable, Iterator
from typing import Any

from starlette.routing import BaseRoute, Route

from api.edge import Limits
from loyalty.access import ROLES, ApiKey
from tests.api.conftest import Shop

OPEN = {
    "/healthz", "/readyz", "/metrics", "/docs", "/docs/style.css", "/openapi.json",
    "/problems/{code}",
}  # fmt: skip


def _routes(routes: list[BaseRoute]) -> Iterator[Route]:
    """Every route of the application, also those inside included routers."""
    for route in routes:
        inside = getattr(route, "original_router", None)
        if inside is not None:
            yield from _routes(inside.routes)
        else:
            assert isinstance(route, Route), f"{route!r} is of a kind this test does not know"
            yield route


def _operations(shop: Shop) -> Iterator[tuple[str, str, list[str]]]:
    """Method, path and roles of every documented operation."""
    for path, methods in shop.app.openapi()["paths"].items():
        for method, operation in methods.items():
            needs: list[dict[str, list[str]]] = operation.get("security", [])
            yield (
                method.upper(),
                path,
                [role for need in needs for r in need.values() for role in r],
            )


def test_every_route_names_the_roles_that_may_call_it(shop: Shop) -> None:
    """But for health, figures and documentation there is no way in without a key."""
    found = {route.path_format for route in _routes(shop.app.router.routes)}
    documented = {path for _, path, _ in _operations(shop)}

    assert found - OPEN == documented - OPEN, "a route is neither documented nor open"
    assert all(path.startswith(("/v1/", "/codec/")) for path in documented - OPEN)
    for method, path, roles in _operations(shop):
        if path not in OPEN:
            assert "admin" in roles, (method, path)
            assert set(roles) <= set(ROLES), (method, path)
            # Only who lets people in is a matter for admins alone.
            assert len(roles) > 1 or path.startswith("/v1/people"), (method, path)


def test_no_route_answers_without_a_key_or_with_the_wrong_role(shop: Shop) -> None:
    """Walked one by one: 401 without a key, 403 with a role that is not named."""
    for method, path, roles in _operations(shop):
        if path in OPEN:
            continue
        address = path.replace("{", "").replace("}", "")
        assert shop.stranger.request(method, address).status_code == 401, (method, path)
        for role in ROLES:
            # Bodies that would never be valid: who may call gets past the role and no further.
            answer = shop.as_(role).request(method, address, json=None if method == "GET" else [])
            assert (answer.status_code == 403) == (role not in roles), (method, path, role)


def test_a_key_is_stored_only_as_a_hash(shop: Shop) -> None:
    """The token is told once; what the database keeps does not give it away."""
    token, key = shop.keys.create("till", "integrator", actor="test")

    with shop.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM api_keys").all()
        trail = connection.exec_driver_sql("SELECT action, target FROM audit").all()

    assert token.startswith(f"mp_{key.prefix}_")
    assert len(token) > 50
    assert all(token.rpartition("_")[2] not in str(row) for row in rows)
    assert ("key.create", key.id) in [tuple(row) for row in trail]


def test_a_revoked_key_stops_working_within_seconds(serving: Callable[..., Shop]) -> None:
    """With the cache off at once; with it as soon as its few seconds are over."""
    shop = serving(limits=Limits(key_cache_seconds=0.0))
    client = shop.as_("marketer")
    assert client.get("/v1/campaigns").status_code == 200
    key = next(each for each in shop.keys.list() if each.role == "marketer")

    shop.keys.revoke(key.id, actor="test")

    assert client.get("/v1/campaigns").status_code == 401
    assert Limits().key_cache_seconds <= 5


class CountingKeys:
    """The real keys, and how often they were asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.real: Any = None

    def find(self, hash: str) -> ApiKey | None:
        self.asked += 1
        found: ApiKey | None = self.real.find(hash)
        return found


def test_a_known_key_is_not_looked_up_for_every_request(serving: Callable[..., Shop]) -> None:
    """One look-up serves the requests of the next seconds; unknown keys are never kept."""
    keys = CountingKeys()
    shop = serving(keys=keys)
    keys.real = shop.keys

    for _ in range(3):
        shop.as_("marketer").get("/v1/campaigns")
    assert keys.asked == 1
    for _ in range(2):
        shop.stranger.get("/v1/campaigns", headers={"Authorization": "Bearer mp_a_b"})
    assert keys.asked == 3
