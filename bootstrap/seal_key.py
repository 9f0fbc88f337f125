"""The key that signs checkpoints: from settings, or made once for the embedded database."""

import os
from pathlib import Path

from bootstrap.setting_places import make_folder, read_text, unusable
from bootstrap.settings import Settings, SettingsError, variable
from loyalty.sealing.signing_keys import (
    KeyMalformed,
    SigningKey,
    VerifierKey,
    generate_signing_key,
)

EMBEDDED_KEY = "seal.key"


def signing_key(settings: Settings, *, make: bool = True) -> SigningKey | None:
    """The key, or none: then nothing is signed. Raises SettingsError, never quoting it.

    The embedded database gets a key of its own at the first use, in a file that only its owner can
    read, unless `make` is false. Other databases have several processes beside them, which must be
    given one key: none is made there by chance.
    """
    if settings.seal_key is not None:
        return _read(settings, settings.seal_key.get_secret_value(), "seal_key")
    path = settings.seal_key_file
    if path is None:
        if settings.database_url is not None:
            return None
        path = settings.data_dir / EMBEDDED_KEY
        if not path.exists():
            if not make:
                return None
            _make(path, settings.seal_origin)
    return _read(settings, read_text("seal_key_file", path), "seal_key_file")


def known_keys(settings: Settings) -> tuple[VerifierKey, ...]:
    """What checks signatures: the key's public half, and those of the keys before it."""
    found = signing_key(settings, make=False)
    try:
        before = [VerifierKey.decode(text) for text in settings.seal_old_keys.split()]
    except KeyMalformed as wrong:
        raise unusable("seal_old_keys", str(wrong)) from None
    return (*([found.verifier] if found else []), *before)


def _make(path: Path, origin: str) -> None:
    """Written whole under another name and then linked, so that two processes make one key."""
    make_folder("data_dir", path.parent)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(generate_signing_key(origin).encode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first, and its key is the one
    finally:
        draft.unlink()


def _read(settings: Settings, text: str, field: str) -> SigningKey:
    try:
        key = SigningKey.decode(text.strip())
    except KeyMalformed as wrong:
        raise SettingsError([f"{variable(field)}: {wrong}"]) from None
    if key.name != settings.seal_origin:
        origin = variable("seal_origin")
        raise SettingsError(
            [f"{variable(field)}: the key is of {key.name!r}, and {origin} says another name"]
        )
    return key
