"""The codec server: Temporal's own web UI and command line show sealed payloads to operators."""

import base64
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from api.errors import problems
from api.keys import Caller, needs
from api.problems import Refused
from api.services import Given

router = APIRouter(tags=["Codec server"])

Base64 = Annotated[str, Field(max_length=3_000_000, pattern=r"^[A-Za-z0-9+/_=-]*$")]


class PayloadJson(BaseModel):
    """A Temporal payload as JSON: all bytes in base64."""

    model_config = ConfigDict(extra="ignore")
    metadata: dict[str, Base64] = Field(default_factory=dict, max_length=32)
    data: Base64 = ""


class Payloads(BaseModel):
    model_config = ConfigDict(extra="ignore")
    payloads: list[PayloadJson] = Field(max_length=1000)


_ERRORS = problems("unknown", write=True)


@router.post("/codec/decode", summary="Open sealed payloads", responses=_ERRORS)
async def decode(
    body: Payloads, given: Given, caller: Annotated[Caller, needs("codec")]
) -> Payloads:
    """Temporal's codec protocol. Payloads that are not sealed come back as they are."""
    return await _through(body, given, "decode")


@router.post("/codec/encode", summary="Seal payloads", responses=_ERRORS)
async def encode(
    body: Payloads, given: Given, caller: Annotated[Caller, needs("codec")]
) -> Payloads:
    """Temporal's codec protocol, for inputs typed into its web UI or command line."""
    return await _through(body, given, "encode")


async def _through(body: Payloads, given: Given, way: str) -> Payloads:
    codec = given.codec
    if codec is None:
        return body  # nothing is sealed here
    try:
        payloads = [_from_json(each) for each in body.payloads]
        changed = await _run(codec, way, payloads)
    except Exception as error:
        # A foreign key, a cut text, bytes that were never sealed: none of it is our failure, and
        # the cryptography behind it says no more on purpose.
        raise Refused("malformed", f"A payload cannot be read: {type(error).__name__}.") from None
    return Payloads(payloads=[_to_json(each) for each in changed])


async def _run(codec: PayloadCodec, way: str, payloads: list[Payload]) -> list[Payload]:
    return await (codec.decode(payloads) if way == "decode" else codec.encode(payloads))


def _from_json(payload: PayloadJson) -> Payload:
    metadata = {name: _bytes(value) for name, value in payload.metadata.items()}
    return Payload(metadata=metadata, data=_bytes(payload.data))


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)


def _to_json(payload: Payload) -> PayloadJson:
    return PayloadJson(
        metadata={k: base64.b64encode(v).decode() for k, v in payload.metadata.items()},
        data=base64.b64encode(payload.data).decode(),
    )
