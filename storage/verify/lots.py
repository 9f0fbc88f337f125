"""Lots must be the sums of what every transaction moved into and out of them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from storage.verify.broken import RowBroken
from storage.verify.source import Source

Lots = dict[tuple[Any, Any, str], tuple[int, int]]
"""Remaining and held by expires, available and source."""


def check_lots(source: Source, member_id: str | None = None) -> None:
    """Compare member by member; `member_id` narrows it to one. Raises RowBroken.

    A lot that is used up keeps its row, so that each that ever moved must be there.
    """
    stored = _by_account(
        source.rows(
            "SELECT account_id, expires_at, available_at, source, remaining, held FROM lots "
            f"{'WHERE account_id = :account ' if member_id else ''}"
            f"ORDER BY account_id{source.collate}",
            **({"account": f"member:{member_id}"} if member_id else {}),
        )
    )
    there = next(stored, None)
    for account, moved in _by_account(_moved(source, member_id)):
        if there is not None and there[0] < account:
            _compare(there[0], {}, there[1])
        if there is None or there[0] != account:
            _compare(account, moved, {})
        elif there[1] != moved:
            _compare(account, moved, there[1])
        there = next(stored, None)
    if there is not None:
        _compare(there[0], {}, there[1])


def _moved(source: Source, member_id: str | None) -> Iterator[Any]:
    if source.postgres:
        field, elements = "m.value ->> {}", "jsonb_array_elements(CAST(t.moves AS jsonb)) AS m"
    else:
        field, elements = "json_extract(m.value, '$[{}]')", "json_each(t.moves) AS m"
    member, expires, available, origin, amount, held = (field.format(n) for n in range(6))
    where = ""
    if member_id:
        where = (
            "WHERE t.id IN (SELECT transaction_id FROM entries WHERE account_id = :account) "
            f"AND {member} = :member "
        )
    query = (
        f"SELECT * FROM (SELECT 'member:' || ({member}) AS account, {expires} AS expires, "
        f"{available} AS available, {origin} AS source, "
        f"CAST(sum(CAST({amount} AS BIGINT)) AS BIGINT), "
        f"CAST(sum(CAST({held} AS BIGINT)) AS BIGINT) "
        f"FROM transactions t, {elements} {where}"
        f"GROUP BY 1, 2, 3, 4) AS moved ORDER BY account{source.collate}"
    )
    values = {"account": f"member:{member_id}", "member": member_id} if member_id else {}
    return source.rows(query, **values)


def _by_account(rows: Iterator[Any]) -> Iterator[tuple[str, Lots]]:
    for account, mine in groupby(rows, key=itemgetter(0)):
        lots: Lots = {}
        for _, expires, available, origin, remaining, held in mine:
            key = (_instant(expires), _instant(available), origin)
            before = lots.get(key, (0, 0))  # one instant may be written with two offsets
            lots[key] = (before[0] + remaining, before[1] + held)
        yield account, lots


def _instant(value: Any) -> Any:
    """An instant of a column or of JSON; what is none stays as it is and will be found strange."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value
    # Columns of SQLite have no offset; what is in JSON has one.
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _compare(account: str, moved: Lots, there: Lots) -> None:
    for key in sorted({*moved, *there}, key=str):
        if moved.get(key) == there.get(key):
            continue
        name = f"{account} {key[2]} until {key[0]}"
        if key not in there:
            raise RowBroken("lots", name, "is missing, and transactions moved it")
        if key not in moved:
            raise RowBroken("lots", name, "no transaction ever moved it")
        says, makes = there[key], moved[key]
        raise RowBroken(
            "lots",
            name,
            f"says {says[0]} with {says[1]} held, and its moves make {makes[0]} with {makes[1]}",
        )
