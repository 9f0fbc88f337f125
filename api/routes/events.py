"""What happened: purchases, refunds and members' other acts, one at a time or a batch."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from api.errors import invalid, problems, refusal, unavailable
from api.keys import Caller, needs
from api.problems import Problem
from api.recording import recorded, twice
from api.routes.event_shapes import (
    BATCH_MAX,
    BODY,
    ActRecorded,
    BatchResult,
    ItemResult,
    PurchaseRecorded,
    RefundRecorded,
)
from api.services import Given
from api.waiting import answer_of
from loyalty.errors import LoyaltyError
from loyalty.events import MemberEvent, Purchase, Refund
from loyalty.intake import event_wants, purchase_wants, record_event, record_purchase
from loyalty.refunds import record_refund, refund_wants

router = APIRouter(tags=["Events"])
Answer = Mapping[str, Any]


_ERRORS = problems("unknown", "key_reused", "wrong_state", write=True)
_OF_A_REFUND = problems("unknown", "key_reused", write=True)  # goods come back, whoever left


@router.post(
    "/v1/purchases",
    summary="Record a purchase",
    status_code=201,
    responses=_ERRORS | twice(PurchaseRecorded, "Recorded now"),
)
async def record_one_purchase(
    body: Purchase, given: Given, caller: Annotated[Caller, needs("record")]
) -> JSONResponse:
    """Credits what the receipt earns at once and tells every journey that waits for it.

    The pair (`source`, `id`) makes it safe to send again: the first answer comes back. The same
    pair with other content is refused.
    """
    return recorded(await answer_of(_purchase(given, body)))


@router.post(
    "/v1/refunds",
    summary="Record a refund",
    status_code=201,
    responses=_OF_A_REFUND | twice(RefundRecorded, "Recorded now"),
)
async def record_one_refund(
    body: Refund, given: Given, caller: Annotated[Caller, needs("record")]
) -> JSONResponse:
    """Takes back what the refunded lines earned, by the rules they were earned under."""
    return recorded(await answer_of(_refund(given, body)))


@router.post(
    "/v1/events",
    summary="Record events, one or a batch",
    status_code=201,
    openapi_extra=BODY,
    responses=_ERRORS
    | twice(
        PurchaseRecorded | RefundRecorded | ActRecorded | BatchResult,
        "Recorded now; a batch always answers 200 with the fate of each event",
    ),
)
async def record_events(
    request: Request,
    body: Annotated[dict[str, Any], Body()],
    given: Given,
    caller: Annotated[Caller, needs("record")],
) -> Response:
    """One event of any declared type, or `{"events": [...]}` with up to 1,000 of any kind.

    A batch may mix purchases (`"type": "purchase"`), refunds (`"type": "refund"`) and other
    events. Each is recorded, or refused, for itself; `results` keeps the order.
    """
    if "events" in body:
        return await _batch(request, given, body)
    try:
        return recorded(await answer_of(_record(given, body)))
    except ValidationError as error:
        raise _as_body(error) from None


async def _batch(request: Request, given: Given, body: Mapping[str, Any]) -> Response:
    events = body["events"]
    extra = sorted(set(body) - {"events"})
    if extra or not isinstance(events, list) or not 1 <= len(events) <= BATCH_MAX:
        raise RequestValidationError([_batch_problem(extra)])
    # All of them are put in line before the first is waited for: a batch shares few commits.
    sent = [(index, item, _sent(given, item)) for index, item in enumerate(events)]
    results = [await _one(request, given, *each) for each in sent]
    count = {status: sum(result.status == status for result in results) for status in (200, 201)}
    answer = BatchResult(
        recorded=count[201],
        replayed=count[200],
        refused=len(results) - count[200] - count[201],
        results=results,
    )
    return Response(answer.model_dump_json(exclude_none=True), media_type="application/json")


def _sent(given: Given, item: Any) -> Future[Answer]:
    """The work put in line; what refuses it at once comes out when it is waited for."""
    try:
        return _record(given, item)
    except Exception as error:
        if not isinstance(error, (ValidationError, *given.weather)):
            raise
        refused: Future[Answer] = Future()
        refused.set_exception(error)
        return refused


async def _one(
    request: Request, given: Given, index: int, item: Any, sent: Future[Answer]
) -> ItemResult:
    name: dict[str, Any] = {"index": index}
    if isinstance(item, dict):
        name |= {key: item[key] for key in ("source", "id") if isinstance(item.get(key), str)}
    try:
        answer = await answer_of(sent)
    except ValidationError as error:
        return _refused(name, invalid(request, _as_body(error).errors()))
    except LoyaltyError as error:
        return _refused(name, refusal(request, error))
    except given.weather:
        return _refused(name, unavailable(request))
    return ItemResult(**name, status=200 if answer["replayed"] else 201, answer=answer)


def _refused(name: Mapping[str, Any], why: Problem) -> ItemResult:
    return ItemResult(**name, status=why.status, problem=why)


def _record(given: Given, item: Any) -> Future[Answer]:
    """One event of any kind, put in line."""
    kind = item.get("type") if isinstance(item, dict) else None
    if kind in ("purchase", "refund"):
        bare = {key: value for key, value in item.items() if key != "type"}
        if kind == "purchase":
            return _purchase(given, Purchase.model_validate(bare))
        return _refund(given, Refund.model_validate(bare))
    event = MemberEvent.model_validate(item)
    return given.store.submit(lambda tx: record_event(tx, event), event_wants(event))


def _purchase(given: Given, purchase: Purchase) -> Future[Answer]:
    return given.store.submit(lambda tx: record_purchase(tx, purchase), purchase_wants(purchase))


def _refund(given: Given, refund: Refund) -> Future[Answer]:
    return given.store.submit(lambda tx: record_refund(tx, refund), refund_wants(refund))


def _as_body(error: ValidationError) -> RequestValidationError:
    return RequestValidationError(
        [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
    )


def _batch_problem(extra: list[str]) -> dict[str, Any]:
    if extra:
        return {
            "loc": ("body", extra[0]),
            "type": "extra_forbidden",
            "msg": "is not part of a batch",
        }
    return {
        "loc": ("body", "events"),
        "type": "batch_size",
        "msg": f"must be a list of 1 to {BATCH_MAX} events",
        "ctx": {"min_length": 1, "max_length": BATCH_MAX},
    }
