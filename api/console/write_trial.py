"""A template tried on a member while it is being written: the journey they would have."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.console.forms import at, errors_of, form_of
from api.console.rendering import page
from api.console.sessions import person
from api.console.template_draft import Draft, draft_of
from api.console.write import editor
from api.keys import Caller
from api.routes.template_trial import TrialAsked, TrialView, trial
from api.services import Given, Services
from loyalty.errors import Invalid, LoyaltyError, invalid_field
from loyalty.journeys.yaml_tree import Unreadable, read_tree

router = APIRouter()
Writer = Annotated[Caller, person("explain")]


@router.post("/templates/try")
async def try_template(request: Request, given: Given, caller: Writer) -> Response:
    """With scripts the journey alone; without, the editor's page with the journey on it."""
    form = await form_of(request)

    def work() -> Response:
        draft = draft_of(form)
        errors: dict[str, str] = {}
        made: TrialView | None = None
        try:
            made = _made(request, given, draft)
        except ValidationError as error:
            errors = {"member_id": next(iter(errors_of(error).values()))}
        except Invalid as error:
            errors = {"values": " ".join(f"{k}: {v}" for k, v in errors_of(error).items())}
        except LoyaltyError as error:
            errors = {"member_id": error.detail}
        if "hx-request" in request.headers:
            return page(request, "_write_trial.html", trial=made, errors=errors)
        return editor(request, given, draft, 422 if errors else 200, errors=errors, trial=made)

    return await run_in_threadpool(work)


def _made(request: Request, given: Services, draft: Draft) -> TrialView | None:
    """None while the template cannot be read: the findings say why."""
    template, found = given.read_texts(None, draft.texts)
    if template is None or found:
        return None
    typed = draft.typed
    asked = TrialAsked.model_validate(
        {
            "member_id": str(at(typed, "member_id")).strip() or None,
            "values": _values(str(at(typed, "values"))),
            "assumed": {"kind": str(at(typed, "assume", "everything"))},
        }
    )
    return trial(given, template, asked, request.state.speech.language)


def _values(text: str) -> dict[str, Any]:
    """`welcome_points: 300`, one line each: read as the file itself is."""
    if not text.strip():
        return {}
    try:
        read, _ = read_tree(text)
    except Unreadable as error:
        raise invalid_field(f"line {error.line}", "unreadable", error.reason) from None
    if not isinstance(read, dict):
        raise invalid_field("line 1", "not_fields", "has a name, a colon and a value")
    return read
