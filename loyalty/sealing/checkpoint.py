"""What the log was at one time, signed: the C2SP checkpoint that other programs can check.

Three lines, each ended by a newline: the log's name (its origin), its size in decimal, the root in
base64; then lines of anybody's own, if any. Source: c2sp.org/tlog-checkpoint
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.sealing.broken import SealBroken
from loyalty.sealing.merkle import HASH
from loyalty.sealing.note import open_note, sign_note
from loyalty.sealing.signing_keys import SigningKey, VerifierKey, strict_base64

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
"""No leading zero and no sign; 19 digits hold every size that a database can count to."""


class CheckpointMalformed(SealBroken):
    """The text is not a checkpoint."""


class OtherLog(SealBroken):
    """The checkpoint is rightly signed, but speaks of another log."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's size and root (32 bytes) at one time. Raises CheckpointMalformed if a part cannot be.

    `extensions` are lines that no program checks; a log should have none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lines = (self.origin, *self.extensions)
        if not all(lines) or any("\n" in line for line in lines):
            raise CheckpointMalformed("A checkpoint's lines are not empty, and each is one line.")
        if not _SIZE.fullmatch(str(self.size)):
            raise CheckpointMalformed("A log's size has 1 to 19 digits.")
        if len(self.root) != HASH:
            raise CheckpointMalformed(f"A root has {HASH} bytes.")

    def text(self) -> str:
        """The text that is signed."""
        root = b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions))

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read it strictly: `parse(text).text()` is `text`, or CheckpointMalformed is raised."""
        if not text.endswith("\n"):
            raise CheckpointMalformed("A checkpoint's lines each end in a newline.")
        lines = text[:-1].split("\n")
        if len(lines) < 3:
            raise CheckpointMalformed("A checkpoint has an origin, a size and a root.")
        origin, size, coded, *extensions = lines
        root = strict_base64(coded)
        if not _SIZE.fullmatch(size) or root is None:
            raise CheckpointMalformed("A checkpoint's size is decimal and its root base64.")
        return cls(origin, int(size), root, tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, keys: Sequence[SigningKey]) -> str:
    """The signed note to store and hand out; the log's own key is named like its origin."""
    return sign_note(checkpoint.text(), keys)


def open_checkpoint(note: str, origin: str, known: Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint of the log `origin`, signed by a key we know.

    Raises what `open_note` raises, CheckpointMalformed, and OtherLog for a log of another name: one
    key may sign for several.
    """
    checkpoint = Checkpoint.parse(open_note(note, known).text)
    if checkpoint.origin != origin:
        raise OtherLog(f"The checkpoint is of log {checkpoint.origin!r}, not of {origin!r}.")
    return checkpoint
