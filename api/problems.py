"""What can go wrong, as callers see it: RFC 9457 problems with a stable code and plain words.

`problem_kinds.py` says each code's status and what it means; the page `/problems/<code>` is written
from it, so an error's `type` can be opened and read.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.problem_kinds import KINDS

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One field and why it was refused; never the value itself."""

    field: str = Field(description="Dotted path in the body, or the parameter's name")
    code: str = Field(description="Stable: programs may branch on it")
    message: str
    where: str | None = Field(None, description="File and line, for what stands in a template")
    allowed: Any = Field(None, description="What would have been accepted, where that is known")


class Problem(BaseModel):
    """Every answer that is not a success. Branch on `code`; show `detail` to people."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/unknown",
                    "title": "There is no such thing",
                    "status": 404,
                    "detail": "There is no member 'lee'.",
                    "code": "unknown",
                    "request_id": "0197f3a2-7c1e-7d61-9a55-5f2d1c0b8e11",
                    "facts": {"kind": "member", "id": "lee"},
                }
            ]
        }
    )
    type: str = Field(description="A page that explains this kind of problem")
    title: str
    status: int
    detail: str
    code: str
    request_id: str = Field(description="Name it when you ask for help: the log has it too")
    errors: list[FieldProblem] | None = None
    facts: dict[str, Any] | None = Field(None, description="The ids and figures needed to act")


class Refused(Exception):
    """A refusal that is HTTP's own business, such as a missing role."""

    def __init__(self, code: str, detail: str, *, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.facts = facts


def locale_of(request: Request) -> str:
    """`zh` or `en`, whichever the caller prefers; English when neither is named."""
    best, best_weight = "en", 0.0
    for part in request.headers.get("accept-language", "").split(",")[:10]:
        tag, _, rest = part.strip().partition(";")
        name = tag.strip().lower().partition("-")[0]
        try:
            weight = float(rest.partition("q=")[2] or 1)
        except ValueError:
            continue
        if name in ("en", "zh") and weight > best_weight:
            best, best_weight = name, weight
    return best


def problem(
    request: Request,
    code: str,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Problem:
    """A problem of this kind; a code without a kind of its own is a refusal."""
    kind = KINDS.get(code, KINDS["refused"])
    return Problem(
        type=f"/problems/{code}",
        title=kind.title[locale_of(request)],
        status=kind.status,
        detail=detail,
        code=code,
        request_id=getattr(request.state, "request_id", ""),
        errors=errors,
        facts=dict(facts) if facts else None,
    )


def respond(answer: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Send a problem as what it is."""
    return JSONResponse(
        answer.model_dump(mode="json", exclude_none=True),
        status_code=answer.status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def problem_response(
    request: Request,
    code: str,
    detail: str,
    *,
    facts: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    return respond(problem(request, code, detail, facts=facts), headers)
