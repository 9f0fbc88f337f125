"""What a cart would earn and what points could pay of it, before anything is bought.

The figures come from the very function that posts (rule 9), so a quote and the purchase that
follows never differ while nothing happens in between. Nothing is written.
"""

from typing import Any

from pydantic import ConfigDict, Field

from loyalty.coming_expiry import balance_of
from loyalty.earning.activate import rules_at
from loyalty.earning.breakdown import Breakdown
from loyalty.earning.earn import earn
from loyalty.earning.gather import facts_of_purchase
from loyalty.earning.rule_set import RuleSet
from loyalty.errors import Unknown
from loyalty.events import Instant, Name, Purchase, ShortName
from loyalty.intake import not_in_future, require_currency
from loyalty.ledger import Balance
from loyalty.members import Member, needs_active
from loyalty.ports import Transaction
from loyalty.till.limits import Usable, check, usable, worth
from loyalty.till.presented import Presented, member_at
from loyalty.till.requests import Lines, Points

ASKING = "quote"
"""Stands where a purchase has its source and id; no rule looks at them."""


class Cart(Presented):
    """A receipt that is none yet. `net_minor` is after coupons and other discounts."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "member_id": "m-1001",
                    "currency": "CNY",
                    "store": "riverside",
                    "burn_points": 2000,
                    "lines": [
                        {"sku": "6901234", "category": "fresh", "quantity": 2, "net_minor": 10000},
                        {"sku": "6905678", "category": "grocery", "net_minor": 12590},
                    ],
                }
            ]
        },
    )

    occurred_at: Instant | None = Field(None, description="none = now")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")
    store: Name | None = None
    channel: ShortName | None = None
    till: Name | None = None
    burn_points: Points | None = Field(
        None, description="points the member would pay with: what they pay earns nothing"
    )
    lines: Lines


def quote(tx: Transaction, cart: Cart, rules: RuleSet | None = None) -> dict[str, Any]:
    """What the cart would earn, what points could pay of it at most and why not more.

    `rules` are judged by instead of those that count then: for rules that are being written.
    Raises BillTooSmall, TooManyPoints or NotEnoughPoints where the till would.
    """
    member = _member(tx, cart)
    require_currency(tx, cart.currency)
    balance = balance_of(tx, member)
    may = usable(tx.programme, cart.lines, balance.available, balance.debt)
    points = cart.burn_points or 0
    if points:
        check(tx.programme, may.bill_minor, points, balance.available, "burn_points")
    paid = worth(tx.programme, points)
    purchase = _purchase(tx, cart, member.id, paid)
    not_in_future(tx, purchase.occurred_at)
    earned = _earned(tx, member, purchase, rules or rules_at(tx, purchase.occurred_at))
    opens, lapse = tx.programme.expiry.of_purchase(purchase.occurred_at, tx.now, tx.programme.tz)
    return {
        "member_id": member.id,
        "occurred_at": purchase.occurred_at.isoformat(),
        "points": earned.points,
        "available_at": opens.isoformat() if opens and earned.points else None,
        "expires_at": lapse.isoformat() if lapse and earned.points else None,
        "breakdown": earned.to_json(),
        "bill_minor": purchase.net_minor,
        "burn_points": points,
        "burn_minor": paid,
        "to_pay_minor": purchase.net_minor - paid,
        "burn": _offer(may),
        "balance": _has(tx, balance),
    }


def _member(tx: Transaction, cart: Cart) -> Member:
    member_id = member_at(tx, cart)
    member = tx.members.get(member_id)
    if member is None:
        raise Unknown("member", member_id)
    needs_active(member)
    return member


def _purchase(tx: Transaction, cart: Cart, member_id: str, paid_minor: int) -> Purchase:
    return Purchase(
        source=ASKING,
        id=ASKING,
        occurred_at=cart.occurred_at or tx.now,
        member_id=member_id,
        currency=cart.currency,
        store=cart.store,
        channel=cart.channel,
        till=cart.till,
        paid_with_points_minor=paid_minor,
        lines=cart.lines,
    )


def _earned(tx: Transaction, member: Member, purchase: Purchase, rules: RuleSet) -> Breakdown:
    return earn(purchase, rules, facts_of_purchase(tx, member, purchase, rules), tx.programme.tz)


def _offer(may: Usable) -> dict[str, Any]:
    return {
        "payable_minor": may.bill_minor,
        "least_points": may.least_points,
        "step_points": may.step_points,
        "most_points": may.most_points,
        "most_minor": may.most_minor,
        "reasons": list(may.reasons),
    }


def _has(tx: Transaction, balance: Balance) -> dict[str, Any]:
    return {
        "available": balance.available,
        "worth_minor": worth(tx.programme, balance.available),
        "held": balance.held,
        "debt": balance.debt,
        "pending": sum(points for _, points in balance.pending),
        "expiring": [{"at": at.isoformat(), "points": n} for at, n in balance.next_expiry],
    }
