"""Messages as members and operators see them: never an address, and the text only to its member."""

from collections import defaultdict

from sqlalchemy import Connection, select

from storage.queries.pages import View, first, newest_first, rows, without
from storage.tables import campaign_versions, contact_verdicts, messages

WITHOUT_TEXT = without(messages, "subject", "body", "variables", "member_id", "claimed_at")


def inbox_of(
    connection: Connection, member_id: str, *, after: str = "", limit: int = 50
) -> list[View]:
    """A member's in-app messages, newest first; `after` is the key of the last one seen."""
    columns = messages.c
    query = select(
        columns.key,
        columns.campaign_id,
        columns.subject,
        columns.body,
        columns.sent_at,
        columns.read_at,
    ).where(columns.member_id == member_id, columns.channel == "inbox", columns.status == "sent")
    return newest_first(connection, query, columns.sent_at, columns.key, after, limit)


def message_text(connection: Connection, key: str) -> View | None:
    """One message with what was said to its member, and what it is said with.

    `texts` are all of its campaign version's, none where the message came from elsewhere.
    """
    shown = without(messages, "claimed_at", "attempts", "last_error")
    found = first(connection, select(*shown).where(messages.c.key == key))
    if found is None:
        return None
    told = select(campaign_versions.c.messages).where(
        campaign_versions.c.campaign_id == found["campaign_id"],
        campaign_versions.c.version == found["version"],
    )
    return found | {"texts": connection.execute(told).scalar_one_or_none() or {}}


def messages_of_run(connection: Connection, enrolment_id: str) -> list[View]:
    """Every message of a run, oldest first, with each verdict of the contact gate."""
    mine = select(*WITHOUT_TEXT).where(messages.c.enrolment_id == enrolment_id)
    found = rows(connection, mine.order_by(messages.c.created_at, messages.c.key))
    return with_verdicts(connection, found)


def with_verdicts(connection: Connection, found: list[View]) -> list[View]:
    """The messages, each with every verdict of the contact gate, in the order they were given."""
    c = contact_verdicts.c
    said = select(contact_verdicts).where(c.message_key.in_([each["key"] for each in found]))
    verdicts: dict[str, list[View]] = defaultdict(list)
    for verdict in rows(connection, said.order_by(c.id)) if found else ():
        del verdict["id"]
        verdicts[verdict.pop("message_key")].append(verdict)
    return [message | {"verdicts": verdicts[message["key"]]} for message in found]
