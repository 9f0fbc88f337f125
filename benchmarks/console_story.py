"""A shop in small, told through the product's own use cases: what `console_copies.py` multiplies.

Sixteen members join over some months, buy, bring back, pay with points, claim and are told things.
Everything about one of them bears the member's id, so that a copy is the same life of another.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, update

from api.routes.template_versions import save
from api.services import Services
from loyalty import adjustments, campaigns, sample
from loyalty.audiences.rules import Audience, Group, LastPurchaseRule, SpendRule, TierRule
from loyalty.campaign_request import CampaignRequest
from loyalty.events import Line, Purchase, Refund
from loyalty.exchange import confirm, reserve
from loyalty.exchange_window import open_offer
from loyalty.intake import record_event, record_purchase
from loyalty.journeys.load import load_named
from loyalty.journeys.turn import take_turn
from loyalty.offers import ClaimRequest
from loyalty.ports import Transaction
from loyalty.refunds import record_refund
from loyalty.registration import register
from loyalty.template_versions import renamed
from loyalty.templates import Template
from loyalty.till import flow
from loyalty.till.requests import HoldConfirm, HoldRequest
from storage.database import Database
from storage.tables import messages, outbox

LIVES = 16
PURCHASES = 10
"""Receipts of one member at most, besides those of the first day; 10.5 postings each come of it."""
WELCOME, VISITS, CUPS, DRAFT = "welcome", "visits", "cups", "spring"
OWN_TEMPLATE = "spring_welcome"
BILL = Line(sku="s", category="grocery", net_minor=30_000)
JOB = "resend-after-outage"

Act = tuple[datetime, str, Callable[[Transaction], Any]]


def tell(services: Services, database: Database) -> None:
    """Campaigns, members and what they do, each at its hour."""
    now = datetime.now(UTC).replace(microsecond=0)
    began = now - timedelta(days=155)
    _campaigns(services, now, began)
    own = load_named(Path(__file__).parent / "templates", "reference_journey")
    visits = CampaignRequest(id=VISITS, name="Visits", template=own.name, budget_points=10**9)
    # Launched when everybody has joined: in it come those who are sent in.
    launch = now - timedelta(days=21), "", _drafted(own, visits, launched=True)
    for at, member, work in sorted((launch, *_acts(now)), key=lambda act: act[:2]):
        services.store.run(work, now=at)
        _take_turns(services, member, at)
    for number in range(1, LIVES + 1):
        _take_turns(services, sample.member_id(number), now)
    with database.write() as connection:
        _gone_out(connection)


def _gone_out(connection: Connection) -> None:
    """The relay has told Temporal and sent what was to be sent; there is none in a benchmark."""
    m = messages.c
    gone = {"status": "sent", "sent_at": m.created_at, "claimed_at": m.created_at, "attempts": 1}
    connection.execute(update(messages).values(gone | {"subject": "Hello", "body": "Hello."}))
    connection.execute(delete(outbox))


def _campaigns(services: Services, now: datetime, began: datetime) -> None:
    known = services.templates()
    window = {
        "sku": "cup", "points": 10, "stock": 1_000_000, "per_member": 1,
        "opens_at": (now - timedelta(days=2)).isoformat(),
        "closes_at": (now + timedelta(days=5)).isoformat(),
    }  # fmt: skip
    rich: dict[str, Any] = {"budget_points": 10**9, "holdout_percent": 25}
    for id, template, more in (
        (WELCOME, known["new_member_bonus"], rich),
        (CUPS, known["limited_time_exchange"], {"values": window}),
    ):
        asked = CampaignRequest(id=id, name=id.title(), template=template.name, **more)
        services.store.run(_drafted(template, asked, launched=True), now=began)
    services.store.run(lambda tx: open_offer(tx, CUPS), now=now - timedelta(days=1))
    audience = Audience(
        match="any",
        groups=(
            Group(rules=(TierRule(tiers=("gold",)), LastPurchaseRule(op="before", days=60))),
            Group(rules=(SpendRule(amount_minor=5_000, days=30),)),
        ),
    )
    bonus = known["new_member_bonus"]
    draft = CampaignRequest(id=DRAFT, name="Spring", template=bonus.name, audience=audience)
    services.store.run(_drafted(bonus, draft))
    for each in sample.drafts(now, services.programme.tz):
        services.store.run(_drafted(known[each.template], each))
    files = renamed(services.shipped()["new_member_bonus"], "new_member_bonus", OWN_TEMPLATE)
    save(services, OWN_TEMPLATE, files, 0, note="A copy to begin with", actor="bench")


def _drafted(
    template: Template, asked: CampaignRequest, launched: bool = False
) -> Callable[[Transaction], None]:
    def work(tx: Transaction) -> None:
        campaigns.draft(tx, template, asked, "bench", lambda made: ())
        if launched:
            campaigns.launch(tx, asked.id, 1, "bench")

    return work


def _acts(now: datetime) -> Iterator[Act]:
    for number, joining in enumerate(islice(sample.members(now), LIVES), 1):
        id = joining.id
        told = joining.model_copy(
            update={"card_no": f"C-{id}", "phone": f"+86 138{number:08}", "invited_by": None}
        )
        joined = told.registered_at
        assert joined is not None
        yield joined, id, partial(register, registration=told)
        receipts = sample.purchases(now, number, "CNY")
        since = (_larger(each) for each in receipts if each.occurred_at > joined)
        bought = list(islice(since, PURCHASES))
        for each in (*_on_joining(bought[0], joined), *bought):
            yield each.occurred_at, id, partial(record_purchase, purchase=each)
        for event in sample.acts(now, number):
            yield event.occurred_at, id, partial(record_event, event=event)
        yield from _later(now, number, bought)


def _on_joining(bought: Purchase, joined: datetime) -> Iterator[Purchase]:
    """Two more receipts like it, on the first day."""
    for hours in (1, 2):
        at = joined + timedelta(hours=hours)
        yield bought.model_copy(update={"id": f"{bought.id}/{hours}", "occurred_at": at})


def _larger(bought: Purchase) -> Purchase:
    """The same receipt over five times as much: whoever comes so often shall have points to use."""
    lines = (each.model_copy(update={"net_minor": each.net_minor * 5}) for each in bought.lines)
    return bought.model_copy(update={"lines": tuple(lines)})


def _later(now: datetime, number: int, bought: list[Purchase]) -> Iterator[Act]:
    """What not everybody does, in the last days."""
    id = sample.member_id(number)
    if number % 3 == 0:
        yield (
            now - timedelta(days=20),
            id,
            lambda tx: campaigns.enrol(tx, VISITS, id, "sent", "bench"),
        )
    if number % 4 == 0:
        back = Refund(
            source="till-1",
            id=f"{id}/back",
            purchase_id=bought[0].id,
            purchase_source=bought[0].source,
            occurred_at=now - timedelta(days=4),
        )
        yield back.occurred_at, id, lambda tx: record_refund(tx, back)
    if number % 2 == 0:
        hold = HoldRequest(source="till-1", id=f"{id}/bill", member_id=id, points=100,
                           currency="CNY", lines=(BILL,))  # fmt: skip
        yield now - timedelta(days=3), id, lambda tx: flow.place(tx, hold)
        paid = HoldConfirm(purchase_id=f"{id}/bill", purchase_source="till-1")
        when = now - timedelta(days=3) + timedelta(minutes=1)
        yield when, id, lambda tx: flow.confirm(tx, hold.hold_id, paid)
    if number % 5 == 0:
        click = ClaimRequest(campaign_id=CUPS, member_id=id, request_id=f"{id}-cup")
        yield now - timedelta(hours=3), id, lambda tx: reserve(tx, click)
        yield now - timedelta(hours=2, minutes=59), id, lambda tx: confirm(tx, click.claim_id)
    if number % 8 == 0:
        wish = adjustments.Proposal(id=f"c-{id}", points=50, reason="A lost receipt")
        yield now - timedelta(days=2), id, lambda tx: adjustments.propose(tx, id, wish, "bench")


def _take_turns(services: Services, member: str, at: datetime) -> None:
    """Every run of the member that has something to do at this hour."""

    def runs(tx: Transaction) -> list[Any]:
        return [run for each in (WELCOME, VISITS) for run in tx.enrolments.of_member(each, member)]

    for run in services.store.read(runs):
        if run.state != "ended":
            services.store.run(partial(take_turn, enrolment_id=run.id, turn=run.turn), now=at)
