"""One member as operators and shops see them: the row, and everything given to them."""

from sqlalchemy import Connection, select

from storage.queries.pages import View, first, rows, without
from storage.tables import cards, consents, coupons, enrolments, members

_SHOWN = without(members, "body_hash", "answer")


def member_view(connection: Connection, member_id: str) -> View | None:
    """A member's row with consents, cards, coupons and journeys; of one merged, the survivor's."""
    found = first(connection, select(*_SHOWN).where(members.c.id == member_id))
    if found is None:
        return None
    if found["merged_into"]:
        return member_view(connection, found["merged_into"])
    said = select(*without(consents, "member_id")).where(consents.c.member_id == member_id)
    held = select(*without(cards, "member_id")).where(cards.c.member_id == member_id)
    given = select(*without(coupons, "member_id")).where(coupons.c.member_id == member_id)
    journeys = select(
        enrolments.c.id,
        enrolments.c.campaign_id,
        enrolments.c.template,
        enrolments.c.arm,
        enrolments.c.state,
        enrolments.c.outcome,
        enrolments.c.admitted_at,
        enrolments.c.wake_at,
        enrolments.c.ended_at,
    ).where(enrolments.c.member_id == member_id)
    return found | {
        "consents": rows(connection, said.order_by(consents.c.channel, consents.c.purpose)),
        "cards": rows(connection, held.order_by(cards.c.starts_at, cards.c.key)),
        "coupons": rows(connection, given.order_by(coupons.c.given_at, coupons.c.key)),
        "journeys": rows(
            connection, journeys.order_by(enrolments.c.admitted_at.desc(), enrolments.c.id)
        ),
    }
