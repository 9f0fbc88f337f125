"""A stored transaction with its entries, as the bytes that were sealed when it was written."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from loyalty.sealing.canonical import Entry, transaction_bytes
from storage.bulk import instant

COLUMNS = (
    "id, key, body_hash, kind, at, effective_at, reverses, hold_id, campaign_id, meta, moves, "
    "member_id, other_id, points, balance_after, available_after, shortfall, debt_change, lapsed, "
    "leaf"
)
LEAF = COLUMNS.split(", ").index("leaf")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def sealed_bytes(row: Any, entries: Sequence[Entry]) -> bytes:
    """The canonical bytes of one row of `COLUMNS`; entries in the order of their legs."""
    (
        id, key, body_hash, kind, at, effective_at, reverses, hold_id, campaign_id, meta, moves,
        member_id, other_id, points, balance, available, shortfall, debt_change, lapsed, _,
    ) = row  # fmt: skip
    at_us = microseconds(at)
    figures = (
        f"{member_id} {other_id or '-'} {points} {balance} {available} "
        f"{shortfall} {debt_change} {lapsed}"
    )
    return transaction_bytes(
        id,
        key,
        body_hash,
        kind,
        at_us,
        at_us if effective_at == at else microseconds(effective_at),
        reverses,
        hold_id,
        campaign_id,
        sha256(f"{meta}\n{figures}".encode()).digest(),
        moves,
        entries,
    )


@lru_cache(4096)  # what is committed in one group has one time
def microseconds(value: Any) -> int:
    """Since 1970, whole: dates are divided as whole numbers, for a float would round them."""
    since = instant(value) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def in_leg_order(entries: list[Any], member_id: str, other_id: str | None) -> list[Any]:
    """Entries as posted: the member's, what the member owes, then the same of the receiver.

    Each begins with its account and seq. Raises ValueError if one is on a stranger's account.
    """
    if len(entries) > 1:
        places = [f"{kind}:{who}" for who in (member_id, other_id) for kind in ("member", "debt")]
        return sorted(entries, key=lambda entry: (places.index(entry[0]), entry[1]))
    return entries
