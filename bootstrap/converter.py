"""How payloads look on their way to Temporal: pydantic JSON, and sealed when a key is set.

One factory for client, worker, relay, replayer and codec server, so that all read each other.
"""

import dataclasses
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
)

SEALED = b"binary/encrypted"
PACKED = b"zlib"
PACK_ABOVE_BYTES = 1024
"""Below this, compressing saves less than its own bookkeeping costs."""
NONCE_BYTES = 12


class UnknownKey(Exception):
    """A payload was sealed with a key that is no longer configured."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"A payload was sealed with key {key_id!r}, which is not configured. "
            "Keep retired keys listed until every run that used them has ended."
        )
        self.key_id = key_id


class SealingCodec(PayloadCodec):
    """Compress above 1 KiB, then seal with AES-256-GCM under the newest key.

    `keys` are 16, 24 or 32 bytes by key id; the first one seals, all of them open. The key id is
    bound to the payload, so a payload relabelled with another id does not open.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ValueError("a sealing codec needs at least one key")
        self._keys = {name: AESGCM(key) for name, key in keys.items()}
        self._newest = next(iter(keys))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        content = payload.SerializeToString()
        metadata = {"encoding": SEALED, "key-id": self._newest.encode()}
        if len(content) > PACK_ABOVE_BYTES:
            content = zlib.compress(content)
            metadata["packing"] = PACKED
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._keys[self._newest].encrypt(nonce, content, _bound(metadata))
        return Payload(metadata=metadata, data=nonce + sealed)

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != SEALED:
            return payload  # written before sealing was switched on
        key_id = payload.metadata["key-id"].decode()
        if key_id not in self._keys:
            raise UnknownKey(key_id)
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        content = self._keys[key_id].decrypt(nonce, sealed, _bound(payload.metadata))
        if payload.metadata.get("packing") == PACKED:
            content = zlib.decompress(content)
        return Payload.FromString(content)


class OpeningCodec(SealingCodec):
    """Opens what was sealed and seals nothing more: the way out of sealing."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)


def _bound(metadata: Mapping[str, bytes]) -> bytes:
    return metadata["key-id"] + b"|" + metadata.get("packing", b"")


def read_keys(settings: Iterable[str]) -> dict[str, bytes]:
    """Read keys written `id:hex`, newest first."""
    keys: dict[str, bytes] = {}
    for line in settings:
        name, colon, secret = line.partition(":")
        try:
            keys[name.strip()] = bytes.fromhex(secret.strip())
            AESGCM(keys[name.strip()])
        except ValueError as error:
            which = f"key {name!r}" if colon else "a key"  # without an id, the secret itself
            raise ValueError(
                f"{which} must be written id:hex, with 32, 48 or 64 hex digits"
            ) from error
    return keys


def data_converter(keys: Mapping[str, bytes] | None = None) -> DataConverter:
    """The one data converter; with keys, everything but ids and search attributes is sealed."""
    return converter_with(SealingCodec(keys) if keys else None)


def converter_with(codec: PayloadCodec | None) -> DataConverter:
    """The data converter over this codec, which then also seals what failures say."""
    if codec is None:
        return pydantic_data_converter
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=codec,
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )
