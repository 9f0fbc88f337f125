"""A template that is being written: what is wrong with it, and the journey it makes."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter

from api.errors import problems
from api.keys import Caller, needs
from api.routes.template_shapes import TemplateChecked, TemplateFiles
from api.services import Given
from loyalty.journeys.picture import picture_of_template

router = APIRouter(tags=["Templates"])


@router.post(
    "/v1/templates/check", summary="Check a template being written", responses=problems(write=True)
)
def check_template(
    body: TemplateFiles, given: Given, caller: Annotated[Caller, needs("read_campaigns")]
) -> TemplateChecked:
    """Every problem with its file, line and column, as for a template's folder. Saves nothing."""
    return checked(given, body.files)


def checked(given: Given, files: Mapping[str, str]) -> TemplateChecked:
    """What is wrong with files under way, and the journey they make."""
    template, findings = given.read_texts(None, files)
    if template is None:
        return TemplateChecked(findings=list(findings))
    return TemplateChecked(
        findings=list(findings),
        name=template.name,
        title=template.title,
        summary=template.summary,
        picture=picture_of_template(template, given.programme),
    )
