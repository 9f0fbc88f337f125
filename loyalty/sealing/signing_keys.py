"""Keys that sign notes, with the name they sign under: Ed25519, written the way Go's `note` does.

`PRIVATE+KEY+<name>+<hash>+<base64>` is secret, `<name>+<hash>+<base64>` is for everybody. The hash
is the first four bytes of SHA-256(name, 0x0A, 0x01, public key), in hex; the base64 is 0x01, which
means Ed25519, and 32 bytes of seed or public key. Source: c2sp.org/signed-note
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from loyalty.sealing.broken import SealBroken

ED25519 = b"\x01"
SECRET = "PRIVATE+KEY+"


class KeyMalformed(SealBroken):
    """The text is no key, a key of another kind, or its parts do not fit together."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """What checks signatures. `public` is 32 bytes."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        _must_fit(self.name, self.public)

    @property
    def key_hash(self) -> bytes:
        """Four bytes that, with the name, say which key signed."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def encode(self) -> str:
        return f"{self.name}+{self.key_hash.hex()}+{b64encode(ED25519 + self.public).decode()}"

    @classmethod
    def decode(cls, text: str) -> "VerifierKey":
        """Raises KeyMalformed, also if the hash is not that of this name and key."""
        name, key_hash, public = _parts(text)
        key = cls(name, public)
        if key.key_hash.hex() != key_hash:
            raise KeyMalformed(f"The hash of key {name!r} is not that of its name and bytes.")
        return key


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What signs, to be kept secret. `seed` is 32 bytes."""

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _must_fit(self.name, self.seed)

    @property
    def verifier(self) -> VerifierKey:
        """The key that checks what this one signs."""
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return VerifierKey(self.name, public)

    def sign(self, text: bytes) -> bytes:
        """64 bytes, the same each time for the same text."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(text)

    def encode(self) -> str:
        """The secret text: whoever has it can sign."""
        coded = b64encode(ED25519 + self.seed).decode()
        return f"{SECRET}{self.name}+{self.verifier.key_hash.hex()}+{coded}"

    @classmethod
    def decode(cls, text: str) -> "SigningKey":
        """Raises KeyMalformed, also if the hash is not that of this name and key."""
        if not text.startswith(SECRET):
            raise KeyMalformed(f"A signing key begins with {SECRET}.")
        name, key_hash, seed = _parts(text.removeprefix(SECRET))
        key = cls(name, seed)
        if key.verifier.key_hash.hex() != key_hash:
            raise KeyMalformed(f"The hash of key {name!r} is not that of its name and bytes.")
        return key


def generate_signing_key(name: str) -> SigningKey:
    """A new key from the system's randomness, to be made once by whoever sets a log up.

    The only draw in this package, and for a secret: no decision about a member comes from it.
    """
    return SigningKey(name, Ed25519PrivateKey.generate().private_bytes_raw())


def is_key_name(name: str) -> bool:
    """Whether a name can stand in a signature line: no space of any script, no plus."""
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


def strict_base64(text: str) -> bytes | None:
    """The bytes, if the text is the one way to write them in standard base64 with padding."""
    try:
        found = b64decode(text)
    except ValueError:
        return None
    # Decoding passes over what is not base64 and over spare bits: writing it again does not.
    return found if b64encode(found).decode() == text else None


def _parts(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.partition("+")
    key_hash, _, coded = rest.partition("+")
    found = strict_base64(coded)
    if not found:
        raise KeyMalformed("A key is a name, a hash and base64, with a plus between them.")
    if found[:1] != ED25519:
        raise KeyMalformed(f"Key {name!r} is not an Ed25519 key.")
    return name, key_hash, found[1:]


def _must_fit(name: str, key: bytes) -> None:
    if not is_key_name(name):
        raise KeyMalformed("A key's name has no spaces and no plus.")
    if len(key) != 32:
        raise KeyMalformed("An Ed25519 key has 32 bytes.")
