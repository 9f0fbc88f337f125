"""The templates on disk, read again when a file changes: a new campaign needs no deploy.

A broken template is left out and logged with file and line; all others stay usable.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from delivery.text_rules import check
from loyalty.journeys.compile import compile_example
from loyalty.journeys.compiled import Compiled
from loyalty.journeys.load import load
from loyalty.programme import Programme
from loyalty.templates import BrokenTemplate, Problem, Template

log = logging.getLogger("milepost.templates")

FILE = "campaign.yaml"
LOOK_EVERY_SECONDS = 1.0
"""How long a changed file may go unseen; a launch asks more rarely, a busy API far more often."""
TEXT_STARTS_AT = 2
"""Lines of a message's file before its text: the subject and an empty one."""

_Stamp = tuple[tuple[str, int, int], ...]


class Catalogue:
    """Calling it gives every good template by name; use from any thread.

    Later folders go before earlier ones, so that a marketer's own version of a template counts.
    """

    def __init__(self, folders: Sequence[Path], programme: Programme) -> None:
        self._folders = folders
        self._events = programme.known_events
        self._guard = threading.Lock()
        self._stamp: _Stamp | None = None
        self._looked_at = 0.0
        self._good: Mapping[str, Template] = {}
        self.broken: Mapping[Path, Sequence[Problem]] = {}

    def __call__(self) -> Mapping[str, Template]:
        with self._guard:
            now = time.monotonic()
            if self._stamp is None or now - self._looked_at >= LOOK_EVERY_SECONDS:
                self._looked_at = now
                stamp = self._files()
                if stamp != self._stamp:
                    self._read()
                    self._stamp = stamp
            return self._good

    def _folders_of_templates(self) -> list[Path]:
        roots = [root for root in self._folders if root.is_dir()]
        return [each for root in roots for each in sorted(root.iterdir()) if (each / FILE).exists()]

    def _files(self) -> _Stamp:
        files = [path for each in self._folders_of_templates() for path in sorted(each.rglob("*"))]
        found = []
        for path in files:
            try:
                status = path.stat()
            except FileNotFoundError:  # replaced while we looked; seen next time
                continue
            found.append((str(path), status.st_mtime_ns, status.st_size))
        return tuple(found)

    def _read(self) -> None:
        good: dict[str, Template] = {}
        broken: dict[Path, Sequence[Problem]] = {}
        for folder in self._folders_of_templates():
            template, problems = read_template(folder, self._events)
            if template is not None and not problems:
                good[folder.name] = template
                continue
            good.pop(folder.name, None)
            broken[folder] = problems
            for problem in problems:
                log.warning("the template %s is left out: %s", folder.name, problem)
        self._good, self.broken = good, broken


def read_template(
    folder: Path, events: tuple[str, ...]
) -> tuple[Template | None, Sequence[Problem]]:
    """A template's folder with everything that is wrong in it, texts included."""
    try:
        template = load(folder, events)
        example = compile_example(template, event_types=events)
    except BrokenTemplate as error:
        return None, error.found
    except UnicodeDecodeError:
        return None, [_unreadable("is not UTF-8 text")]
    except OSError as error:
        return None, [_unreadable(f"cannot be read: {error.strerror}")]
    return template, text_problems(example)


def _unreadable(why: str) -> Problem:
    return Problem(file=FILE, line=1, field="file", code="unreadable", message=f"A file {why}.")


def text_problems(made: Compiled) -> list[Problem]:
    """Everything in a campaign's texts that would not render where it is said."""
    problems: list[Problem] = []
    for name, by_locale in made.messages.items():
        variables = made.message_variables.get(name, ())
        for locale, text in by_locale.items():
            file = f"messages/{name}.{locale}.j2"
            problems += check(text.subject, variables, file=file, field="subject")
            for found in check(text.text, variables, file=file, field="text"):
                problems.append(found.model_copy(update={"line": found.line + TEXT_STARTS_AT}))
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
        for problem in text_problems(made)
    ]
