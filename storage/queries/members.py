"""One member as operators and shops see them; what they were given is in `member_lists.py`."""

from sqlalchemy import Connection, select

from storage.queries.pages import View, first, rows, without
from storage.tables import consents, members

_SHOWN = without(members, "body_hash", "answer")


def member_view(connection: Connection, member_id: str) -> View | None:
    """A member's row with consents; of one merged, the survivor's."""
    found = first(connection, select(*_SHOWN).where(members.c.id == member_id))
    if found is None:
        return None
    if found["merged_into"]:
        return member_view(connection, found["merged_into"])
    said = select(*without(consents, "member_id")).where(consents.c.member_id == member_id)
    return found | {
        "consents": rows(connection, said.order_by(consents.c.channel, consents.c.purpose))
    }
