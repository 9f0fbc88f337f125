"""What is on record of one member in one campaign, for whoever has to explain it."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from loyalty.records import Decision
from loyalty.refused_claim import RefusedClaim
from loyalty.why_not import Record
from storage.queries.member_lists import messages_of
from storage.queries.runs import decisions_of
from storage.rows import Shape
from storage.tables import members, refused_claims

_refused = Shape(RefusedClaim, refused_claims)

MESSAGES_MAX = 100
"""The latest ones; what came before them explains nothing any more."""


def record_of(connection: Connection, member_id: str, campaign_id: str) -> Record | None:
    """None where there is no such member."""
    row = connection.execute(
        select(members.c.status, members.c.merged_into).where(members.c.id == member_id)
    ).one_or_none()
    if row is None:
        return None
    return Record(
        status=row.status,
        merged_into=row.merged_into,
        decisions=_decided(connection, member_id, campaign_id),
        messages=messages_of(connection, member_id, "", MESSAGES_MAX, campaign_id=campaign_id),
    )


def _decided(connection: Connection, member_id: str, campaign_id: str) -> Sequence[Decision]:
    """What was decided, and among it the claims that were refused, oldest first."""
    decided = decisions_of(connection, member_id, campaign_id)
    r = refused_claims.c
    query = select(*_refused.columns).where(r.member_id == member_id, r.offer_id == campaign_id)
    refused = [RefusedClaim(*row).decision() for row in connection.execute(query)]
    return sorted([*decided, *refused], key=lambda each: each.at) if refused else decided
