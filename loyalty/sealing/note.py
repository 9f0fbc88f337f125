"""A text signed so that anybody can check it: the C2SP signed note, with Ed25519 keys.

A note is text that ends in a newline, an empty line, and a line for each signature: a dash, the
key's name, and in base64 four bytes of key hash with the signature of the text. Keys are written
the way Go's `note` package writes them, so its tools read ours and ours read theirs.
Source: c2sp.org/signed-note
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from loyalty.sealing.broken import SealBroken
from loyalty.sealing.signing_keys import (
    KeyMalformed,
    SigningKey,
    VerifierKey,
    is_key_name,
    strict_base64,
)

MOST_SIGNATURES = 100
MOST_BYTES = 1_000_000
"""As Go's reader: what is larger was made to tire whoever reads it."""


class NoteMalformed(SealBroken):
    """The text is not a signed note."""


class SignatureWrong(SealBroken):
    """A key that is known did not sign this text, though its name stands under it."""


class NotSigned(SealBroken):
    """No key that is known has signed."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A text that was checked, and the keys that signed it, in the order of their lines."""

    text: str
    by: tuple[VerifierKey, ...]


def sign_note(text: str, keys: Sequence[SigningKey]) -> str:
    """The note of a text, with a signature by each key.

    The text ends in a newline and has no other control characters; else NoteMalformed.
    """
    _must_be_text(text)
    return f"{text}\n" + "".join(_signature_line(text, key) for key in keys)


def add_signature(note: str, key: SigningKey) -> str:
    """The same note with one more signature; the others stay, whether their keys are known or not.

    What key they are by is not checked: open the note first.
    """
    text, _ = _parted(note)
    return note + _signature_line(text, key)


def open_note(note: str, known: Sequence[VerifierKey]) -> Signed:
    """The text of a note that at least one known key signed.

    Signatures by other keys say nothing and are passed over. Raises NoteMalformed, SignatureWrong
    if any signature of a known key does not fit, NotSigned if there is none, KeyMalformed if two
    known keys cannot be told apart.
    """
    text, lines = _parted(note)
    keys = {(key.name, key.key_hash): key for key in known}
    if len(keys) != len(set(known)):
        raise KeyMalformed("Two of the known keys have the same name and hash.")
    by: dict[VerifierKey, None] = {}
    for line in lines:
        name, key_hash, signature = _signature(line)
        key = keys.get((name, key_hash))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
        except InvalidSignature:
            raise SignatureWrong(f"{name} did not sign this text.") from None
        by[key] = None
    if not by:
        raise NotSigned("None of the known keys has signed.")
    return Signed(text, tuple(by))


def _signature_line(text: str, key: SigningKey) -> str:
    signature = key.verifier.key_hash + key.sign(text.encode())
    return f"— {key.name} {b64encode(signature).decode()}\n"


def _parted(note: str) -> tuple[str, list[str]]:
    """The text, and the lines under the last empty line."""
    _must_be_text(note)
    at = note.rfind("\n\n")
    if at < 0:
        raise NoteMalformed("A note has an empty line between its text and its signatures.")
    lines = note[at + 2 : -1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteMalformed(f"A note has at most {MOST_SIGNATURES} signatures.")
    for line in lines:
        _signature(line)
    return note[: at + 1], lines


def _signature(line: str) -> tuple[str, bytes, bytes]:
    """Name, key hash and signature of one line; a line of any other shape spoils the note."""
    dash, _, rest = line.partition(" ")
    name, _, coded = rest.partition(" ")
    signature = strict_base64(coded)
    if dash != "—" or not is_key_name(name) or signature is None or len(signature) <= 4:
        raise NoteMalformed("A line under the text is no signature.")
    return name, signature[:4], signature[4:]


def _must_be_text(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise NoteMalformed("A note is valid UTF-8.") from None
    if size > MOST_BYTES:
        raise NoteMalformed(f"A note has at most {MOST_BYTES} bytes.")
    if not text.endswith("\n") or any(c < " " and c != "\n" for c in text):
        raise NoteMalformed("A note is lines of text without control characters.")
