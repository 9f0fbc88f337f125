"""What states, codes and reasons are called on pages: the one table, in both languages.

    said(speech, "campaign", "held")     in Python
    said("campaign", "held")             in templates

A code without words of its own is shown as it is, underscores as spaces.
"""

from api.console.language import Speech


def N_(text: str) -> str:
    """Marks a text to be translated where it is shown."""
    return text


# kind of thing -> code -> (words, tone of its badge)
WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "role": {
        "integrator": (N_("Integrator"), "plain"),
        "marketer": (N_("Marketer"), "plain"),
        "operator": (N_("Operator"), "plain"),
        "admin": (N_("Admin"), "plain"),
    },
    "person": {
        "active": (N_("Active"), "good"),
        "invited": (N_("Invited"), "wait"),
        "disabled": (N_("Disabled"), "bad"),
    },
    "theme": {
        "auto": (N_("As the system"), "plain"),
        "light": (N_("Light"), "plain"),
        "dark": (N_("Dark"), "plain"),
    },
    "campaign": {
        "draft": (N_("Draft"), "plain"),
        "starting": (N_("Starting"), "wait"),
        "live": (N_("Live"), "good"),
        "paused": (N_("Paused"), "wait"),
        "completed": (N_("Completed"), "plain"),
        "stopped": (N_("Stopped"), "bad"),
    },
}


def said(speech: Speech, kind: str, code: object) -> str:
    """The words for a code."""
    text = str(code)
    words, _ = WORDS.get(kind, {}).get(text, (text.replace("_", " "), "plain"))
    return speech.gettext(words)


def tone(kind: str, code: object) -> str:
    """How a badge of it looks: plain, good, wait or bad."""
    return WORDS.get(kind, {}).get(str(code), ("", "plain"))[1]
