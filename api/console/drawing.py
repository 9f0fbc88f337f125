"""A journey's picture outside a page: one SVG that stands by itself."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loyalty.journeys.picture_shapes import Picture


@cache
def _environment(language: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["language"] = language
    return made


def svg_of(drawn: Picture, language: str) -> str:
    """The picture as an SVG file; readable without a style sheet."""
    module = _environment(language).get_template("journey.html").module
    text: str = module.journey(drawn)  # type: ignore[attr-defined]  # the template's own macro
    return text.strip() + "\n"
