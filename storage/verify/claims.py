"""What somebody says the log was: signed checkpoints, from our own table and from elsewhere."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loyalty.sealing.broken import SealBroken
from loyalty.sealing.checkpoint import Checkpoint, CheckpointMalformed, OtherLog
from loyalty.sealing.note import NotSigned, open_note
from loyalty.sealing.signing_keys import VerifierKey
from storage.verify.broken import RowBroken
from storage.verify.source import Source

_ANOTHER_KEY = (
    "It is forged, or the key was changed since: then give the public key of before too, by --key "
    "or in MILEPOST_SEAL_OLD_KEYS."
)


@dataclass(frozen=True, slots=True)
class Claim:
    """The log had `size` transactions and this root; `table` and `key` say who says so."""

    size: int
    root: bytes
    table: str
    key: str


def stored_claims(source: Source, keys: Sequence[VerifierKey]) -> Iterator[Claim]:
    """Our own, each as it was signed. Raises RowBroken for one that no known key signed."""
    for size, root, note in source.rows("SELECT size, root, note FROM checkpoints ORDER BY size"):
        found = _opened(note, keys, "checkpoints", str(size))
        if (found.size, found.root) != (size, root):
            raise RowBroken("checkpoints", size, "its size and root are not those that are signed")
        yield Claim(found.size, found.root, "checkpoints", str(size))


def external_claims(text: str, keys: Sequence[VerifierKey]) -> Iterator[Claim]:
    """From a file kept elsewhere: one note, or a line of JSON with a `note` for each."""
    table = "checkpoint file"
    if not text.lstrip().startswith("{"):
        found = _opened(text, keys, table, "1")
        yield Claim(found.size, found.root, table, "1")
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        key = f"line {number}"
        try:
            note = json.loads(line)["note"]
        except (ValueError, KeyError, TypeError):
            raise RowBroken(table, key, "is no checkpoint") from None
        found = _opened(note, keys, table, key)
        yield Claim(found.size, found.root, table, key)


def in_order(claims: Iterable[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: (claim.size, claim.table, claim.key))


def _opened(note: object, keys: Sequence[VerifierKey], table: str, key: str) -> Checkpoint:
    try:
        if not isinstance(note, str):
            raise CheckpointMalformed("A checkpoint is text.")
        if not keys:
            return Checkpoint.parse(note.rpartition("\n\n")[0] + "\n")
        found = Checkpoint.parse(open_note(note, keys).text)
        if found.origin not in {each.name for each in keys}:
            raise OtherLog(f"It is of another log, {found.origin!r}.")
    except NotSigned as wrong:
        raise RowBroken(table, key, f"{wrong} {_ANOTHER_KEY}") from None
    except SealBroken as wrong:
        raise RowBroken(table, key, str(wrong)) from None
    return found
