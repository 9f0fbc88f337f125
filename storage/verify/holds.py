"""Holds must be what the transactions that made and settled them say."""

import json
from itertools import groupby
from operator import itemgetter
from typing import Any

from loyalty.ledger import Reserve, body_hash
from storage.bulk import instant
from storage.verify.broken import RowBroken
from storage.verify.source import Source


def check_holds(source: Source, member_id: str | None = None) -> None:
    """Compare every hold; `member_id` narrows it to one member's. Raises RowBroken.

    A hold's deadline is in no entry, but in what was asked: the hash of that is sealed.
    """
    narrow = {"account": f"member:{member_id}"} if member_id else {}
    holds = source.rows(
        "SELECT id, account_id, amount, status, expires_at, settled_by, allocation FROM holds "
        f"{'WHERE account_id = :account ' if member_id else ''}ORDER BY id{source.collate}",
        **narrow,
    )
    transactions = source.rows(
        "SELECT hold_id, key, kind, member_id, points, at, body_hash, moves FROM transactions "
        f"WHERE hold_id IS NOT NULL {'AND member_id = :member ' if member_id else ''}"
        f"ORDER BY hold_id{source.collate}, id",
        **({"member": member_id} if member_id else {}),
    )
    hold = next(holds, None)
    for hold_id, group in groupby(transactions, key=itemgetter(0)):
        if hold is not None and hold[0] < hold_id:
            raise RowBroken("holds", hold[0], "no transaction made it")
        if hold is None or hold[0] != hold_id:
            raise RowBroken("holds", hold_id, "is missing, and a transaction made it")
        _compare(hold, list(group))
        hold = next(holds, None)
    if hold is not None:
        raise RowBroken("holds", hold[0], "no transaction made it")


def _compare(hold: Any, mine: list[Any]) -> None:
    id, account, amount, status, expires_at, settled_by, allocation = hold
    made, *settled = mine
    if made[2] != "hold" or len(settled) > 1:
        raise RowBroken("holds", id, "is not made once and settled at most once")
    _, _, _, member, points, _, asked, moves = made
    if account != f"member:{member}" or amount != points:
        what = f"says {amount} points of {account}; {points} of member:{member} were set aside"
        raise RowBroken("holds", id, what)
    try:
        deadline = instant(expires_at)
        parts = json.loads(allocation)
    except ValueError:
        raise RowBroken("holds", id, "cannot be read") from None
    if body_hash(Reserve(member, amount, id, deadline)) != asked:
        raise RowBroken("holds", id, "its deadline is not the one it was made with")
    if parts != [[until, since, origin, n] for _, until, since, origin, _, n in json.loads(moves)]:
        raise RowBroken("holds", id, "its lots are not those it was made from")
    if (status, settled_by) != _end(settled, deadline):
        raise RowBroken("holds", id, f"is not {status} by {settled_by}")


def _end(settled: list[Any], deadline: Any) -> tuple[str, str | None]:
    if not settled:
        return "open", None
    _, key, kind, _, _, at, _, _ = settled[0]
    if kind == "confirm":
        return "confirmed", key
    return ("expired" if deadline <= instant(at) else "released"), key
