r"""One ledger transaction as bytes, the same for everybody, so that a stranger can check the log.

The bytes are UTF-8 text, fields in a fixed order, each ended by one newline (0x0A):

1.  the literal `milepost/transaction/v1`
2.  id: number
3.  key: text
4.  body_hash: hex
5.  kind: text
6.  at: number, microseconds since 1970-01-01T00:00:00Z
7.  effective at: number, as `at`
8.  reverses: number, or none
9.  hold_id: text, or none
10. campaign_id: text, or none
11. meta_hash: hex
12. moves: text, the canonical JSON of what went into and out of lots
13. how many entries follow: number
14. for each entry six fields: account_id: text; seq: number; contra: text, or none;
    amount: number; held_delta: number; balance: number

number = decimal digits without leading zeros, with `-` before them if below zero.
text = the length of its UTF-8 in bytes as a number, `:`, then the UTF-8 itself, unchanged: it may
hold newlines, so read it by its length. hex = two lower-case digits a byte. none = a single `-`.

Each field tells by itself where it ends, so two different transactions never give the same bytes.
Names, addresses and other facts about a person are not in here, only ids and hashes: erasing a
person leaves the log whole.
"""

from collections.abc import Sequence
from hashlib import sha256

CHAIN_TAG = b"milepost/chain/v1"

FIRST_HEAD = bytes(32)
"""The head of a chain before anything is in it."""

Entry = tuple[str, int, str | None, int, int, int]
"""account_id, seq, contra, amount, held_delta, balance after."""


def transaction_bytes(  # noqa: PLR0913 - a transaction has that many fields, in their order
    id: int,
    key: str,
    body_hash: bytes,
    kind: str,
    at_us: int,
    effective_us: int,
    reverses: int | None,
    hold_id: str | None,
    campaign_id: str | None,
    meta_hash: bytes,
    moves: str,
    entries: Sequence[Entry],
) -> bytes:
    """What is hashed into the log for one transaction; `leaf_hash` of it is its leaf.

    Raises ValueError for a number that is not whole.
    """
    lines = "".join(
        [
            f"{_text(account)}\n{seq:d}\n{_text(contra)}\n{amount:d}\n{held:d}\n{balance:d}\n"
            for account, seq, contra, amount, held, balance in entries
        ]
    )
    return (
        f"milepost/transaction/v1\n{id:d}\n{_text(key)}\n{body_hash.hex()}\n{_text(kind)}\n"
        f"{at_us:d}\n{effective_us:d}\n{'-' if reverses is None else format(reverses, 'd')}\n"
        f"{_text(hold_id)}\n{_text(campaign_id)}\n{meta_hash.hex()}\n{_text(moves)}\n"
        f"{len(entries)}\n{lines}"
    ).encode()


def chain(head: bytes, leaf: bytes) -> bytes:
    """The head after one more transaction: SHA-256 of the tag, the head before and the leaf.

    Both are 32 bytes. The head is what an account's holder keeps as a receipt.
    """
    return sha256(CHAIN_TAG + head + leaf).digest()


def _text(text: str | None) -> str:
    if text is None:
        return "-"
    # Nearly every id is plain ASCII, where characters are bytes and need no encoding to count.
    return f"{len(text) if text.isascii() else len(text.encode())}:{text}"
