"""The files, folders and ports that settings name: where one cannot be used, its setting is named.

Everything here raises SettingsError.
"""

import socket
from errno import EACCES, EADDRINUSE
from pathlib import Path

from bootstrap.settings import Settings, SettingsError, variable


def unusable(field: str, why: str) -> SettingsError:
    return SettingsError([f"{variable(field)}: {why}"])


def read_bytes(field: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise unusable(field, f"{path} cannot be read: {error.strerror}") from None


def read_text(field: str, path: Path) -> str:
    try:
        return read_bytes(field, path).decode()
    except UnicodeDecodeError:
        raise unusable(field, f"{path} is not UTF-8 text") from None


def make_folder(field: str, path: Path) -> Path:
    """The folder, for its owner alone where it is made."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        why = "it is a file" if path.is_file() else error.strerror
        raise unusable(field, f"the folder {path} cannot be made: {why}") from None
    return path


def free_address(
    field: str, host: str, port: int, *, host_field: str | None = None
) -> tuple[str, int]:
    """The address in digits, where nobody else listens; port 0 stands for any free one."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            found = probe.getsockname()
    except OSError as error:
        of_port = error.errno in (EACCES, EADDRINUSE)
        why = f"{host}:{port} cannot be used ({error.strerror}): set another"
        raise unusable(field if of_port else host_field or field, why) from None
    return str(found[0]), int(found[1])


def listening_at(settings: Settings) -> tuple[str, int]:
    """Where the API listens."""
    host, port = settings.listen_host, settings.listen_port
    return free_address("listen_port", host, port, host_field="listen_host")


def measured_at(field: str, settings: Settings) -> tuple[str, int] | None:
    """Where a process serves its metrics; none where its setting names no port."""
    port: int | None = getattr(settings, field)
    if not port:
        return None
    return free_address(field, settings.metrics_host, port, host_field="metrics_host")
