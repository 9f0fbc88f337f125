"""Every page of the console: how to get one with something on it, and who looks at it.

Add yours: a name for the picture's file, the role, and a function that prepares what the page
shows and returns its path. `make screenshots` and the test for accessibility go over all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from loyalty.access import Role
from tests.browser.conftest import Console
from tests.browser.writing import two_rules, two_versions


@dataclass(frozen=True)
class Shown:
    """A page; without a role, nobody is signed in."""

    name: str
    role: Role | None
    path: Callable[[Console], str]


def _fixed(path: str) -> Callable[[Console], str]:
    return lambda console: path


def _people(console: Console) -> str:
    for role in ("marketer", "operator"):
        console.person(role)
    return "/console/people"


def _first_link(console: Console) -> str:
    return f"/console/link/{console.services.people.first_link()}"


def _versions(console: Console) -> str:
    return f"/console/templates/{two_versions(console)}/versions"


def _mine(console: Console) -> str:
    two_versions(console)
    return "/console/templates/mine"


PAGES: tuple[Shown, ...] = (
    Shown("link", None, _first_link),
    Shown("sign-in", None, _fixed("/console/sign-in")),
    Shown("home-empty", "marketer", _fixed("/console")),
    Shown("people", "admin", _people),
    Shown("not-found", "operator", _fixed("/console/nothing-here")),
    Shown("wrong-role", "marketer", _fixed("/console/people")),
    Shown("templates-empty", "marketer", _fixed("/console/templates/mine")),
    Shown("templates", "marketer", _mine),
    Shown("template-new", "marketer", _fixed("/console/templates/new?from=monthly_task_pack")),
    Shown("template-versions", "marketer", _versions),
    Shown("earning-rules", "marketer", two_rules),
)
