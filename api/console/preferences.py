"""Which language and theme this browser wants: kept in cookies, for people signed in or not."""

from fastapi import APIRouter, Request, Response

from api.console.addresses import own_page
from api.console.cookies import set_cookie
from api.console.forms import form_of
from api.console.language import LANGUAGE_COOKIE, LANGUAGES, THEME_COOKIE, THEMES
from api.console.rendering import go

router = APIRouter()
_A_YEAR = 365 * 24 * 3600


@router.post("/preferences")
async def choose(request: Request) -> Response:
    form = await form_of(request)
    answer = go(request, own_page(str(form.get("next", ""))))
    for name, cookie, allowed in (
        ("language", LANGUAGE_COOKIE, LANGUAGES),
        ("theme", THEME_COOKIE, THEMES),
    ):
        if form.get(name) in allowed:
            set_cookie(request, answer, cookie, form[name], _A_YEAR)
    return answer
