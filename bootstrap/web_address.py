"""Addresses on the web as settings: wrong ones are told at the start, not at the first call."""

from typing import Annotated

from pydantic import AfterValidator, HttpUrl, TypeAdapter, ValidationError

_READ = TypeAdapter(HttpUrl)


def _web_address(text: str) -> str:
    try:
        _READ.validate_python(text)
    except ValidationError:  # its words quote the address, which may hold a password
        raise ValueError("is not an address: write https://host:port/path") from None
    return text


WebAddress = Annotated[str, AfterValidator(_web_address)]
"""As it was written: slashes at the end mean something to some."""
