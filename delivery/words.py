"""The words of one message in its reader's language: for the sender, and for previews."""

from collections.abc import Mapping
from typing import Any

from delivery.render import CannotRender, Rendered, render
from loyalty.message_preview import Words
from loyalty.messages import Texts
from loyalty.programme import Programme


def words_of(
    texts: Texts, message: str, locale: str, variables: Mapping[str, Any], programme: Programme
) -> tuple[str, Rendered]:
    """The language that was found and the filled-in text; raises CannotRender.

    That is the reader's language, or the programme's first, or any there is.
    """
    found = texts.get(message)
    if not found:
        raise CannotRender(f"the campaign has no message {message!r}")
    wished = (locale, locale.partition("-")[0], *programme.locales)
    spoken = next((w for w in wished if w in found), next(iter(found)))
    return spoken, render(found[spoken], variables, spoken, programme.tz)


class Speaker:
    """The same as a port: what cannot be said comes back as a problem, not as an exception."""

    def __init__(self, programme: Programme) -> None:
        self._programme = programme

    def __call__(
        self, texts: Texts, message: str, locale: str, variables: Mapping[str, Any]
    ) -> Words:
        try:
            spoken, words = words_of(texts, message, locale, variables, self._programme)
        except CannotRender as error:
            return Words(locale, "", "", str(error))
        return Words(spoken, words.subject, words.text)
