"""A programme in which something of every kind went wrong, for the pages of repair and health."""

from datetime import timedelta
from typing import Any

from loyalty import adjustments, campaigns, repair_jobs
from loyalty.campaign_request import CampaignRequest
from loyalty.events import Purchase
from loyalty.intake import record_purchase
from loyalty.journeys.turn import take_turn
from loyalty.ports import Transaction
from loyalty.refused_event import refused_event
from loyalty.registration import Registration, register
from loyalty.repairs import JobRequest
from storage import tables
from storage.proof import prove
from storage.verifications import note_proof
from tests.browser.conftest import Console

RUN = "j/welcome/lee/once"
JOB = "resend-after-outage"
MEMBERS = ("lee", "kim", "wu", "ann")


def receipt(id: str, member_id: str, at: Any) -> dict[str, Any]:
    return {
        "source": "till-12",
        "id": id,
        "member_id": member_id,
        "occurred_at": at.isoformat(),
        "currency": "CNY",
        "lines": [{"sku": "s1", "category": "grocery", "net_minor": 12_800}],
    }


def stuck_run(console: Console) -> str:
    """Lee's journey has taken its first turn; then its worker stopped, and its hour went by."""
    given = console.services
    request = CampaignRequest(
        id="welcome", name="Welcome", template="new_member_bonus", holdout_percent=0
    )
    template = given.templates()["new_member_bonus"]

    def launch(tx: Transaction) -> None:
        campaigns.draft(tx, template, request, "test", given.check_texts)
        campaigns.launch(tx, "welcome", 1, "test")
        register(tx, Registration(id="lee", name="Lee"))

    given.store.run(launch)
    given.store.run(lambda tx: take_turn(tx, RUN, 0))
    past = given.clock.now() - timedelta(hours=3)
    with console.parts.database.write() as connection:
        connection.execute(tables.outbox.update().values(sent_at=past))
        connection.execute(tables.enrolments.update().values(wake_at=past))
    return RUN


def trouble(console: Console) -> None:
    """Something in every list, a job under way, a correction that waits."""
    stuck_run(console)
    operator = console.person("operator")
    given, now = console.services, console.services.clock.now()

    def work(tx: Transaction) -> None:
        for name in MEMBERS[1:]:
            register(tx, Registration(id=name))
        late = now - timedelta(days=5)
        record_purchase(tx, Purchase.model_validate(receipt("2026/000481", "kim", late)))
        wrong = [
            {"field": "lines.0.net_minor", "code": "int_from_float",
             "message": "must be a whole number"},
            {"field": "member_id", "code": "missing", "message": "is needed"},
        ]  # fmt: skip
        for number, code in enumerate(("unknown", "key_reused", "invalid")):
            body = receipt(f"2026/00090{number}", f"m-20{number}", now)
            said = f"There is no member 'm-20{number}'."
            facts = {"kind": "member", "id": f"m-20{number}"}
            errors = wrong if code == "invalid" else ()
            event = refused_event("purchase", body, code, said, errors, facts)
            assert event is not None
            tx.repairs.add_refused(event)
        tx.outbox.add("nudge_journey", RUN, {"reason": "purchase"})
        for number, points in enumerate((250, -40)):
            proposal = adjustments.Proposal(
                id=f"c-{number}", points=points, reason="The till was down on Saturday"
            )
            adjustments.propose(tx, "kim", proposal, operator)

    given.store.run(work)
    with console.parts.database.write() as connection:
        dead = tables.outbox.update().where(tables.outbox.c.sent_at.is_(None))
        said = "INVALID_ARGUMENT: search attribute MilepostMember is not defined"
        connection.execute(dead.values(dead_at=now, last_error=said, attempts=5))
        connection.execute(tables.messages.insert(), [_message(n, now) for n in range(14)])
        proof = prove(connection)
        note_proof(connection, proof, now - timedelta(hours=7), 0.4)
    keys = tuple(f"e{n}" for n in range(4))
    request = JobRequest(
        id=JOB, list="failed_messages", act="resend", reason="The mail server is back",
        pace=1, targets=keys,
    )  # fmt: skip
    given.store.run(lambda tx: repair_jobs.start(tx, request, keys, operator))


def _message(number: int, now: Any) -> dict[str, Any]:
    status = ("failed", "failed", "failed", "failed", "failed", "unknown", "sent")[number % 7]
    old = number == 13
    return {
        "key": f"e{number}",
        "member_id": MEMBERS[number % 4],
        "campaign_id": "welcome",
        "version": 1,
        "enrolment_id": RUN,
        "message": "welcome",
        "channel": "email",
        "purpose": "service",
        "locale": "en",
        "variables": {},
        "status": "deferred" if old else status,
        "created_at": now - timedelta(days=2 if old else 0),
        "due_at": now + timedelta(hours=2) if old else now - timedelta(minutes=number),
        "claimed_at": now - timedelta(minutes=number),
        "attempts": 1,
        "last_error": "550 mailbox unavailable" if status == "failed" else None,
    }
