"""Finding things by what people have at hand: every look-up walks an index, none walks a table."""

from sqlalchemy import ColumnElement, Connection, Select, String, func, literal, or_, select

from loyalty.finding import Sought
from storage.queries.member_lists import posted_by
from storage.queries.pages import View, rows
from storage.tables import campaigns, claims, enrolments, inbox, members, offers, transactions

MOST = 20
"""Of one kind; nobody reads more of them, and whoever has more at hand types more."""


def find(connection: Connection, sought: Sought) -> list[View]:
    """Everything that the text names: kind, id, by, title, member_id, campaign_id, detail."""
    return [
        *_members(connection, sought),
        *_campaigns(connection, sought),
        *_runs(connection, sought),
        *_receipts(connection, sought),
        *_transactions(connection, sought),
        *_claims(connection, sought),
    ]


def _members(connection: Connection, sought: Sought) -> list[View]:
    """Each member once, by the first of its marks that fits; merged ones lead to who lives on."""
    marks: list[tuple[str, ColumnElement[bool]]] = [
        ("id", members.c.id == sought.text),
        ("card", members.c.card_no == sought.text),
    ]
    if sought.phone is not None:
        marks.append(("phone", members.c.phone_digits == sought.phone))
    if sought.email is not None:
        # As it was registered, or as most people write it.
        marks.append(("email", members.c.email.in_((sought.text, sought.email))))
    found: dict[str, View] = {}
    for by, fits in marks:
        query = select(
            members.c.id, members.c.name, members.c.status, members.c.tier, members.c.merged_into
        ).where(fits)
        for row in rows(connection, query.order_by(members.c.id).limit(MOST)):
            lives_on = row["merged_into"] or row["id"]
            hit = _hit(
                "member", by, id=lives_on, title=row["name"], member_id=lives_on,
                detail=row["status"],
            )  # fmt: skip
            found.setdefault(lives_on, hit)
    return list(found.values())


def _campaigns(connection: Connection, sought: Sought) -> list[View]:
    c = campaigns.c
    fits = c.id == sought.text
    if sought.name_begins is not None:
        begins = func.lower(c.name).startswith(sought.name_begins, autoescape=True)
        fits = or_(fits, begins)
    query = select(
        c.id, c.name.label("title"), c.id.label("campaign_id"), c.state.label("detail")
    ).where(fits)
    return [
        _hit("campaign", "id" if row["id"] == sought.text else "name", **row)
        for row in rows(connection, query.order_by(c.name, c.id).limit(MOST))
    ]


def _runs(connection: Connection, sought: Sought) -> list[View]:
    e = enrolments.c
    query = select(e.id, e.member_id, e.campaign_id, e.state.label("detail"))
    found = rows(connection, query.where(e.id == sought.text))
    return [_hit("run", "id", **row) for row in found]


def _receipts(connection: Connection, sought: Sought) -> list[View]:
    """Purchases, refunds and other events by the number their source gave them."""
    found = rows(connection, _by_number(sought.text))
    return [_hit("receipt", "number", **row) for row in found]


def _by_number(number: str) -> Select[tuple[object, ...]]:
    """The index begins with the source, so each source there is is asked: tills are some hundreds.

    An index on the number alone would be paid for by every receipt that comes in.
    """
    sources = select(func.min(inbox.c.source).label("source")).cte("sources", recursive=True)
    following = select(
        select(func.min(inbox.c.source))
        .where(inbox.c.source > sources.c.source)
        .scalar_subquery()
        .label("source")
    ).where(sources.c.source.is_not(None))
    sources = sources.union_all(following)
    return (
        select(
            (inbox.c.source + literal(":", String) + inbox.c.event_id).label("id"),
            inbox.c.type.label("title"),
            inbox.c.member_id,
            transactions.c.key.label("detail"),
        )
        .select_from(
            sources.join(
                inbox, (inbox.c.source == sources.c.source) & (inbox.c.event_id == number)
            ).outerjoin(transactions, transactions.c.key == posted_by())
        )
        .order_by(inbox.c.source)
        .limit(MOST)
    )


def _transactions(connection: Connection, sought: Sought) -> list[View]:
    t = transactions.c
    query = select(t.key.label("id"), t.kind.label("title"), t.member_id, t.campaign_id)
    found = rows(connection, query.where(t.key == sought.text))
    return [_hit("transaction", "id", **row) for row in found]


def _claims(connection: Connection, sought: Sought) -> list[View]:
    """By its id, or by the order's number: its index begins with the offer, and those are few."""
    c = claims.c
    of_any_offer = c.offer_id.in_(select(offers.c.id))
    fits = or_(c.id == sought.text, of_any_offer & (c.request_id == sought.text))
    query = select(
        c.id, c.member_id, c.offer_id.label("campaign_id"), c.status.label("detail")
    ).where(fits)
    return [
        _hit("claim", "id" if row["id"] == sought.text else "number", **row)
        for row in rows(connection, query.order_by(c.id).limit(MOST))
    ]


def _hit(kind: str, by: str, **shown: str | None) -> View:
    empty = dict.fromkeys(("title", "member_id", "campaign_id", "detail"))
    return {"kind": kind, "by": by, **empty, **shown}
