"""The link in a member's e-mails: unguessable, the same in all of them, gone with the member.

A merged member's links lead on to the survivor, as their id does. Source: rule 20.
"""

import secrets
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, insert, select

from storage.tables import unsubscribe_links as links

TOKEN_BYTES = 16
"""Written as hexadecimal digits: at the end of a line, mail programs take signs for punctuation."""
_KNOWN = select(links.c.member_id, links.c.token).where(
    links.c.member_id.in_(bindparam("ids", expanding=True))
)
_WHOSE = select(links.c.member_id).where(links.c.token == bindparam("token"))
_ADD = insert(links)


def tokens_of(connection: Connection, member_ids: Iterable[str]) -> Mapping[str, str]:
    """Each member's token, made where there is none yet; the members are locked."""
    ids = sorted(set(member_ids))
    if not ids:
        return {}
    known = {row.member_id: row.token for row in connection.execute(_KNOWN, {"ids": ids})}
    made = {id: secrets.token_hex(TOKEN_BYTES) for id in ids if id not in known}
    if made:
        connection.execute(_ADD, [{"member_id": id, "token": t} for id, t in made.items()])
    return known | made


def member_behind(connection: Connection, token: str) -> str | None:
    """The id of the member whose e-mails carry it."""
    found: str | None = connection.execute(_WHOSE, {"token": token}).scalar_one_or_none()
    return found
