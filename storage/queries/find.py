"""Finding things by what people have at hand: every look-up walks an index, none walks a table."""

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

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
            hit = _hit("member", lives_on, by, title=row["name"], member_id=lives_on)
            found.setdefault(lives_on, hit | {"detail": row["status"]})
    return list(found.values())


def _campaigns(connection: Connection, sought: Sought) -> list[View]:
    fits = campaigns.c.id == sought.text
    if sought.name_begins is not None:
        begins = func.lower(campaigns.c.name).startswith(sought.name_begins, autoescape=True)
        fits = or_(fits, begins)
    query = select(campaigns.c.id, campaigns.c.name, campaigns.c.state).where(fits)
    return [
        _hit(
            "campaign",
            row["id"],
            "id" if row["id"] == sought.text else "name",
            title=row["name"],
            campaign_id=row["id"],
            detail=row["state"],
        )
        for row in rows(connection, query.order_by(campaigns.c.name, campaigns.c.id).limit(MOST))
    ]


def _runs(connection: Connection, sought: Sought) -> list[View]:
    e = enrolments.c
    query = select(e.id, e.member_id, e.campaign_id, e.state).where(e.id == sought.text)
    return [
        _hit(
            "run",
            row["id"],
            "id",
            member_id=row["member_id"],
            campaign_id=row["campaign_id"],
            detail=row["state"],
        )
        for row in rows(connection, query)
    ]


def _receipts(connection: Connection, sought: Sought) -> list[View]:
    """Purchases, refunds and other events by the number their source gave them."""
    return [
        _hit(
            "receipt",
            f"{row['source']}:{row['event_id']}",
            "number",
            title=row["type"],
            member_id=row["member_id"],
            detail=row["transaction_key"],
        )
        for row in rows(connection, _by_number(sought.text))
    ]


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
            inbox.c.source,
            inbox.c.event_id,
            inbox.c.type,
            inbox.c.member_id,
            transactions.c.key.label("transaction_key"),
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
    query = select(t.key, t.kind, t.member_id, t.campaign_id).where(t.key == sought.text)
    return [
        _hit(
            "transaction",
            row["key"],
            "id",
            title=row["kind"],
            member_id=row["member_id"],
            campaign_id=row["campaign_id"],
        )
        for row in rows(connection, query)
    ]


def _claims(connection: Connection, sought: Sought) -> list[View]:
    """By its id, or by the order's number: its index begins with the offer, and those are few."""
    of_any_offer = claims.c.offer_id.in_(select(offers.c.id))
    fits = or_(claims.c.id == sought.text, of_any_offer & (claims.c.request_id == sought.text))
    c = claims.c
    query = select(c.id, c.member_id, c.offer_id, c.status).where(fits)
    return [
        _hit(
            "claim",
            row["id"],
            "id" if row["id"] == sought.text else "number",
            member_id=row["member_id"],
            campaign_id=row["offer_id"],
            detail=row["status"],
        )
        for row in rows(connection, query.order_by(c.id).limit(MOST))
    ]


def _hit(kind: str, id: str, by: str, **more: str | None) -> View:
    empty = dict.fromkeys(("title", "member_id", "campaign_id", "detail"))
    return {"kind": kind, "id": id, "by": by, **empty, **more}
