"""Turns whatever a route raises into a problem, and documents on each route which may come."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Scope

from api.field_words import meant, message_of
from api.problem_kinds import KINDS
from api.problems import (
    MEDIA_TYPE,
    FieldProblem,
    Problem,
    Refused,
    problem,
    problem_response,
    respond,
)
from loyalty.errors import Invalid, LoyaltyError

RETRY_SECONDS = "2"
"""Long enough for a database to come back from a restart, short enough for a till to wait."""

_BY_STATUS = {
    400: "malformed",
    404: "no_such_path",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
_LIMITS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern", "expected")

log = structlog.stdlib.get_logger("milepost.api")
logging.getLogger("milepost.api").addHandler(logging.NullHandler())


def install(
    app: FastAPI,
    weather: tuple[type[Exception], ...],
    methods_at: Callable[[Scope], set[str]],
) -> None:
    """Give the app its handlers; `weather` are the errors that mean: ask again later."""

    @app.exception_handler(LoyaltyError)
    async def refused_by_rule(request: Request, error: LoyaltyError) -> JSONResponse:
        return respond(refusal(request, error))

    @app.exception_handler(Refused)
    async def refused_by_http(request: Request, error: Refused) -> JSONResponse:
        return problem_response(request, error.code, error.detail, facts=error.facts)

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: RequestValidationError) -> JSONResponse:
        found = error.errors()
        if found and found[0]["type"] == "json_invalid":
            at = found[0]["loc"][-1]
            return problem_response(
                request, "malformed", f"The body is not JSON: it breaks at character {at}."
            )
        return respond(invalid(request, found))

    @app.exception_handler(HTTPException)
    async def from_http(request: Request, error: HTTPException) -> JSONResponse:
        code = _BY_STATUS.get(error.status_code, "refused")
        detail = KINDS[code].title["en"] + "."
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(sorted(methods_at(request.scope)))
        return problem_response(request, code, detail, headers=headers)

    for kind in weather:
        app.add_exception_handler(kind, _not_now)


def reason_of(error: Exception) -> str:
    """The driver's first line, such as a full disk; the others may quote rows."""
    return str(getattr(error, "orig", None) or "").partition("\n")[0]


async def _not_now(request: Request, error: Exception) -> JSONResponse:
    log.warning("unavailable", error=type(error).__name__, reason=reason_of(error))
    return respond(unavailable(request), {"Retry-After": RETRY_SECONDS})


def unavailable(request: Request) -> Problem:
    """The database is away: nothing was changed, and the same request may come again."""
    detail = "The database does not answer. Send the same request with the same ids again."
    return problem(request, "unavailable", detail)


def refusal(request: Request, error: LoyaltyError) -> Problem:
    """What the domain refused, as a problem."""
    if isinstance(error, Invalid):
        errors = [_named(each) for each in error.problems]
        return problem(request, error.code, error.detail, errors=errors)
    return problem(request, error.code, error.detail, facts=_plain(error.facts))


def invalid(request: Request, found: Sequence[Any]) -> Problem:
    """What a model refused, field by field; `found` is pydantic's own list."""
    found = meant(found)
    return problem(request, "invalid", _sentence(found), errors=[_field(each) for each in found])


def _field(found: Mapping[str, Any]) -> FieldProblem:
    where, *rest = found["loc"]
    context = found.get("ctx", {})
    allowed = {name: context[name] for name in _LIMITS if name in context}
    return FieldProblem(
        field=".".join(str(part) for part in rest) or str(where),
        code=str(found["type"]),
        message=message_of(found),
        allowed=allowed or None,
    )


def _named(problem: Mapping[str, Any]) -> FieldProblem:
    return FieldProblem(
        field=str(problem.get("field", "")),
        code=str(problem.get("code", "invalid")),
        message=str(problem.get("message", "This value is not allowed.")),
        where=f"{problem['file']}:{problem['line']}" if "file" in problem else None,
        allowed=_plain({"allowed": problem.get("allowed")})["allowed"],
    )


def _sentence(found: Sequence[Any]) -> str:
    fields = list(dict.fromkeys(_field(each).field for each in found))
    named = ", ".join(fields[:5]) + (" and others" if len(fields) > 5 else "")
    return f"Look at {named}: `errors` says what is wrong with each."


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON can say them: instants and other values as text."""

    def say(value: Any) -> Any:
        if value is None or isinstance(value, str | int | float | bool):
            return value
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json")
        if isinstance(value, Mapping):
            return {str(key): say(each) for key, each in value.items()}
        if isinstance(value, Sequence | set | frozenset):
            return [say(each) for each in value]
        return value.isoformat() if hasattr(value, "isoformat") else str(value)

    return {key: say(value) for key, value in facts.items()}


_REF = {"$ref": "#/components/schemas/Problem"}


def problems(*codes: str, write: bool = False) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: what every guarded route may answer, and these codes besides."""
    always = ("malformed", "unauthenticated", "forbidden", "invalid", "busy", "unavailable")
    body = ("too_slow", "too_large", "unsupported_media_type") if write else ()
    by_status: dict[int, list[str]] = {}
    for code in (*always, *body, *codes, "internal"):
        by_status.setdefault(KINDS[code].status, []).append(code)
    return {
        status: {
            "description": "; ".join(f"`{code}`: {KINDS[code].title['en']}" for code in listed),
            "content": {MEDIA_TYPE: {"schema": _REF}},
        }
        for status, listed in sorted(by_status.items())
    }
