"""One member's life, told through the use cases: what the pages about members and runs show."""

from datetime import timedelta
from typing import Any

from api.services import Services
from loyalty import campaigns
from loyalty.adjustments import Proposal, propose
from loyalty.campaign_request import CampaignRequest
from loyalty.events import Line, Purchase, Refund, RefundLine
from loyalty.intake import record_purchase
from loyalty.journeys.load import load_texts
from loyalty.journeys.turn import take_turn
from loyalty.ports import Transaction
from loyalty.refunds import record_refund
from loyalty.registration import Consent, Registration, register
from loyalty.till import flow
from loyalty.till.requests import HoldRequest

RUN = "j/first-steps/lee/once"
FIRST_STEPS = """
name: first_steps
title: {en: First steps, zh: 新会员起步}
summary: {en: Points for joining and for a big purchase., zh: 入会及大额消费赠积分。}
enter: {on: member.registered}
reentry: {once: per_member}
budget_points: 100000
journey:
  - id: welcome
    grant: {points: 600}
  - id: hello
    notify: {message: hello, channels: [inbox, email]}
  - id: first_visit
    await: {on: purchase, where: event.amount_minor >= 50000, within: P14D}
    met:
      - card: {multiplier: 2, for: P7D}
    missed:
      - end: gave_up
"""
HELLO = {
    "messages/hello.en.j2": "Subject: Welcome\n\nYou have {{ points.available }} points.\n",
    "messages/hello.zh.j2": "Subject: 欢迎\n\n您有 {{ points.available }} 积分。\n",
}
VIP_DAY = """
name: vip_day
title: {en: VIP day, zh: 会员日}
summary: {en: A coupon for those with many points., zh: 积分较多的会员获赠优惠券。}
enter: {daily: {at: "10:00"}}
audience:
  - member.purchases > 0
  - member.points >= 5000
reentry: {once: per_member}
journey:
  - coupon: {coupon: soup, for: P30D}
"""


def live(services: Services) -> None:
    """Lee joins, buys, brings something back, holds points at the till, and is left out once."""
    now, store = services.clock.now(), services.store
    _launch(services, "first_steps", "First steps", FIRST_STEPS, HELLO)
    _launch(services, "vip_day", "VIP day", VIP_DAY, {})
    store.run(
        lambda tx: register(
            tx,
            Registration(
                id="lee", name="Lee Wang", phone="+86 138 0013 8000", email="lee@example.com",
                card_no="C-7788", source="app", tags=("regular", "tea"),
                registered_at=now - timedelta(days=3),
                consents=(Consent(channel="inbox", granted=True),),
            ),
        )
    )  # fmt: skip
    store.run(lambda tx: take_turn(tx, RUN, 0))
    lines = (
        Line(sku="leek", category="fresh", quantity=2, net_minor=10_000),
        Line(sku="soap", category="grocery", net_minor=22_000),
    )
    for number in (1, 2):
        bought = Purchase(
            source="till-1", id=f"2026/000{number}", member_id="lee", currency="CNY",
            occurred_at=now - timedelta(days=3 - number), store="riverside", lines=lines,
        )  # fmt: skip
        store.run(lambda tx, bought=bought: record_purchase(tx, bought))  # type: ignore[misc]  # mypy infers no lambda with a default
    back = Refund(
        source="till-1", id="back-1", purchase_id="2026/0001", occurred_at=now,
        lines=(RefundLine(line=1, quantity=1),),
    )  # fmt: skip
    store.run(lambda tx: record_refund(tx, back))
    hold = HoldRequest(
        source="till-1", id="bill-3", member_id="lee", points=300, currency="CNY", lines=lines
    )
    store.run(lambda tx: flow.place(tx, hold))
    correction = Proposal(id="a-1", points=50, reason="Lost receipt of last week")
    store.run(lambda tx: propose(tx, "lee", correction, "somebody"))


def _launch(services: Services, template: str, name: str, yaml: str, texts: dict[str, str]) -> None:
    read = load_texts(template, {"campaign.yaml": yaml, **texts})
    id = template.replace("_", "-")
    asked = CampaignRequest(id=id, name=name, template=template, holdout_percent=0)

    def work(tx: Transaction) -> Any:
        campaigns.draft(tx, read, asked, "mei", lambda made: ())
        return campaigns.launch(tx, id, 1, "mei")

    services.store.run(work)
