"""Every template there is to launch: the folders on disk, and what marketers saved themselves.

Both are looked at again, so that a new campaign needs neither a deploy nor a restart, on none of
the processes. A broken template is left out and logged with its place; all others stay usable.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootstrap.template_reading import read_texts
from loyalty.journeys.load import files_in
from loyalty.ports import Store, Transaction
from loyalty.programme import Programme
from loyalty.template_version import TemplateVersion
from loyalty.templates import Problem, Template

log = logging.getLogger("milepost.templates")

FILE = "campaign.yaml"
LOOK_EVERY_SECONDS = 1.0
"""How long a changed file may go unseen; a launch asks more rarely, a busy API far more often."""

_Stamp = tuple[tuple[str, int, int], ...]


class Catalogue:
    """Calling it gives every good template by name; use from any thread.

    Later folders go before earlier ones, so that a marketer's own version of a template counts.
    What is saved in the store is seen at once, by every process; it never goes before a folder.
    """

    def __init__(
        self, folders: Sequence[Path], programme: Programme, store: Store | None = None
    ) -> None:
        self._folders = folders
        self._events = programme.known_events
        self._saved = Saved(store, self._events) if store else None
        self._guard = threading.Lock()
        self._stamp: _Stamp | None = None
        self._looked_at = 0.0
        self._good: Mapping[str, Template] = {}
        self._shipped: Mapping[str, Mapping[str, str]] = {}
        self.broken: Mapping[Path, Sequence[Problem]] = {}

    def __call__(self) -> Mapping[str, Template]:
        with self._guard:
            self._look()
            saved = self._saved() if self._saved else {}
            own = {name: saved[name] for name in saved.keys() - self._shipped.keys()}
            return {**own, **self._good}

    def shipped(self) -> Mapping[str, Mapping[str, str]]:
        """The files of every template on disk, broken ones too: their names are taken."""
        with self._guard:
            self._look()
            return self._shipped

    def _look(self) -> None:
        now = time.monotonic()
        if self._stamp is None or now - self._looked_at >= LOOK_EVERY_SECONDS:
            self._looked_at = now
            stamp = self._files()
            if stamp != self._stamp:
                self._read()
                self._stamp = stamp

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
        shipped: dict[str, Mapping[str, str]] = {}
        broken: dict[Path, Sequence[Problem]] = {}
        for folder in self._folders_of_templates():
            template, problems, shipped[folder.name] = _read(folder, self._events)
            if template is not None and not problems:
                good[folder.name] = template
                continue
            good.pop(folder.name, None)
            broken[folder] = problems
            for problem in problems:
                log.warning("the template %s is left out: %s", folder.name, problem)
        self._good, self._shipped, self.broken = good, shipped, broken


class Saved:
    """The newest version of each template in the store; a count tells whether there is a new one.

    Versions are never changed, so what was read once is not read again.
    """

    def __init__(self, store: Store, events: tuple[str, ...]) -> None:
        self._store = store
        self._events = events
        self._count = 0
        self._read: dict[tuple[str, int], Template | None] = {}
        self._good: Mapping[str, Template] = {}

    def __call__(self) -> Mapping[str, Template]:
        count, newest, new = self._store.read(self._news)
        if count != self._count:
            for version in new:
                self._read[version.name, version.version] = self._template(version)
            self._read = {key: self._read[key] for key in newest.items()}
            self._good = {name: each for (name, _), each in self._read.items() if each is not None}
            self._count = count
        return self._good

    def _news(self, tx: Transaction) -> tuple[int, Mapping[str, int], Sequence[TemplateVersion]]:
        count = tx.template_versions.count()
        if count == self._count:
            return count, {}, ()
        newest = tx.template_versions.newest()
        unread = sorted(newest.items() - self._read.keys())
        found = [tx.template_versions.get(name, number) for name, number in unread]
        return count, newest, [each for each in found if each is not None]

    def _template(self, version: TemplateVersion) -> Template | None:
        template, problems = read_texts(version.name, version.files, self._events)
        for problem in problems:  # good when it was saved: the programme or Milepost has changed
            log.warning("version %d of %s is left out: %s", version.version, version.name, problem)
        return None if problems else template


def read_template(
    folder: Path, events: tuple[str, ...]
) -> tuple[Template | None, Sequence[Problem]]:
    """A template's folder with everything that is wrong in it, texts included."""
    template, problems, _ = _read(folder, events)
    return template, problems


def _read(
    folder: Path, events: tuple[str, ...]
) -> tuple[Template | None, Sequence[Problem], Mapping[str, str]]:
    try:
        files = files_in(folder)
    except UnicodeDecodeError:
        return None, [_unreadable("is not UTF-8 text")], {}
    except OSError as error:
        return None, [_unreadable(f"cannot be read: {error.strerror}")], {}
    return *read_texts(folder.name, files, events), files


def _unreadable(why: str) -> Problem:
    return Problem(file=FILE, line=1, field="file", code="unreadable", message=f"A file {why}.")
