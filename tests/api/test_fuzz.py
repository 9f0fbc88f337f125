"""Whatever is sent to whatever is documented gets a documented answer, and never a failure."""

from collections.abc import Iterator

import pytest
import schemathesis
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from tests.api.conftest import Shop, serve
from tests.conftest import DatabaseMaker

EXAMPLES_MAX = 15
SEED = 20261122


@pytest.fixture
def fuzzed(new_database: DatabaseMaker) -> Shop:
    """A shop with a member, a purchase and a campaign to be found.

    On PostgreSQL: it refuses what SQLite lets pass, such as a text too long for its column.
    """
    shop = serve(new_database("postgres"))
    shop.joins()
    shop.buys()
    shop.launches()
    return shop


def configured(token: str) -> schemathesis.Config:
    """Known examples, the edges of every bound, then random bodies; always the same ones."""
    return schemathesis.Config.from_dict(
        {
            "seed": SEED,
            "headers": {"Authorization": f"Bearer {token}"},
            "generation": {"max-examples": EXAMPLES_MAX, "deterministic": True, "no-shrink": True},
            "phases": {"stateful": {"enabled": False}},
            # Well-formed bodies may still name what does not exist.
            "checks": {"positive_data_acceptance": {"enabled": False}},
            "operations": [
                {
                    # A bad event in a batch is refused for itself, inside an answer of 200. The
                    # edges of each kind are met at the addresses that take one of it.
                    "include-path": "/v1/events",
                    "checks": {"negative_data_rejection": {"enabled": False}},
                    "phases": {"coverage": {"enabled": False}},
                },
                # It goes on for minutes; the first figures say whether it is as described.
                {"include-path": "/v1/campaigns/{campaign_id}/live", "max-stream-events": 1},
            ],
        }
    )


def faults_of(event: ScenarioFinished) -> Iterator[str]:
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                sent = event.recorder.interactions[case_id]
                yield (
                    f"{event.recorder.label}: {check.failure_info.failure}\n"
                    f"  sent {sent.request.uri} {(sent.request.body or b'')[:400]!r}\n"
                    f"  got  {sent.response.content[:400] if sent.response else None!r}"
                )


@pytest.mark.timeout(400)
def test_every_answer_is_documented(fuzzed: Shop) -> None:
    """No 500, and nothing that the description does not name; every operation is reached."""
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", fuzzed.app, config=configured(fuzzed.tokens["admin"])
    )

    faults: list[str] = []
    reached: set[str] = set()
    for event in from_schema(schema).execute():
        if isinstance(event, ScenarioFinished):
            faults += faults_of(event)
            if event.status in (Status.SUCCESS, Status.FAILURE):
                reached.add(event.recorder.label)
        elif isinstance(event, NonFatalError | FatalError):
            faults.append(repr(event))

    assert not faults, "\n".join(dict.fromkeys(faults))
    operations = {
        f"{method.upper()} {path}"
        for path, methods in fuzzed.app.openapi()["paths"].items()
        for method in methods
    }
    assert reached == operations
