"""A transaction's bytes: a stranger reads them back by the document, so no two are the same."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.sealing.canonical import FIRST_HEAD, chain, transaction_bytes
from loyalty.sealing.merkle import leaf_hash

WELCOME: dict[str, Any] = {
    "id": 42,
    "key": "purchase:till-7:ümlaut\n-",
    "body_hash": bytes(range(32)),
    "kind": "earn",
    "at_us": 1_791_374_400_000_001,
    "effective_us": -1,
    "reverses": None,
    "hold_id": None,
    "campaign_id": "-",
    "meta_hash": hashlib.sha256(b"{}").digest(),
    "moves": '[["2027-01-01T00:00:00+00:00","purchase",100,0]]',
    "entries": [("member:lee", 7, "issuance:lee", 100, 0, 250), ("debt:lee", 2, None, -5, 0, 0)],
}

WELCOME_BYTES = (
    "milepost/transaction/v1\n"
    "42\n"
    "25:purchase:till-7:ümlaut\n-\n"
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
    "4:earn\n"
    "1791374400000001\n"
    "-1\n"
    "-\n"
    "-\n"
    "1:-\n"
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n"
    '48:[["2027-01-01T00:00:00+00:00","purchase",100,0]]\n'
    "2\n"
    "10:member:lee\n7\n12:issuance:lee\n100\n0\n250\n"
    "8:debt:lee\n2\n-\n-5\n0\n0\n"
).encode()

numbers = st.integers(-(2**63), 2**63 - 1)
# Made of what the format itself is made of, so that any confusion would show.
tricky = st.text(st.sampled_from("-:\n0129a") | st.characters(exclude_categories=["Cs"]))
hashes = st.binary(min_size=32, max_size=32)
transactions = st.fixed_dictionaries(
    {
        "id": numbers,
        "key": tricky,
        "body_hash": hashes,
        "kind": tricky,
        "at_us": numbers,
        "effective_us": numbers,
        "reverses": st.none() | numbers,
        "hold_id": st.none() | tricky,
        "campaign_id": st.none() | tricky,
        "meta_hash": hashes,
        "moves": tricky,
        "entries": st.lists(
            st.tuples(tricky, numbers, st.none() | tricky, numbers, numbers, numbers), max_size=3
        ),
    }
)


class Stranger:
    """Reads a transaction's bytes by their description alone, and shares no code with us."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def line(self) -> bytes:
        end = self.data.index(b"\n", self.at)
        line, self.at = self.data[self.at : end], end + 1
        return line

    def number(self) -> int | None:
        line = self.line().decode()
        return None if line == "-" else int(line)

    def text(self) -> str | None:
        if self.data[self.at : self.at + 2] == b"-\n":
            self.at += 2
            return None
        colon = self.data.index(b":", self.at)
        end = colon + 1 + int(self.data[self.at : colon])
        text, self.at = self.data[colon + 1 : end].decode(), end + 1
        assert self.data[end : self.at] == b"\n"
        return text

    def read(self) -> dict[str, Any]:
        assert self.line() == b"milepost/transaction/v1"
        found: dict[str, Any] = {
            "id": self.number(),
            "key": self.text(),
            "body_hash": bytes.fromhex(self.line().decode()),
            "kind": self.text(),
            "at_us": self.number(),
            "effective_us": self.number(),
            "reverses": self.number(),
            "hold_id": self.text(),
            "campaign_id": self.text(),
            "meta_hash": bytes.fromhex(self.line().decode()),
            "moves": self.text(),
        }
        count = self.number() or 0
        found["entries"] = [
            (self.text(), self.number(), self.text(), self.number(), self.number(), self.number())
            for _ in range(count)
        ]
        assert self.at == len(self.data)
        return found


