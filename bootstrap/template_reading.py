"""The one way from texts to a template: for folders, for the API and for the editor alike."""

from collections.abc import Mapping, Sequence
from typing import Any

from delivery.text_rules import check
from loyalty.journeys.compile import compile_example
from loyalty.journeys.compiled import Compiled
from loyalty.journeys.load import load_texts, read_messages
from loyalty.message_context import ALWAYS, Variable
from loyalty.templates import BrokenTemplate, Problem, Template, Text

_ALWAYS_BEGIN = frozenset(each.name.split(".")[0] for each in ALWAYS)

TEXT_STARTS_AT = 2
"""Lines of a message's file before its text: the subject and an empty one."""


def read_texts(
    name: str | None, files: Mapping[str, str], events: tuple[str, ...]
) -> tuple[Template | None, Sequence[Problem]]:
    """A template from its files by relative name, and everything that is wrong with them.

    Good is what has no problem; where only texts have one, the template is there to be looked at.
    Each problem stands with its file, line and, in YAML, column. Without `name` it may have any.
    Where the journey cannot be read, of texts is said what is wrong wherever they are sent.
    """
    try:
        template = load_texts(name, files, events)
        example = compile_example(template, event_types=events)
    except BrokenTemplate as error:
        messages, _ = read_messages(files)
        anywhere = text_problems(messages, dict.fromkeys(messages, ALWAYS), files)
        return None, [*error.found, *filter(_wherever_sent, anywhere)]
    return template, text_problems(example.messages, example.message_variables, files)


def text_problems(
    messages: Mapping[str, Mapping[str, Text]],
    known: Mapping[str, tuple[Variable, ...]],
    files: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Everything in texts that would not render where they are sent, by what is known there."""
    problems: list[Problem] = []
    for name, by_locale in messages.items():
        variables = known.get(name, ())
        for locale, text in by_locale.items():
            file = f"messages/{name}.{locale}.j2"
            before = _before(files[file]) if files and file in files else TEXT_STARTS_AT
            problems += check(text.subject, variables, file=file, field="subject")
            for found in check(text.text, variables, file=file, field="text"):
                problems.append(found.model_copy(update={"line": found.line + before}))
    return problems


def check_texts(made: Compiled) -> Sequence[Mapping[str, Any]]:
    """The same for a launch, as the problems of a refused request."""
    return [
        {
            "field": f"{problem.file}:{problem.line}",
            "code": problem.code,
            "message": problem.message,
            "allowed": list(problem.allowed) or None,
        }
        for problem in text_problems(made.messages, made.message_variables)
    ]


def _wherever_sent(problem: Problem) -> bool:
    """Whether it is one on every way there: no step gives a name that begins like these."""
    name = problem.message.split("'")[1] if problem.code == "undefined" else ""
    return not name or name.split(".")[0] in _ALWAYS_BEGIN


def _before(content: str) -> int:
    """Lines before a message's text begins; people leave more than one empty."""
    rest = content.partition("\n")[2]
    return 1 + rest[: len(rest) - len(rest.lstrip())].count("\n")
