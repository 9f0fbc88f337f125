"""Pages and fragments from templates, with everything every template may rely on.

    return page(request, "watch.html", report=report)
    return page(request, "_audience_size.html", size=size)        # a fragment, for htmx
    return page(request, "set.html", 422, form=form, errors=errors)

Each template has: `caller` (`caller.may("hold_campaigns")`) and `person`, or none; `language`,
`theme`, `path`, `nav`, `notice`, `asset("console.js")`, `at(form, "values.points")`, the filters of
`figures.py`, `said("campaign", state)`, `picture(data)`; and `_`, `gettext`, `ngettext`.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket, BytecodeCache
from markupsafe import Markup

from api.console.addresses import here
from api.console.assets import address
from api.console.charts import picture
from api.console.cookies import NOTICE, drop_cookie, notice, read_notice
from api.console.figures import filters
from api.console.forms import at
from api.console.language import FOLDER, LANGUAGES, NAMES, THEMES, Language, speech_in, theme_of
from api.console.nav import nav_for
from api.console.words import said, tone
from api.services import Services

TEMPLATES = FOLDER.parent / "templates"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def _tojson(value: Any) -> Markup:
    """Data for a `<script type="application/json">`: no text in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    for bad, good in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(bad, good)
    return Markup(text)  # escaped above


class Compiled(BytecodeCache):
    """What templates were compiled to: once, for all languages."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._codes.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key] = bucket.bytecode_to_string()


_compiled = Compiled()


def environments(services: Services) -> dict[Language, Environment]:
    """One for each language, made once for an application."""
    return {each: _environment(services, each) for each in LANGUAGES}


def _environment(services: Services, language: Language) -> Environment:
    speech = speech_in(language)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        auto_reload=False,
        bytecode_cache=_compiled,
    )
    # The i18n extension adds the method to the environment, where no type says so.
    install = environment.install_gettext_translations  # type: ignore[attr-defined]
    install(speech.texts, newstyle=True)
    environment.filters.update(filters(speech, services.programme, services.clock))
    environment.filters["tojson"] = _tojson
    environment.globals.update(
        asset=address,
        at=at,
        picture=picture,
        said=lambda kind, code: said(speech, kind, code),
        tone=tone,
        language=language,
        languages=[(each, NAMES[each]) for each in LANGUAGES],
        themes=THEMES,
        zone=services.programme.zone,
        currency=services.programme.currency,
    )
    return environment


def services_of(request: Request) -> Services:
    """What the console is given to work with; routes may take `Given` instead."""
    return cast(Services, request.app.state.services)


def page(
    request: Request, template: str, /, status: int = 200, *, back: str = "", **facts: Any
) -> HTMLResponse:
    """The template as an answer; a notice that was waiting is shown and forgotten.

    A page that answers a form is asked for again at `back`, where the form went elsewhere.
    """
    speech = request.state.speech
    waiting = None if template.startswith("_") else read_notice(request)
    given: Mapping[str, Any] = {
        "person": request.state.person,
        "caller": request.state.caller,
        "theme": theme_of(request),
        "path": request.url.path,
        "here": here(request) if request.method == "GET" or not back else back,
        "nav": nav_for(request.state.caller, request.url.path),
        "notice": waiting,
        "now": services_of(request).clock.now(),
    }
    made = request.app.state.environments[speech.language].get_template(template)
    answer = HTMLResponse(made.render({**given, **facts}), status_code=status, headers=HEADERS)
    answer.headers["Content-Language"] = speech.language
    answer.headers["Vary"] = "Cookie, Accept-Language"
    if waiting:
        drop_cookie(request, answer, NOTICE)
    return answer


def go(request: Request, path: str, said: str | None = None) -> RedirectResponse:
    """After an act: on to the page that shows what became of it, with a sentence about it."""
    answer = RedirectResponse(path, status_code=303, headers=HEADERS)
    if said:
        notice(request, answer, said)
    return answer
