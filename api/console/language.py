"""Which language and theme a page has, and its texts: English in the code, Chinese from .po files.

In templates `_("...")` and `ngettext`; in Python `request.state.speech.gettext("...")`. Each area
has a file `locale/zh/<area>.po`; they are read once, when the console is put together.
"""

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Literal, cast, get_args

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from fastapi import Request

from api.console.cookies import read_cookie
from api.problems import locale_of

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Theme = Literal["auto", "light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
NAMES: dict[Language, str] = {"en": "English", "zh": "中文"}
_BABEL: dict[Language, str] = {"en": "en_GB", "zh": "zh_Hans_CN"}
LANGUAGE_COOKIE, THEME_COOKIE = "milepost_language", "milepost_theme"
FOLDER = Path(__file__).parent / "locale"


@dataclass(frozen=True, slots=True)
class Speech:
    """One language: its texts, and how it writes figures and dates."""

    language: Language
    texts: Translations
    locale: Locale

    def gettext(self, text: str, /, **values: object) -> str:
        """The text in this language, `%(name)s` filled in."""
        said = self.texts.gettext(text)
        return said % values if values else said

    def ngettext(self, one: str, many: str, n: int, /, **values: object) -> str:
        """The text for that many things; `%(num)s` is how many."""
        return self.texts.ngettext(one, many, n) % {"num": n, **values}


def catalogues(language: Language) -> dict[Path, Catalog]:
    """Each area's file of this language; none for English, which stands in the code."""
    found: dict[Path, Catalog] = {}
    for path in sorted((FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            found[path] = read_po(file, locale=language, abort_invalid=True)
    return found


@cache
def speech_in(language: Language) -> Speech:
    whole = Catalog(locale=language)
    for catalogue in catalogues(language).values():
        for message in catalogue:
            if message.id and message.string:
                whole[message.id] = message
    file = BytesIO()
    write_mo(file, whole)
    file.seek(0)
    return Speech(language, Translations(file), Locale.parse(_BABEL[language]))


def language_of(request: Request) -> Language:
    """What the person chose; else what the browser asks for."""
    chosen = read_cookie(request, LANGUAGE_COOKIE)
    return cast(Language, chosen if chosen in LANGUAGES else locale_of(request))


def theme_of(request: Request) -> Theme:
    chosen = read_cookie(request, THEME_COOKIE)
    return chosen if chosen in THEMES else "auto"


def speech(request: Request) -> Speech:
    """What this request's answer is written in."""
    return speech_in(language_of(request))
