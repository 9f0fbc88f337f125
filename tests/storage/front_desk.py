"""A programme without Temporal: use cases are called, and turns taken by hand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Table, func, select

from loyalty import campaigns, intake, refunds
from loyalty.campaign_request import CampaignRequest
from loyalty.campaign_turn import take_campaign_turn
from loyalty.events import Line, MemberEvent, Purchase, Refund, RefundLine
from loyalty.journeys.load import load_named, load_texts
from loyalty.journeys.turn import take_turn
from loyalty.ledger import Balance
from loyalty.members import Member
from loyalty.records import Campaign, Enrolment, Version
from loyalty.registration import Registration, register
from loyalty.templates import Template
from storage import tables
from storage.proof import prove
from storage.store import SqlStore
from storage.verify.run import Wanted, verify
from tests.storage.rows import StillClock
from tests.stories import TEMPLATES

MONTH = datetime(2026, 4, 1, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
WRITTEN = """
name: {name}
title: {{en: Written, zh: 自建}}
summary: {{en: A tag for an act., zh: 行为标签。}}
enter: {enter}
reentry: {reentry}
journey:
  - tag: was_here
"""


@dataclass
class FrontDesk:
    store: SqlStore
    clock: StillClock
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    # --- what comes in --------------------------------------------------------------------------

    def joins(self, member_id: str, **more: Any) -> dict[str, Any]:
        return self.store.run(lambda tx: register(tx, Registration(id=member_id, **more)))

    def crowd(self, size: int) -> None:
        """So many more members, in one transaction."""

        def work(tx: Any) -> None:
            for n in range(size):
                register(tx, Registration(id=f"m{n:03}"))

        self.store.run(work)

    def has(self, member_id: str, points: int, until: datetime | None = None, **more: Any) -> str:
        """Points from somewhere, that lapse at an instant; answers with their key."""
        key = f"had/{next(self.numbers)}"
        self.store.run(lambda tx: tx.ledger.earn(key, member_id, points, expires_at=until, **more))
        return key

    def receipt(
        self, member_id: str, id: str, lines: Sequence[Sequence[Any]], **changes: Any
    ) -> Purchase:
        """A receipt of (category, net, quantity) lines; the quantity is one if it is not given."""
        plain: dict[str, Any] = {
            "source": "till",
            "id": id,
            "member_id": member_id,
            "occurred_at": self.clock.now(),
            "currency": "CNY",
            "store": "riverside",
            "lines": [
                Line(sku="s", category=category, net_minor=net, quantity=pieces[0] if pieces else 1)
                for category, net, *pieces in lines
            ],
        }
        return Purchase(**plain | changes)

    def buys(
        self, member_id: str, id: str, *lines: Sequence[Any], **changes: Any
    ) -> dict[str, Any]:
        purchase = self.receipt(member_id, id, lines, **changes)
        return self.store.run(lambda tx: intake.record_purchase(tx, purchase))

    def returns(
        self, purchase_id: str, pieces: Mapping[int, int] | None = None, **changes: Any
    ) -> dict[str, Any]:
        """All that is left of a purchase, or so many pieces of each line."""
        lines = [RefundLine(line=n, quantity=some) for n, some in (pieces or {}).items()]
        plain: dict[str, Any] = {
            "source": "till",
            "id": f"back/{next(self.numbers)}",
            "purchase_id": purchase_id,
            "occurred_at": self.clock.now(),
            "lines": lines or None,
        }
        refund = Refund(**plain | changes)
        return self.store.run(lambda tx: refunds.record_refund(tx, refund))

    def does(self, member_id: str, type: str, **changes: Any) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "source": "app",
            "id": f"act/{next(self.numbers)}",
            "type": type,
            "member_id": member_id,
            "occurred_at": self.clock.now(),
        }
        event = MemberEvent(**plain | changes)
        return self.store.run(lambda tx: intake.record_event(tx, event))

    # --- campaigns and their turns --------------------------------------------------------------

    def launch(self, template: str, **more: Any) -> str:
        return self.launch_texts(load_named(TEMPLATES, template), **more)

    def launch_written(
        self, *, enter: str, reentry: str, name: str = "written", **more: Any
    ) -> str:
        """A campaign of one tag, entered as written."""
        files = {"campaign.yaml": WRITTEN.format(name=name, enter=enter, reentry=reentry)}
        return self.launch_texts(load_texts(name, files), **more)

    def launch_texts(self, template: Template, **more: Any) -> str:
        request = CampaignRequest(
            id=template.name.replace("_", "-"),
            name=template.name,
            template=template.name,
            **{"holdout_percent": 0} | more,
        )

        def work(tx: Any) -> None:
            campaigns.draft(tx, template, request, "mia", lambda made: ())
            campaigns.launch(tx, request.id, 1, "mia")

        self.store.run(work)
        return request.id

    def pause(self, campaign: str) -> None:
        self.store.run(lambda tx: campaigns.pause(tx, campaign, "checking", "mia"))

    def resume(self, campaign: str) -> None:
        self.store.run(lambda tx: campaigns.resume(tx, campaign, "checked", "mia"))

    def campaign_turn(self, campaign: str, turn: int) -> dict[str, Any]:
        return self.store.run(lambda tx: take_campaign_turn(tx, campaign, turn))

    def campaign_turns(self, campaign: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Turn after turn until the campaign waits for more than the next page."""
        while True:
            turn = self.campaign(campaign).turn
            outcome = self.campaign_turn(campaign, turn)
            yield turn, outcome
            if outcome["sleep_seconds"] is None or outcome["sleep_seconds"] > 1:
                return
            self.clock.instant += timedelta(seconds=outcome["sleep_seconds"])

    def to_month(self) -> None:
        """The campaign goes to sleep, and a month begins."""
        for row in self._rows(select(tables.campaigns.c.id)):
            list(self.campaign_turns(row.id))
        self.clock.instant = MONTH

    def open_month(self) -> None:
        """A month begins, and its pass is made."""
        self.to_month()
        for row in self._rows(select(tables.campaigns.c.id)):
            list(self.campaign_turns(row.id))

    def take_turns(self, member_id: str) -> None:
        """The present turn of every journey of a member, as after a nudge."""
        for enrolment in self.enrolments(member_id):
            self.store.run(lambda tx, e=enrolment: take_turn(tx, e.id, e.turn))  # type: ignore[misc]

    # --- what is there --------------------------------------------------------------------------

    def member(self, member_id: str) -> Member:
        found = self.store.read(lambda tx: tx.members.get(member_id))
        assert found is not None
        return found

    def balance(self, member_id: str) -> Balance:
        return self.store.read(lambda tx: tx.ledger.balance(member_id))

    def campaign(self, campaign: str) -> Campaign:
        found = self.store.read(lambda tx: tx.campaigns.get(campaign))
        assert found is not None
        return found

    def version(self, campaign: str) -> Version:
        return self.store.read(lambda tx: tx.campaigns.version(campaign, 1))

    def enrolments(self, member_id: str) -> list[Enrolment]:
        e = tables.enrolments
        ids = self._rows(select(e.c.id).where(e.c.member_id == member_id).order_by(e.c.admitted_at))
        found = [self.store.read(lambda tx, id=row.id: tx.enrolments.get(id)) for row in ids]  # type: ignore[misc]
        return [enrolment for enrolment in found if enrolment is not None]

    def enrolment(self, member_id: str) -> Enrolment:
        [only] = self.enrolments(member_id)
        return only

    def outbox(self, kind: str) -> list[Any]:
        o = tables.outbox
        return self._rows(select(o).where(o.c.kind == kind).order_by(o.c.id))

    def verdicts(self, member_id: str, campaign: str) -> list[str]:
        """What was decided at the campaign's door, in order."""
        d = tables.decisions
        query = select(d).where(d.c.member_id == member_id, d.c.campaign_id == campaign)
        rows = self._rows(query.where(d.c.step_id == "entry").order_by(d.c.id))
        return [f"{row.verdict}:{row.reason}" for row in rows]

    def proved(self) -> None:
        """The books balance, and the sealed log says the same."""
        with self.store.database.read() as connection:
            proof = prove(connection)
        assert proof.ok, proof.first_broken
        report = verify(self.store.database.url, Wanted())
        assert report.ok, report.first_broken

    def count(self, table: Table, where: ColumnElement[bool] | None = None) -> int:
        query = select(func.count()).select_from(table)
        [row] = self._rows(query if where is None else query.where(where))
        return int(row[0])

    def _rows(self, query: Any) -> list[Any]:
        with self.store.database.read() as connection:
            return list(connection.execute(query))
