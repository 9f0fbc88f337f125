"""Choose: the gallery of templates, each with its journey as a picture."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from api.console.rendering import page
from api.console.sessions import person
from api.keys import Caller
from api.services import Given
from loyalty.journeys.picture import picture_of_template

router = APIRouter()
Writer = Annotated[Caller, person("change_campaigns")]


@router.get("/gallery")
def gallery(request: Request, given: Given, caller: Writer) -> Response:
    """What a member experiences, for which goal, and the way through it."""
    found = sorted(given.templates().values(), key=lambda each: each.name)
    pictures = {each.name: picture_of_template(each, given.programme) for each in found}
    return page(request, "gallery.html", templates=found, pictures=pictures)