def test_the_bytes_are_the_documented_ones() -> None:
    """Written out in full: whoever changes one byte breaks every log there is."""
    assert transaction_bytes(**WELCOME) == WELCOME_BYTES
    assert leaf_hash(WELCOME_BYTES) == hashlib.sha256(b"\x00" + WELCOME_BYTES).digest()


@given(transactions)
def test_a_stranger_reads_back_every_transaction(transaction: dict[str, Any]) -> None:
    """What can be read back without loss cannot be the same for two different transactions."""
    assert Stranger(transaction_bytes(**transaction)).read() == transaction


@given(transactions, st.data())
def test_two_transactions_never_have_the_same_bytes(
    transaction: dict[str, Any], draw: st.DataObject
) -> None:
    """Change any one field, or move a piece of one into the next: the bytes differ."""
    field = draw.draw(st.sampled_from(sorted(transaction)))
    other = transaction | {field: draw.draw(transactions)[field]}

    same = transaction_bytes(**other) == transaction_bytes(**transaction)
    assert same == (other == transaction)


@pytest.mark.parametrize(
    "changes",
    [
        ({"key": "a\n", "kind": "b"}, {"key": "a", "kind": "\nb"}),
        ({"key": "a", "kind": "1:b"}, {"key": "a\n1:b", "kind": ""}),
        ({"hold_id": None}, {"hold_id": "-"}),
        ({"hold_id": None}, {"hold_id": ""}),
        ({"hold_id": "x", "campaign_id": None}, {"hold_id": None, "campaign_id": "x"}),
        ({"reverses": None}, {"reverses": 0}),
        ({"at_us": 1, "effective_us": 23}, {"at_us": 12, "effective_us": 3}),
        ({"key": "é"}, {"key": "e\u0301"}),
        ({"entries": [("a", 1, None, 1, 0, 1)]}, {"entries": [("a", 1, "", 1, 0, 1)]}),
        (
            {"entries": [("a", 1, None, 1, 0, 1), ("b", 1, None, 1, 0, 1)]},
            {"entries": [("b", 1, None, 1, 0, 1), ("a", 1, None, 1, 0, 1)]},
        ),
    ],
)
def test_what_could_be_taken_for_another_is_kept_apart(changes: tuple[dict[str, Any], ...]) -> None:
    """The known ways to make two records look alike: moved separators, nothing for empty, order."""
    first, second = (transaction_bytes(**WELCOME | change) for change in changes)

    assert first != second


@pytest.mark.parametrize("number", [1.0, 1.5, Decimal(1), "1", float("nan")])
@pytest.mark.parametrize("field", ["id", "at_us", "effective_us", "reverses", 1, 3, 4, 5])
def test_only_whole_numbers_are_sealed(field: str | int, number: Any) -> None:
    """A sum that a database hands back as a decimal must not seal as other bytes."""
    entry: list[Any] = ["member:lee", 1, None, 5, 0, 5]
    if isinstance(field, int):
        entry[field] = number
    change = {"entries": [entry]} if isinstance(field, int) else {field: number}

    with pytest.raises(ValueError, match="format"):
        transaction_bytes(**WELCOME | change)


def test_an_instant_is_sealed_to_the_microsecond() -> None:
    """The unit is large enough for every year that the ledger writes, without a float between."""
    undated = datetime(9999, 12, 31, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    at_us = undated // datetime.resolution

    assert f"\n{at_us}\n".encode() in transaction_bytes(**WELCOME | {"at_us": at_us})
    assert at_us == 253_402_214_400_000_000


def test_a_receipt_hangs_on_all_that_came_before() -> None:
    """The head is the documented hash; another order or a left-out transaction gives another."""
    a, b = leaf_hash(b"a"), leaf_hash(b"b")
    first = hashlib.sha256(b"milepost/chain/v1" + bytes(32) + a).digest()

    assert chain(FIRST_HEAD, a) == first
    heads = {first, chain(first, b), chain(FIRST_HEAD, b), chain(chain(FIRST_HEAD, b), a)}
    assert len(heads) == 4
