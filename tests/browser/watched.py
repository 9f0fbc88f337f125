"""A campaign with twelve days behind it, told to a console's own store."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from loyalty import campaigns, intake, refunds
from loyalty.campaign_request import CampaignRequest
from loyalty.events import Line, Purchase, Refund
from loyalty.journeys.turn import take_turn
from loyalty.records import Enrolment
from loyalty.registration import Registration, register
from tests.browser.conftest import Console

DAYS, A_DAY = 12, 12


class Told:
    """What people do, each at the hour the story says."""

    def __init__(self, console: Console) -> None:
        self._store = console.parts.store
        self._templates = console.services.templates
        self.now: datetime = console.services.clock.now()

    def _run(self, work: Callable[[Any], Any], at: datetime | None = None) -> Any:
        return self._store.run(work, now=at or self.now)

    def launch(
        self, id: str, template: str, name: str, at: datetime | None = None, **more: Any
    ) -> str:
        request = CampaignRequest(id=id, name=name, template=template, **more)
        read = self._templates()[template]

        def work(tx: Any) -> None:
            campaigns.draft(tx, read, request, "mei", lambda made: ())
            campaigns.launch(tx, id, 1, "mei")

        self._run(work, at)
        return id

    def joins(self, member_id: str, at: datetime | None = None, **more: Any) -> None:
        self._run(lambda tx: register(tx, Registration(id=member_id, **more)), at)
        self.take_turns(member_id, at)

    def buys(self, member_id: str, minor: int = 4_800, at: datetime | None = None) -> None:
        purchase = Purchase(
            source="till",
            id=f"r/{member_id}",
            member_id=member_id,
            occurred_at=at or self.now,
            currency="CNY",
            store="riverside",
            lines=(Line(sku="s", category="grocery", quantity=1, net_minor=minor),),
        )
        self._run(lambda tx: intake.record_purchase(tx, purchase), at)
        self.take_turns(member_id, at)

    def returns(self, member_id: str, at: datetime | None = None) -> None:
        refund = Refund(
            source="till",
            id=f"b/{member_id}",
            purchase_id=f"r/{member_id}",
            occurred_at=at or self.now,
        )
        self._run(lambda tx: refunds.record_refund(tx, refund), at)
        self.take_turns(member_id, at)

    def runs_of(self, member_id: str) -> Sequence[Enrolment]:
        """The member's runs of the campaign."""
        return self._store.read(lambda tx: tx.enrolments.of_member("welcome", member_id))

    def take_turns(self, member_id: str, at: datetime | None = None) -> None:
        """The present turn of the member's journeys, as the worker would take it."""
        for run in self.runs_of(member_id):
            self._run(partial(take_turn, enrolment_id=run.id, turn=run.turn), at)


def busy_campaign(console: Console) -> str:
    """Twelve members a day join; three in five of the treated buy, one in five of the others."""
    told = Told(console)
    start = told.now - timedelta(days=DAYS)
    told.launch(
        "welcome",
        "new_member_bonus",
        "Autumn welcome",
        start,
        holdout_percent=30,
        budget_points=200_000,
    )
    for number in range(DAYS * A_DAY):
        name, at = f"m{number:03}", start + timedelta(days=number // A_DAY, hours=1)
        told.joins(name, at)
        [run] = told.runs_of(name)
        if number % 5 in ((0, 1, 3) if run.arm == "treated" else (0,)):
            told.buys(name, at=min(at + timedelta(days=2), told.now))
        if number % 35 == 0:
            told.returns(name, at=told.now)
    return "/console/campaigns/welcome/watch"


def fresh_campaign(console: Console) -> str:
    """Launched a moment ago."""
    Told(console).launch("fresh", "monthly_task_pack", "Monthly tasks", budget_points=500_000)
    return "/console/campaigns/fresh/watch"
