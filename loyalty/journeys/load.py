"""Reads a template's folder: `campaign.yaml` and `messages/<message>.<locale>.j2`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from loyalty.errors import Invalid, Unknown
from loyalty.journeys.compile import FILE, KNOWN_EVENTS, SECTIONS, assemble
from loyalty.journeys.findings import Findings, unreadable
from loyalty.journeys.values import Refused, read_value, read_values
from loyalty.journeys.written import Name, Written
from loyalty.journeys.yaml_tree import Place, Unreadable, read_tree
from loyalty.templates import (
    LOCALES,
    Bilingual,
    BrokenTemplate,
    Parameter,
    Problem,
    Template,
    Text,
    place_key,
)

SUBJECT_MAX = 120  # characters: what a phone's notification shows
TEXT_MAX = 4_000
FILE_NAME = re.compile(r"^messages/([a-z][a-z0-9_]{0,47})\.([a-z]{2})\.j2$")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class _Head(Written):
    """What a template says about itself."""

    name: Name
    title: Bilingual
    summary: Bilingual
    parameters: dict[str, Any] = Field(default_factory=dict)


_NAMELESS = {key: {"en": "?", "zh": "?"} for key in ("title", "summary")} | {"name": "nameless"}
"""Stands in where these cannot be read, so that what is wrong further down is found as well."""


def load_all(root: Path, event_types: tuple[str, ...] = KNOWN_EVENTS) -> dict[str, Template]:
    """Every template under `root`, by name; raises BrokenTemplate for the first broken one."""
    folders = sorted(p for p in root.iterdir() if (p / FILE).is_file())
    return {folder.name: load(folder, event_types) for folder in folders}


def load_named(root: Path, name: str, event_types: tuple[str, ...] = KNOWN_EVENTS) -> Template:
    """One template by name; raises Unknown."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,47}", name) or not (root / name / FILE).is_file():
        raise Unknown("template", name)
    return load(root / name, event_types)


def load(folder: Path, event_types: tuple[str, ...] = KNOWN_EVENTS) -> Template:
    """The template in `folder`; raises BrokenTemplate with everything that is wrong with it."""
    return load_texts(folder.name, files_in(folder), event_types)


def files_in(folder: Path) -> dict[str, str]:
    """The texts of a template's folder by relative name."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in [folder / FILE, *sorted((folder / "messages").glob("*"))]
        if path.is_file()
    }


def load_texts(
    name: str | None, files: Mapping[str, str], event_types: tuple[str, ...] = KNOWN_EVENTS
) -> Template:
    """A template from its files' texts by relative name; without a name, it says its own."""
    messages, message_problems = read_messages(files)
    if FILE not in files:
        problem = _problem(FILE, 1, "missing_file", "The file is missing.")
        raise BrokenTemplate(name, [problem, *message_problems])
    try:
        tree, read = read_tree(files[FILE])
    except Unreadable as error:
        raise BrokenTemplate(name, [unreadable(FILE, error), *message_problems]) from None
    places = {place_key(path): place for path, place in read.items()}
    findings = Findings(FILE, places)
    template = _template(name, tree, messages, findings, places)
    if template is not None:
        _with_defaults(template, findings, event_types)
    problems = findings.problems + message_problems
    if problems or template is None:
        raise BrokenTemplate(name, problems)
    return template


def _template(
    name: str | None,
    tree: Any,
    messages: dict[str, dict[str, Text]],
    findings: Findings,
    places: Mapping[str, Place],
) -> Template | None:
    if not isinstance(tree, dict):
        findings.add((), "not_fields", "A template is a set of sections: name, title, enter ...")
        return None
    head_fields = tuple(_Head.model_fields)
    for key in tree.keys() - set(head_fields) - set(SECTIONS):
        findings.unknown((key,), "section", key, head_fields + SECTIONS)
    head = findings.read(_Head, {k: tree[k] for k in head_fields if k in tree}, ())
    if head is None:
        head = findings.read(_Head, {**_NAMELESS, "parameters": tree.get("parameters", {})}, ())
    elif name is not None and head.name != name:
        message = f"The template is called {head.name!r}, its folder {name!r}."
        findings.add(("name",), "wrong_name", message, (name,))
    if head is None:
        return None
    parameters = _parameters(head.parameters, findings)
    if len(parameters) < len(head.parameters):
        return None  # whatever uses those that are left out would look wrong
    return Template(
        name=head.name,
        title=head.title,
        summary=head.summary,
        parameters=parameters,
        body={str(key): part for key, part in tree.items() if key not in head_fields},
        messages=messages,
        places=dict(places),
    )


