"""Options that several commands share, and what is wrong with what was asked."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from api.field_words import message_of
from loyalty.errors import Invalid

M = TypeVar("M", bound=BaseModel)


def asked(model: type[M], options: Mapping[str, str] = {}, **fields: Any) -> M:
    """What was asked on the command line, or Invalid by its options: a field `x` is `--x`.

    `options` names those that are called otherwise.
    """
    try:
        return model(**fields)
    except ValidationError as error:
        problems = []
        for each in error.errors():
            name = str(each["loc"][0])
            problems.append({"field": options.get(name, f"--{name}"), "message": message_of(each)})
        raise Invalid("This cannot be done as it is written.", problems) from None


def not_blank(value: str) -> str:
    """A reason or a name that says something: it stays in the audit trail."""
    if not value.strip():
        raise typer.BadParameter("it is empty")
    return value.strip()


Reason = Annotated[str, typer.Option(callback=not_blank, help="Why; kept in the audit trail.")]
Locale = Annotated[Literal["en", "zh"], typer.Option(help="The language of the answer.")]
