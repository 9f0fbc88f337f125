"""What is on record of one member in one campaign, for whoever has to explain it."""

from sqlalchemy import Connection, select

from loyalty.why_not import Record
from storage.queries.member_lists import messages_of
from storage.queries.runs import decisions_of
from storage.tables import members

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
        decisions=decisions_of(connection, member_id, campaign_id),
        messages=messages_of(connection, member_id, "", MESSAGES_MAX, campaign_id=campaign_id),
    )
