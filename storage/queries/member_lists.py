"""What a member was given, did and was told: each list newest first, a page at a time.

`after` is the key of the last row seen. Every list begins from an index on the member.
"""

from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    Table,
    and_,
    case,
    func,
    literal,
    or_,
    select,
)

from storage.queries.messages import WITHOUT_TEXT, with_verdicts
from storage.queries.pages import View, newest_first, rows, without
from storage.tables import (
    adjustments,
    campaigns,
    cards,
    claims,
    coupons,
    enrolments,
    inbox,
    member_moves,
    messages,
    offers,
    refused_claims,
    till_holds,
    transactions,
)

RECEIPTS = ("purchase", "refund")


def runs_of(connection: Connection, member_id: str, after: str, limit: int) -> list[View]:
    """Every journey past and present, with its campaign's name."""
    e = enrolments.c
    query = select(
        e.id, e.campaign_id, campaigns.c.name.label("campaign"), e.template, e.member_id,
        e.version, e.arm, e.state, e.outcome, e.admitted_at, e.ended_at, e.wake_at,
        e.granted_points,
    ).outerjoin(campaigns, campaigns.c.id == e.campaign_id)  # fmt: skip
    return newest_first(
        connection, query.where(e.member_id == member_id), e.admitted_at, e.id, after, limit
    )


def cards_of(connection: Connection, member_id: str, after: str, limit: int) -> list[View]:
    """Multiplier cards, also those that are over."""
    query = select(*without(cards, "member_id"))
    mine = cards.c.member_id == member_id
    return newest_first(connection, query.where(mine), cards.c.starts_at, cards.c.key, after, limit)


def coupons_of(connection: Connection, member_id: str, after: str, limit: int) -> list[View]:
    query = select(*without(coupons, "member_id"))
    mine = coupons.c.member_id == member_id
    return newest_first(
        connection, query.where(mine), coupons.c.given_at, coupons.c.key, after, limit
    )


def receipts_of(
    connection: Connection, member_id: str, before: int | None, limit: int
) -> list[View]:
    """Purchases and refunds as they were recorded; `before` is the number of the last one seen."""
    i = inbox.c
    query = (
        select(
            i.seq, i.source, i.event_id, i.type, i.occurred_at, i.recorded_at, i.store, i.channel,
            i.amount_minor, i.refunded_minor, i.refunds_seq,
            transactions.c.key.label("transaction"), transactions.c.points,
        )
        .outerjoin(transactions, transactions.c.key == posted_by())
        .where(i.member_id == member_id, i.type.in_(RECEIPTS))
    )  # fmt: skip
    if before is not None:
        query = query.where(i.seq < before)
    return rows(connection, query.order_by(i.seq.desc()).limit(limit))


def posted_by() -> ColumnElement[str]:
    """The ledger key of what an event in the inbox gave, or took back."""
    kind = case(
        (inbox.c.type == "purchase", "purchase:"), (inbox.c.type == "refund", "refund:"),
        else_="event:",
    )  # fmt: skip
    # As `loyalty.event_keys.event_key` writes it.
    source = func.replace(inbox.c.source, ":", "~")
    return kind + source + literal(":", String) + inbox.c.event_id


def messages_of(
    connection: Connection,
    member_id: str,
    after: str,
    limit: int,
    *,
    campaign_id: str | None = None,
) -> list[View]:
    """Messages with the contact gate's verdicts on each; no address, no text."""
    mine = messages.c.member_id == member_id
    if campaign_id is not None:
        # The member's index is the one to walk: a campaign may have said a hundred thousand things.
        mine = and_(mine, func.coalesce(messages.c.campaign_id, "") == campaign_id)
    query = select(*WITHOUT_TEXT)
    found = newest_first(
        connection, query.where(mine), messages.c.created_at, messages.c.key, after, limit
    )
    return with_verdicts(connection, found)


def claims_of(
    connection: Connection, member_id: str, after: str, limit: int, now: datetime
) -> list[View]:
    """Claims on exchange offers, with what the offer is called."""
    query = select(
        *without(claims, "body_hash", "member_id", "hold_id", "status"),
        _status_at(claims, "reserved", now),
        offers.c.title,
        offers.c.sku,
    ).outerjoin(offers, offers.c.id == claims.c.offer_id)
    mine = claims.c.member_id == member_id
    return newest_first(
        connection, query.where(mine), claims.c.reserved_at, claims.c.id, after, limit
    )


def refused_claims_of(connection: Connection, member_id: str, after: str, limit: int) -> list[View]:
    """Claims that took nothing: the last of each offer and reason, which are its `key`."""
    r = refused_claims.c
    key = r.offer_id.concat(literal(":", String)).concat(r.reason).label("key")
    query = select(*without(refused_claims, "member_id"), key, offers.c.title, offers.c.sku)
    query = query.outerjoin(offers, offers.c.id == r.offer_id)
    return newest_first(connection, query.where(r.member_id == member_id), r.at, key, after, limit)


def till_holds_of(
    connection: Connection, member_id: str, after: str, limit: int, now: datetime
) -> list[View]:
    """Points set aside at tills, open or settled."""
    hidden = ("body_hash", "settled_hash", "member_id", "status")
    query = select(*without(till_holds, *hidden), _status_at(till_holds, "open", now))
    mine = till_holds.c.member_id == member_id
    return newest_first(
        connection, query.where(mine), till_holds.c.placed_at, till_holds.c.id, after, limit
    )


def _status_at(table: Table, open: str, now: datetime) -> ColumnElement[str]:
    """What readers are told: past its deadline it is over, whoever has noticed."""
    overdue = and_(table.c.status == open, table.c.expires_at <= now)
    return case((overdue, "expired"), else_=table.c.status).label("status")


def adjustments_of(connection: Connection, member_id: str, after: str, limit: int) -> list[View]:
    """Corrections that were proposed, approved or declined."""
    query = select(*without(adjustments, "body_hash"))
    mine = adjustments.c.member_id == member_id
    return newest_first(
        connection, query.where(mine), adjustments.c.proposed_at, adjustments.c.id, after, limit
    )


def moves_of(connection: Connection, member_id: str, after: str, limit: int) -> list[View]:
    """Mergers, gifts and an erasure that the member had a part in; `key` is kind and id of each."""
    m = member_moves.c
    key = m.kind.concat(literal(":", String)).concat(m.id).label("key")
    query = select(*without(member_moves, "body_hash", "answer"), key)
    mine = or_(m.member_id == member_id, m.other_id == member_id)
    return newest_first(connection, query.where(mine), m.at, key, after, limit)
