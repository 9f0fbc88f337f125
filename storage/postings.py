"""Ledger transactions as rows, and what their callers were told."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

from loyalty.book import Hold, Leg, LotKey, Move, Posting
from loyalty.ledger import UNDATED, LotUse, OwnKind, Posted, stamp
from storage.bulk import dumped, instant


def account_id(kind: OwnKind, member_id: str) -> str:
    """`member:<id>` holds the points, `debt:<id>` what is owed."""
    return f"{kind}:{member_id}"


def member_of(account: str) -> str:
    return account.split(":", 1)[1]


COLUMNS = (
    "id, key, body_hash, kind, member_id, points, at, hold_id, meta, moves, balance_after, "
    "available_after, shortfall, debt_change, lapsed"
)


class Record:
    """One transaction, stored or about to be: its number is known once it is written."""

    __slots__ = (
        "body_hash", "campaign_id", "effective_at", "id", "legs", "moves", "other_id", "posted",
        "reverses",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - a transaction says much
        self,
        posted: Posted,
        body_hash: bytes,
        moves: list[tuple[str, Move]],
        *,
        id: int = 0,
        legs: list[tuple[str, Leg]] | None = None,
        effective_at: datetime | None = None,
        reverses: "Record | None" = None,
        campaign_id: str | None = None,
        other_id: str | None = None,
    ) -> None:
        self.posted = posted
        self.body_hash = body_hash
        self.moves = moves
        self.id = id
        self.legs = legs or []
        self.effective_at = effective_at or posted.at
        self.reverses = reverses
        self.campaign_id = campaign_id
        self.other_id = other_id

    def moves_of(self, member_id: str) -> tuple[Move, ...]:
        return tuple(move for member, move in self.moves if member == member_id)

    def moves_json(self) -> str:
        """Every move with its member: canonical, for it is sealed as it is written."""
        return dumped(
            [
                [
                    member,
                    stamp(move.expires_at),
                    stamp(move.available_at),
                    move.source,
                    move.amount,
                    move.held_delta,
                ]
                for member, move in self.moves
            ]
        )


def meta_json(meta: Any) -> str:
    """Canonical JSON: keys sorted, no spaces, text as it is."""
    if not meta:
        return "{}"
    return orjson.dumps(meta, option=orjson.OPT_SORT_KEYS).decode()


def record_of(row: Any) -> Record:
    """A stored transaction; its answer is marked as replayed."""
    member_id = row[4]
    moves = [
        (
            member,
            Move(
                datetime.fromisoformat(expires),
                source,
                amount,
                held,
                datetime.fromisoformat(available),
            ),
        )
        for member, expires, available, source, amount, held in orjson.loads(row[9])
    ]
    posted = Posted(
        key=row[1],
        kind=row[3],
        member_id=member_id,
        points=row[5],
        balance_after=row[10],
        available_after=row[11],
        at=instant(row[6]),
        lots=uses(row[3], (move for member, move in moves if member == member_id)),
        hold_id=row[7],
        shortfall=row[12],
        debt_change=row[13],
        lapsed=row[14],
        replayed=True,
        meta=orjson.loads(row[8]),
    )
    return Record(posted, bytes(row[2]), moves, id=row[0])


def uses(kind: str, moves: Iterable[Move]) -> tuple[LotUse, ...]:
    """Which lots were used, as the caller is told: what is set aside in them, else what moved.

    Of a hold that was spent in part, what was only set free again was not used.
    """
    holding = kind in ("hold", "release")
    used = ((move, move.held_delta if holding else move.amount) for move in moves)
    return tuple(
        LotUse(None if move.expires_at == UNDATED else move.expires_at, move.source, abs(points))
        for move, points in used
        if points
    )


def answer_for(
    key: str,
    member_id: str,
    posting: Posting,
    now: datetime,
    *,
    hold_id: str | None = None,
    meta: Any = None,
) -> Posted:
    """What the caller is told."""
    return Posted(
        key=key,
        kind=posting.kind,
        member_id=member_id,
        points=posting.points,
        balance_after=posting.side.book.balance,
        available_after=posting.available_after,
        at=now,
        lots=uses(posting.kind, posting.side.moves),
        hold_id=hold_id,
        shortfall=posting.shortfall,
        debt_change=posting.debt_change,
        lapsed=posting.lapsed,
        meta=meta or {},
    )


def allocation_json(hold: Hold) -> str:
    return dumped(
        [
            [stamp(key.expires_at), stamp(key.available_at), key.source, points]
            for key, points in hold.allocation
        ]
    )


def hold_of(row: Any) -> tuple[str, Hold, str | None]:
    """A hold with its account and the key of what settled it."""
    id, account, amount, status, expires_at, settled_by, allocation = row
    parts = tuple(
        (LotKey(datetime.fromisoformat(at), datetime.fromisoformat(since), source), points)
        for at, since, source, points in orjson.loads(allocation)
    )
    return account, Hold(id, amount, status, instant(expires_at), parts), settled_by
