"""What a campaign template is: a folder of data that a marketer can read, copy and change.

A template names its parameters, who enters, what each member experiences and what it all is for.
It becomes a running campaign only through `journeys.compile.compile`, with the marketer's values.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from loyalty.errors import Invalid
from loyalty.journeys.plan import Model

LOCALES = ("en", "zh")
"""Every text of a template exists in these languages."""

ParameterType = Literal[
    "points", "days", "count", "money_minor", "percent", "multiplier",
    "datetime", "local_time", "text", "sku", "choice", "bool", "condition",
]  # fmt: skip


class Bilingual(Model):
    """A text people read, in every language of the product."""

    en: str = Field(min_length=1, max_length=400)
    zh: str = Field(min_length=1, max_length=400)


class Choice(Model):
    value: str
    label: Bilingual


class Parameter(Model):
    """One figure the marketer sets before launch, with what the form needs to ask for it.

    `min` and `max` bound numbers, and the number of characters of texts. A parameter without a
    default must be given at launch; its `example` then serves previews and the check on loading.
    """

    type: ParameterType
    label: Bilingual
    help: Bilingual
    unit: Bilingual | None = None
    default: Any = None
    example: Any = None
    min: int | float | None = None
    max: int | float | None = None
    choices: tuple[Choice, ...] = ()


class Text(Model):
    """One message in one language, as the marketer wrote it; rendering happens at delivery."""

    subject: str
    text: str


class Problem(Model):
    """One thing to mend in a template: where it stands, what is wrong, what would be right."""

    file: str
    line: int
    column: int | None = None  # where the field begins; none where only the line is known
    step: str | None = None
    field: str
    code: str
    message: str
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        step = f" step {self.step!r}," if self.step else ""
        allowed = f" Allowed: {', '.join(self.allowed)}." if self.allowed else ""
        return f"{place}:{step} {self.field}: {self.message}{allowed}"


class BrokenTemplate(Invalid):
    """A template that cannot be used; `found` holds every problem, not only the first."""

    code: ClassVar[str] = "broken_template"

    def __init__(self, name: str | None, found: Iterable[Problem]) -> None:
        self.found = tuple(found)
        count = len(self.found)
        noun = "one problem" if count == 1 else f"{count} problems"
        lines = "".join(f"\n  {problem}" for problem in self.found)
        super().__init__(
            f"The template{f' {name!r}' if name else ''} has {noun}:{lines}",
            [p.model_dump(mode="json") for p in self.found],
        )


class Template(Model):
    """A template that was read and found good with its default values."""

    name: str
    title: Bilingual
    summary: Bilingual  # what the member experiences; for which goal
    parameters: dict[str, Parameter]
    body: dict[str, Any]  # all other sections as written, `$name` not yet filled in
    messages: dict[str, dict[str, Text]]  # message -> locale -> text
    # Where each part begins, line and column, by `place_key`.
    places: dict[str, tuple[int, int]] = Field(default_factory=dict, repr=False)

    @property
    def hash(self) -> str:
        """Changes exactly when the template's meaning may have changed."""
        return content_hash(self, leave_out={"places"})


def content_hash(model: BaseModel, leave_out: set[str] | None = None) -> str:
    """SHA-256 of a model's JSON with sorted keys: the same content, the same hash."""
    body = model.model_dump(mode="json", exclude=leave_out)
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def place_key(path: Iterable[str | int]) -> str:
    """A place in a template as text: `journey/3/await/goals/0/where`."""
    return "/".join(str(part) for part in path)
