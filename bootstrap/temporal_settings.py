"""Where Temporal is, how it is spoken to, and the keys that seal what goes there."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from bootstrap.converter import read_keys
from bootstrap.web_address import WebAddress


def _keys(written: SecretStr) -> dict[str, bytes]:
    return read_keys(written.get_secret_value().split(","))


def _sealing(written: SecretStr | None) -> SecretStr | None:
    if written is not None:
        _keys(written)
    return written


class TemporalSettings(BaseSettings):
    """A part of the settings."""

    temporal_address: str = Field(
        "127.0.0.1:7233",
        pattern=r"^[^\s:/]+:\d{1,5}$",
        description="`host:port` of Temporal. `milepost up` starts its own server there.",
    )
    temporal_namespace: str = Field("default", description="Temporal namespace.")
    temporal_task_queue: str = Field("milepost", description="Where workers look for work.")
    temporal_tls: bool = Field(
        False, description="Speak TLS; an API key or certificate implies it."
    )
    temporal_tls_ca: Path | None = Field(None, description="CA certificate of the server (PEM).")
    temporal_tls_cert: Path | None = Field(None, description="Client certificate (PEM).")
    temporal_tls_key: Path | None = Field(None, description="Key of the client certificate (PEM).")
    temporal_api_key: SecretStr | None = Field(None, description="API key of Temporal Cloud.")
    temporal_ui_url: WebAddress | None = Field(
        None,
        description="Where Temporal's web UI is; its origin may ask the codec server.",
    )
    codec_keys: Annotated[SecretStr | None, AfterValidator(_sealing)] = Field(
        None,
        description="`id:hex` AES keys, separated by commas, newest first. With keys, everything "
        "that goes to Temporal is sealed, except ids and search attributes.",
    )
    codec_seal: bool = Field(
        True, description="`false` only opens what was sealed before: the way to switch it off."
    )

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if bool(self.temporal_tls_cert) != bool(self.temporal_tls_key):
            raise ValueError("temporal_tls_cert and temporal_tls_key belong together: set both")
        return self

    def codec(self) -> dict[str, bytes]:
        """Keys by id, newest first; empty = payloads travel as they are."""
        return _keys(self.codec_keys) if self.codec_keys else {}
