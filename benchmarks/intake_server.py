"""Milepost's API with one more route, which reads a receipt and records nothing.

    python -m benchmarks.intake_server

Everything else is the product: settings, logs, middlewares, keys, shapes of bodies. The route is
`async`, so it costs no thread: nothing on this stack can answer the same request with less.
"""

from typing import Annotated, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from api.app import create_app
from api.keys import Caller, needs
from api.recording import recorded
from api.services import Given, Services
from bootstrap import server
from bootstrap.logs import set_up_logs
from bootstrap.settings import read_settings
from loyalty.events import Purchase

BASE = "/v1/receipts-read-only"
_RATE = {
    "rule": "category", "kind": "rate", "applied": False, "reason": "no_rate_for_category",
    "bp": 10000, "ref": None,
}  # fmt: skip
_LINE = {
    "line": 1, "sku": "sku-000001", "category": "grocery", "quantity": 2, "net_minor": 2590,
    "earning_minor": 2590, "base": "2.59", "rate_bp": 10000, "points": 3, "reasons": [_RATE],
}  # fmt: skip
_BREAKDOWN = {
    "rule_version": "1", "base_minor": 1000, "base_points": 1, "steps": [], "beyond": None,
    "stacking": "additive", "maximum_multiplier_bp": 50000, "multiplier_bp": 15000, "points": 22,
    "spend_points": 22, "flat_points": 0, "exact": "22.56", "caps": [],
    "reasons": [_RATE | {"fits": True}], "lines": [_LINE] * 5,
}  # fmt: skip
ANSWER: dict[str, Any] = {
    "first_purchase": False,
    "seq": 123456,
    "points": 22,
    "breakdown": _BREAKDOWN,
    "transaction": "purchase:till-12:bench-000000000001",
    "replayed": False,
}
"""As large as the real answer to a receipt of five lines."""


def with_base(services: Services) -> FastAPI:
    app = create_app(services)

    @app.post(BASE, status_code=201)
    async def read_only(
        body: Purchase, given: Given, caller: Annotated[Caller, needs("record")]
    ) -> JSONResponse:
        return recorded(ANSWER)

    # Routes are tried in turn: it is found as soon as those of tills are.
    app.router.routes.insert(0, app.router.routes.pop())
    return app


def main() -> None:
    settings = read_settings()
    set_up_logs(settings, "server")
    server.create_app = with_base  # type: ignore[attr-defined]
    server.run_server(settings)


if __name__ == "__main__":
    main()
