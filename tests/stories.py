"""A whole programme in one test process: database, Temporal with time skipping, worker, relay.

Stories are told to it in a shop's words; time moves by `await days(3)` and every wait elapses at
its full length. Only the HTTP layer is left out: use cases are called as the routes call them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select
from temporalio.client import Client

from bootstrap.clock import FileClock
from bootstrap.relay import Relay
from bootstrap.timetravel import Timetravel, at_rest, sleepers
from bootstrap.turns import activities
from bootstrap.worker import build_worker
from loyalty import campaigns, exchange, intake, operate, refunds
from loyalty.campaign_request import CampaignRequest
from loyalty.errors import LoyaltyError
from loyalty.events import Line, MemberEvent, Purchase, Refund, RefundLine
from loyalty.journeys.load import load_named
from loyalty.ledger import Balance
from loyalty.offers import Claim, ClaimRequest
from loyalty.ports import Clock, Store, Transaction
from loyalty.programme import Programme
from loyalty.records import Campaign, Enrolment
from loyalty.registration import Registration, register
from storage import proof, tables
from storage.database import Database
from storage.store import SqlStore

TEMPLATES = Path(__file__).parent.parent / "campaign_templates"
SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST_DAY = datetime(2027, 1, 4, 10, 0, tzinfo=SHANGHAI)  # a Monday
_runs = count(1)
T = TypeVar("T")


@dataclass
class Told:
    """A programme, and what its people do."""

    store: SqlStore
    clock: FileClock
    client: Client
    travel: Timetravel
    prefix: str
    numbers: Any = field(default_factory=lambda: count(1))

    # --- time -----------------------------------------------------------------------------------

    async def days(self, n: float) -> None:
        await self.until(self.clock.now() + timedelta(days=n))

    async def until(self, instant: datetime) -> None:
        await self.travel.advance_to(instant)

    async def settled(self) -> None:
        await self.travel.settle()

    # --- the marketer ---------------------------------------------------------------------------

    async def launch(
        self, template: str, *, holdout: int = 0, root: Path = TEMPLATES, **more: Any
    ) -> str:
        """Launch a campaign with everybody treated, unless the story says otherwise."""
        values = more.pop("values", {})
        request = CampaignRequest(
            id=more.pop("id", f"{self.prefix}-{template.replace('_', '-')}"[:48]),
            name=f"Story of {template}",
            template=template,
            values=values,
            holdout_percent=holdout,
            **more,
        )
        read = load_named(root, template)

        def work(tx: Any) -> None:
            campaigns.draft(tx, read, request, "marketer", lambda made: ())
            campaigns.launch(tx, request.id, 1, "marketer")

        await self._run(work)
        await self.settled()
        return request.id

    async def pause(self, campaign: str) -> None:
        await self._run(lambda tx: campaigns.pause(tx, campaign, "checking", "marketer"))
        await self.settled()

    async def resume(self, campaign: str) -> None:
        await self._run(lambda tx: campaigns.resume(tx, campaign, "checked", "marketer"))
        await self.settled()

    async def stop(self, campaign: str) -> None:
        await self._run(lambda tx: campaigns.stop(tx, campaign, "wrong text", "marketer"))
        await self.settled()

    # --- members and tills ----------------------------------------------------------------------

    async def joins(self, name: str, **more: Any) -> str:
        member = f"{self.prefix}-{name}"
        if "invited_by" in more:
            more["invited_by"] = f"{self.prefix}-{more['invited_by']}"
        registration = Registration(id=member, name=name.title(), **more)
        await self._run(lambda tx: register(tx, registration))
        await self.settled()
        return member

    async def buys(
        self,
        name: str,
        yuan: str = "50.00",
        *,
        store: str = "riverside",
        category: str = "grocery",
        pieces: int = 1,
        at: datetime | None = None,
        id: str | None = None,
    ) -> dict[str, Any]:
        net = int(yuan.replace(".", ""))
        purchase = Purchase(
            source="till",
            id=id or f"{self.prefix}/{next(self.numbers)}",
            member_id=f"{self.prefix}-{name}",
            occurred_at=at or self.clock.now(),
            currency="CNY",
            store=store,
            lines=(Line(sku="s1", category=category, quantity=pieces, net_minor=net),),
        )
        answer = await self._run(lambda tx: intake.record_purchase(tx, purchase))
        await self.settled()
        return {**answer, "id": purchase.id}

    async def returns(
        self, purchase: Mapping[str, Any], *, pieces: int | None = None
    ) -> dict[str, Any]:
        """All of a purchase comes back, or so many pieces of its line."""
        refund = Refund(
            source="till",
            id=f"r/{next(self.numbers)}/{purchase['id']}",
            purchase_id=purchase["id"],
            occurred_at=self.clock.now(),
            lines=(RefundLine(line=1, quantity=pieces),) if pieces else None,
        )
        answer = await self._run(lambda tx: refunds.record_refund(tx, refund))
        await self.settled()
        return answer

    async def does(
        self,
        name: str,
        type: str,
        *,
        at: datetime | None = None,
        id: str | None = None,
        **attributes: str,
    ) -> dict[str, Any]:
        event = MemberEvent(
            source="app",
            id=id or f"{self.prefix}/{next(self.numbers)}",
            type=type,
            member_id=f"{self.prefix}-{name}",
            occurred_at=at or self.clock.now(),
            attributes=attributes,
        )
        answer = await self._run(lambda tx: intake.record_event(tx, event))
        await self.settled()
        return answer

    async def claims(self, name: str, campaign: str, request: str = "r1") -> dict[str, Any]:
        claim = ClaimRequest(
            request_id=f"{name}-{request}", campaign_id=campaign, member_id=f"{self.prefix}-{name}"
        )
        answer = await self._run(lambda tx: exchange.reserve(tx, claim))
        await self.settled()
        if isinstance(answer, LoyaltyError):
            raise answer
        return answer

    async def confirms(self, claim: dict[str, Any]) -> dict[str, Any]:
        answer = await self._run(lambda tx: exchange.confirm(tx, claim["claim_id"]))
        await self.settled()
        return answer

    async def releases(self, claim: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self._run(lambda tx: exchange.release(tx, claim["claim_id"]))
        await self.settled()
        return answer

    async def has(self, name: str, points: int, *, until: datetime | None = None) -> None:
        """Points from before the story, lapsing at `until`."""
        key = f"before/{self.prefix}/{next(self.numbers)}"
        member = f"{self.prefix}-{name}"
        await self._run(
            lambda tx: tx.ledger.earn(key, member, points, expires_at=until, source="before")
        )

    async def spends(self, name: str, points: int) -> None:
        key = f"spent/{self.prefix}/{next(self.numbers)}"
        await self._run(lambda tx: tx.ledger.burn(key, f"{self.prefix}-{name}", points))

    async def enters(self, name: str, campaign: str, entry: str) -> Enrolment | None:
        """Another system knocks at a campaign's door for the member."""
        member = f"{self.prefix}-{name}"
        entered = await self._run(lambda tx: campaigns.enrol(tx, campaign, member, entry, "app"))
        await self.settled()
        return entered

    # --- the operator ---------------------------------------------------------------------------

    async def commands(self, name: str, campaign: str, command: operate.Command) -> None:
        run = await self.enrolment(name, campaign)
        await self._run(lambda tx: operate.command(tx, run.id, command, "asked by phone", "op"))
        await self.settled()

    async def enrolment(self, name: str, campaign: str) -> Enrolment:
        """The member's latest enrolment in a campaign."""
        found = await self.enrolments(name, campaign)
        assert found, f"{name} was never enrolled in {campaign}"
        return max(found, key=lambda e: (e.admitted_at, e.id))

    async def enrolments(self, name: str, campaign: str) -> list[Enrolment]:
        """All of the member's enrolments in a campaign, oldest first."""
        member = f"{self.prefix}-{name}"
        return list(await self._read(lambda tx: tx.enrolments.of_member(campaign, member)))

    async def outcome(self, name: str, campaign: str) -> str | None:
        return (await self.enrolment(name, campaign)).outcome

    async def balance(self, name: str) -> Balance:
        return await self._read(lambda tx: tx.ledger.balance(f"{self.prefix}-{name}"))

    async def points(self, name: str) -> int:
        return (await self.balance(name)).posted

    async def messages(self, name: str, status: str | None = None) -> list[str]:
        """The names of the messages put in line for a member, in order."""
        rows = await self.message_rows(name)
        return [row.message for row in rows if status is None or row.status == status]

    async def message_rows(self, name: str) -> list[Any]:
        """The messages themselves, with channel, status and frozen variables."""
        m = tables.messages
        query = select(m).where(m.c.member_id == f"{self.prefix}-{name}")
        return await self._rows(query.order_by(m.c.created_at, m.c.key))

    async def says(self, name: str, message: str) -> dict[str, Any]:
        """What a member's message of that name says: its frozen variables."""
        found = [row for row in await self.message_rows(name) if row.message == message]
        assert found, f"{name} was never told {message}"
        return dict(found[-1].variables)

    async def decisions(self, name: str, campaign: str) -> list[Any]:
        d = tables.decisions
        member = f"{self.prefix}-{name}"
        return await self._rows(
            select(d).where(d.c.member_id == member, d.c.campaign_id == campaign).order_by(d.c.id)
        )

    async def reasons(self, name: str, campaign: str) -> list[str]:
        return [f"{d.verdict}:{d.reason}" for d in await self.decisions(name, campaign)]

    async def campaign(self, campaign: str) -> Campaign:
        found = await self._read(lambda tx: tx.campaigns.get(campaign))
        assert found is not None
        return found

    async def claim(self, claim: Mapping[str, Any]) -> Claim:
        found = await self._read(lambda tx: tx.offers.claim(claim["claim_id"]))
        assert found is not None
        return found

    async def order(self, claim: Mapping[str, Any]) -> str:
        """How the workflow behind a claim ended."""
        order = self.client.get_workflow_handle(f"x/{claim['claim_id']}", result_type=str)
        async with asyncio.timeout(10):
            return str(await order.result())

    async def books_balance(self) -> None:
        """The ledger's sums hold, whatever the story did."""

        def prove() -> Any:
            with self.store.database.read() as connection:
                return proof.prove(connection)

        proved = await asyncio.to_thread(prove)
        assert proved.ok, proved.first_broken

    async def _run(self, work: Callable[[Transaction], T]) -> T:
        return await asyncio.to_thread(self.store.run, work)

    async def _read(self, work: Callable[[Transaction], T]) -> T:
        return await asyncio.to_thread(self.store.read, work)

    async def _rows(self, query: Any) -> list[Any]:
        def read() -> list[Any]:
            with self.store.database.read() as connection:
                return list(connection.execute(query))

        return await asyncio.to_thread(read)


@asynccontextmanager
async def telling(
    database: Database,
    client: Client,
    folder: Path,
    *,
    programme: Programme | None = None,
    starts: datetime = FIRST_DAY,
    cached_runs: int = 100,
    offer: Callable[[Store, Clock], Sequence[Callable[..., Any]]] = activities,
) -> AsyncIterator[Told]:
    """A running programme on its own database and task queue; time stands at `starts`."""
    prefix = f"s{next(_runs)}-{folder.name[-12:].strip('_-0')}".replace("_", "-").lower()
    clock = FileClock(folder / "clock")
    clock.set(starts)
    programme = programme or Programme()
    store = SqlStore(database, clock, programme)
    relay = Relay(store, client, clock, task_queue=prefix, idle_seconds=(0.01, 0.03))
    worker = build_worker(client, prefix, offer(store, clock), strict=True, cached_runs=cached_runs)
    travel = Timetravel(client, clock, sleepers(database), at_rest(database, clock), patience=20)
    async with worker:
        relaying = asyncio.create_task(relay.run())
        try:
            yield Told(store, clock, client, travel, prefix)
        finally:
            relay.stop()
            await relaying
