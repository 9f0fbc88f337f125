"""Every text of the console's pages as it stands in templates and code, and where."""

from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir

from api.console import app as console_app

FOLDER = Path(console_app.__file__).parent
Text = str | tuple[str, ...]
_METHODS = [("templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
_OPTIONS = {
    "templates/**.html": {
        "extensions": "jinja2.ext.do",
        "trim_blocks": "true",
        "silent": "false",
        "newstyle_gettext": "true",
    }
}
_KEYWORDS = {"_": None, "N_": None, "say": None, "gettext": None, "ngettext": (1, 2)}


def texts() -> Iterator[tuple[Text, str]]:
    """A text, or the forms of one with a number, and `file:line`."""
    found = extract_from_dir(
        FOLDER,
        method_map=_METHODS,
        options_map=_OPTIONS,
        keywords=_KEYWORDS,
        strip_comment_tags=True,
    )
    for file, line, message, _, _ in found:
        yield message, f"{file}:{line}"
