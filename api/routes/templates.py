"""Templates: what a marketer may choose from, with every figure that may be set."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from api.console.drawing import svg_of
from api.errors import problems
from api.keys import Caller, needs
from api.problems import locale_of
from api.services import Given
from loyalty.journeys.picture import picture_of_template
from loyalty.journeys.picture_shapes import Picture
from loyalty.templates import Bilingual, Parameter, Template, Text

router = APIRouter(tags=["Templates"])
SVG = "image/svg+xml"


class TemplateLine(BaseModel):
    name: str
    title: Bilingual
    summary: Bilingual


class TemplatesView(BaseModel):
    templates: list[TemplateLine]


class TemplateView(TemplateLine):
    """A template with what its form asks for: labels, bounds and help in both languages."""

    parameters: dict[str, Parameter]
    parameters_schema: dict[str, Any] = Field(description="JSON Schema of `values` in a campaign")
    messages: dict[str, dict[str, Text]] = Field(description="Message, then language")
    hash: str = Field(description="Changes exactly when the template's meaning may have changed")


@router.get("/v1/templates", summary="List templates", responses=problems())
def list_templates(
    given: Given, caller: Annotated[Caller, needs("read_campaigns")]
) -> TemplatesView:
    """Every template that was read and found good."""
    found = sorted(given.templates().values(), key=lambda template: template.name)
    lines = [TemplateLine.model_validate(each, from_attributes=True) for each in found]
    return TemplatesView(templates=lines)


@router.get("/v1/templates/{name}", summary="Read a template", responses=problems("unknown"))
def read_template(
    name: Annotated[str, Path(min_length=1, max_length=64)],
    given: Given,
    caller: Annotated[Caller, needs("read_campaigns")],
) -> TemplateView:
    """Its parameters, with defaults and bounds, and its messages as written."""
    found = given.template(name)
    return TemplateView(
        name=found.name,
        title=found.title,
        summary=found.summary,
        parameters=found.parameters,
        parameters_schema=_schema(found),
        messages=found.messages,
        hash=found.hash,
    )


@router.get(
    "/v1/templates/{name}/picture",
    summary="Draw a template's journey",
    response_model=Picture,
    responses=problems("unknown")
    | {200: {"content": {SVG: {"schema": {"type": "string"}}}, "description": "The picture"}},
)
def draw_template(
    name: Annotated[str, Path(min_length=1, max_length=64)],
    request: Request,
    given: Given,
    caller: Annotated[Caller, needs("read_campaigns")],
) -> Any:
    """Every step, wait and way of it: as boxes, lines and words, or drawn when an SVG is asked for.

    The figures are the template's own, with examples where it has none. The words of the JSON are
    in both languages; an SVG is in the one that `Accept-Language` prefers.
    """
    found = given.template(name)
    drawn = picture_of_template(found, given.programme)
    if SVG in request.headers.get("accept", ""):
        return Response(svg_of(drawn, locale_of(request)), media_type=SVG)
    return drawn


_TYPES: dict[str, dict[str, Any]] = {
    "points": {"type": "integer"},
    "days": {"type": "integer"},
    "count": {"type": "integer"},
    "money_minor": {"type": "integer"},
    "percent": {"type": "number"},
    "multiplier": {"type": "number"},
    "datetime": {"type": "string", "format": "date-time"},
    "local_time": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
    "bool": {"type": "boolean"},
}


def _schema(template: Template) -> dict[str, Any]:
    """The form as JSON Schema, for programs that draw it or check it beforehand."""
    properties = {name: _property(each) for name, each in template.parameters.items()}
    required = [name for name, each in template.parameters.items() if each.default is None]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _property(parameter: Parameter) -> dict[str, Any]:
    shape = dict(_TYPES.get(parameter.type, {"type": "string"}))
    names = ("minLength", "maxLength") if shape["type"] == "string" else ("minimum", "maximum")
    bounds = zip(names, (parameter.min, parameter.max), strict=True)
    shape |= {name: bound for name, bound in bounds if bound is not None}
    if parameter.choices:
        shape["enum"] = [choice.value for choice in parameter.choices]
    if parameter.default is not None:
        shape["default"] = parameter.default
    shape["title"] = parameter.label.en
    shape["description"] = parameter.help.en
    return shape