def _parameters(written: Mapping[str, Any], findings: Findings) -> dict[str, Parameter]:
    parameters: dict[str, Parameter] = {}
    for name, fields in written.items():
        path = ("parameters", name)
        parameter = findings.read(Parameter, fields, path)
        if parameter is None:
            continue
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,47}", name):
            findings.add(path, "not_a_name", f"{name!r} is not a name: small letters, digits, _.")
        if parameter.default is None and parameter.example is None:
            message = "A parameter without a default needs an example."
            findings.add(path, "no_default", message, ("default", "example"))
            continue
        for key in ("default", "example"):
            value = getattr(parameter, key)
            if value is None:
                continue
            try:
                read_value(parameter, value)
            except Refused as refused:
                findings.add((*path, key), refused.code, refused.message, refused.allowed)
        parameters[name] = parameter
    return parameters


def _with_defaults(template: Template, findings: Findings, event_types: tuple[str, ...]) -> None:
    """Compile once with defaults, so that nothing broken ever reaches a marketer."""
    try:
        values = read_values(template.parameters, {}, examples=True)
    except Invalid:  # each was noted where it stands
        return
    assemble(template, values, findings, event_types)


def read_messages(
    files: Mapping[str, str],
) -> tuple[dict[str, dict[str, Text]], list[Problem]]:
    """The texts of a template's files by message and locale, and what is wrong with their form."""
    messages: dict[str, dict[str, Text]] = {}
    problems: list[Problem] = []
    for path, content in files.items():
        if path == FILE:
            continue
        found = FILE_NAME.match(path)
        if not found or found[2] not in LOCALES:
            allowed = tuple(f"messages/<message>.{locale}.j2" for locale in LOCALES)
            problems.append(_problem(path, 1, "file_name", "Not a message's file.", allowed))
            continue
        text = _text(path, content, problems)
        messages.setdefault(found[1], {})[found[2]] = text
    for name, locales in sorted(messages.items()):
        for locale in sorted(set(LOCALES) - locales.keys()):
            path = f"messages/{name}.{locale}.j2"
            message = f"The message {name!r} has no text in {locale!r}."
            problems.append(_problem(path, 1, "missing_file", message))
    return messages, problems


def _text(path: str, content: str, problems: list[Problem]) -> Text:
    first, _, rest = content.partition("\n")
    subject, text = first.removeprefix("Subject:").strip(), rest.strip()
    if not first.startswith("Subject:") or not subject:
        message = "The first line is `Subject: ` and the subject."
        problems.append(_problem(path, 1, "subject", message))
    elif rest and rest.split("\n", 1)[0].strip():
        problems.append(_problem(path, 2, "blank_line", "The second line is empty."))
    if control := _CONTROL.search(content):
        line = content.count("\n", 0, control.start()) + 1
        problems.append(_problem(path, line, "unreadable", "Here stands a control character."))
    if not text:
        problems.append(_problem(path, 3, "empty_text", "The message has no text."))
    for length, most, what in (
        (len(subject), SUBJECT_MAX, "subject"),
        (len(text), TEXT_MAX, "text"),
    ):
        if length > most:
            message = f"The {what} has {length} characters."
            problems.append(_problem(path, 1, "too_long", message, (f"up to {most}",)))
    return Text(subject=subject, text=text)


def _problem(
    file: str, line: int, code: str, message: str, allowed: tuple[str, ...] = ()
) -> Problem:
    return Problem(file=file, line=line, field="file", code=code, message=message, allowed=allowed)
