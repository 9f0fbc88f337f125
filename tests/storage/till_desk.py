"""A till for stories: it holds points, confirms, gives them back, and quotes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from loyalty.earning.rule_set import Cap, Match, Rule
from loyalty.events import Line
from loyalty.programme import Earning, Programme
from loyalty.quotes import Cart, quote
from loyalty.till import flow, give_back
from loyalty.till.requests import HoldConfirm, HoldRelease, HoldRequest, HoldReturn
from storage.database import Database
from storage.queries.slips import slip
from storage.store import SqlStore
from tests.storage.front_desk import FrontDesk
from tests.storage.rows import StillClock

MICROSECOND = timedelta(microseconds=1)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass
class Till(FrontDesk):
    """A front desk with a till that takes points."""

    def starts_with(self, *lots: tuple[int, datetime | None], member: str = "lee") -> None:
        """Points that lapse at these instants."""
        for points, until in lots:
            self.has(member, points, until)

    def holds(
        self, points: int | None = None, *, id: str = "h1", net: int = 20_000, **changes: Any
    ) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "source": "till",
            "id": id,
            "points": points,
            "currency": "CNY",
            "lines": (Line(sku="s", category="grocery", net_minor=net),),
        }
        who = {} if {"phone", "card_no"} & changes.keys() else {"member_id": "lee"}
        request = HoldRequest(**plain | who | changes)
        return self.store.run(lambda tx: flow.place(tx, request))

    def confirms(self, id: str = "h1", purchase: str = "r1", **changes: Any) -> dict[str, Any]:
        wanted = HoldConfirm(purchase_id=purchase, **changes)
        return self.store.run(lambda tx: flow.confirm(tx, f"till:till:{id}", wanted))

    def releases(self, id: str = "h1", **changes: Any) -> dict[str, Any]:
        wanted = HoldRelease(**changes)
        return self.store.run(lambda tx: flow.release(tx, f"till:till:{id}", wanted))

    def gives_back(self, id: str, hold: str = "h1", **changes: Any) -> dict[str, Any]:
        wanted = HoldReturn(source="till", id=id, **changes)
        return self.store.run(lambda tx: give_back.return_points(tx, f"till:till:{hold}", wanted))

    def pays_with(self, points: int, *lines: tuple[str, int], id: str = "r1") -> dict[str, Any]:
        """A whole sale: held, confirmed, and recorded with what the points paid."""
        bill = sum(net for _, net in lines)
        held = self.holds(points, id=f"h-{id}", net=bill)
        self.confirms(f"h-{id}", id)
        return self.buys("lee", id, *lines, paid_with_points_minor=held["worth_minor"])

    def quoted(self, *lines: tuple[str, int], member: str = "lee", **more: Any) -> dict[str, Any]:
        cart = Cart(
            member_id=member,
            currency="CNY",
            store="riverside",
            lines=tuple(Line(sku="s", category=c, net_minor=net) for c, net in lines),
            **more,
        )
        return self.store.read(lambda tx: quote(tx, cart))

    def slip(self, key: str) -> Any:
        """One movement of points with all that explains it."""
        with self.store.database.read() as connection:
            return slip(connection, key)

    def lots(self) -> list[tuple[datetime, int]]:
        return self.balance("lee").next_expiry


def with_rules(database: Database, clock: StillClock, programme: Programme) -> Till:
    till = Till(SqlStore(database, clock, programme), clock)
    till.joins("lee")
    return till


RULES = Earning(
    rules=(
        Rule(id="big", when=Match(from_minor=25_000), bonus_bp=10_000),
        Rule(
            id="drinks",
            when=Match(categories=("drinks",)),
            points=15,
            caps=(Cap(points=40, per="day"),),
        ),
        Rule(id="fresh", when=Match(categories=("fresh",)), bonus_bp=5_000, group="food"),
        Rule(id="own", when=Match(categories=("fresh", "grocery")), points=3, group="food"),
    )
)
