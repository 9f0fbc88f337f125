"""Who is who: the data knows households, a programme knows members.

Joining, inviting, consents, check-ins and reviews are not in the data. They are made up here, by
hash, so that every run of the demonstration is the same; the report says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from bootstrap.demo.data import ZONE, Basket, Shop, draw

SOURCE = "till"
APP = "app"
NEW_PERCENT = 30
"""Of the households, so many join while the demonstration runs; all others were members before."""
INVITED_PERCENT = 40
JOIN_WITHIN_DAYS = 60
CHECK_IN_EVERY = 3
REVIEW_EVERY = 12
REFUND_EVERY = 40
LATE_EVERY = 50
LATE_BY = timedelta(days=2)
TWICE_EVERY = 40
RETURNED_AFTER = timedelta(days=2)

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """A household as a member, and when it joined."""

    id: str
    joins: datetime
    registration: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the programme is told, when it is told."""

    told: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class Cast:
    members: tuple[Person, ...]  # by the time they joined
    happenings: tuple[Happening, ...]  # by the time they are told


def member_id(household: str) -> str:
    return f"h-{household}"


def cast(shop: Shop, starts: datetime, opened: datetime) -> Cast:
    """Members and all that happens to them; the programme opened at `opened`."""
    joins = {each: _joins(each, shop, starts, opened) for each in shop.households}
    order = sorted(shop.households, key=lambda each: (joins[each], int(each)))
    people = []
    for place, household in enumerate(order):
        known = order[:place] if joins[household] > opened else []
        people.append(_person(household, joins[household], known))
    told = [
        happening
        for place, basket in enumerate(shop.baskets)
        if basket.at > joins[basket.household]
        for happening in _around(basket, place)
    ]
    return Cast(tuple(people), tuple(sorted(told, key=lambda h: (h.told, str(h.event["id"])))))


def _joins(household: str, shop: Shop, starts: datetime, opened: datetime) -> datetime:
    if household in shop.stayed_away or draw(household, "new", 100) >= NEW_PERCENT:
        return opened
    day = starts.date() + timedelta(days=draw(household, "day", JOIN_WITHIN_DAYS))
    return datetime.combine(day, time(9 + draw(household, "hour", 10)), ZONE) + timedelta(
        minutes=draw(household, "minute", 60)
    )


def _person(household: str, joins: datetime, known: list[str]) -> Person:
    invited = known and draw(household, "invited", 100) < INVITED_PERCENT
    registration: dict[str, Any] = {
        "id": member_id(household),
        "registered_at": joins.isoformat(),
        "source": APP if joins.minute % 2 else "store",
        "name": f"Household-{household}",
        "locale": "zh" if draw(household, "locale", 10) == 0 else "en",
        "consents": _consents(household),
    }
    if draw(household, "email", 10) < 9:
        registration["email"] = f"household-{household}@example.com"
    if draw(household, "zone", 10) == 0:
        registration["time_zone"] = "America/Chicago"
    if invited:
        registration["invited_by"] = member_id(known[draw(household, "inviter", len(known))])
    return Person(registration["id"], joins, registration)


def _consents(household: str) -> list[dict[str, Any]]:
    """Two in three agree to e-mail about offers, one in twenty wants nothing in the app."""
    mail, inbox = draw(household, "mail", 3) > 0, draw(household, "inbox", 20) > 0
    return [
        {"channel": "email", "purpose": "marketing", "granted": mail},
        {"channel": "inbox", "purpose": "marketing", "granted": inbox},
    ]


def _around(basket: Basket, place: int) -> Iterator[Happening]:
    """The receipt, and what may come with it: a check-in, a review, a return, a second upload."""
    late = draw(basket.id, "late", LATE_EVERY) == 0
    told = basket.at + (LATE_BY if late else timedelta(0))
    receipt = purchase(basket)
    yield Happening(told, receipt)
    if draw(basket.id, "twice", TWICE_EVERY) == 0:
        yield Happening(told, receipt)
    if draw(basket.id, "check-in", CHECK_IN_EVERY) == 0:
        yield Happening(basket.at, _act(basket, "check_in", {}))
    if draw(basket.id, "review", REVIEW_EVERY) == 0:
        after = basket.at + timedelta(hours=3)
        photo = "yes" if draw(basket.id, "photo", 4) else "no"
        about = {"sku": basket.lines[0].sku, "photo": photo}
        yield Happening(after, {**_act(basket, "review", about), "occurred_at": after.isoformat()})
    if draw(basket.id, "refund", REFUND_EVERY) == 0:
        back = max(told, basket.at + RETURNED_AFTER) + timedelta(minutes=1)
        yield Happening(back, _refund(basket, back))


def purchase(basket: Basket) -> Event:
    """The receipt as a till reports it."""
    return {
        "type": "purchase",
        "source": SOURCE,
        "id": f"b/{basket.id}",
        "member_id": member_id(basket.household),
        "occurred_at": basket.at.isoformat(),
        "currency": "USD",
        "store": f"store-{basket.store}",
        "channel": "store",
        "lines": [
            {
                "sku": line.sku,
                "category": line.category,
                "quantity": line.quantity,
                "net_minor": line.net_minor,
            }
            for line in basket.lines
        ],
    }


def _act(basket: Basket, kind: str, attributes: Mapping[str, str]) -> Event:
    return {
        "type": kind,
        "source": APP,
        "id": f"{kind}/{basket.id}",
        "member_id": member_id(basket.household),
        "occurred_at": basket.at.isoformat(),
        "store": f"store-{basket.store}",
        "attributes": dict(attributes),
    }


def _refund(basket: Basket, back: datetime) -> Event:
    """Half of the returns are the whole receipt, the others its first line."""
    refund: dict[str, Any] = {
        "type": "refund",
        "source": SOURCE,
        "id": f"r/{basket.id}",
        "purchase_id": f"b/{basket.id}",
        "occurred_at": back.isoformat(),
    }
    if draw(basket.id, "whole", 2):
        refund["lines"] = [{"line": 1, "quantity": basket.lines[0].quantity}]
    return refund
