"""What a picture is made of: boxes with words, and lines between them. Lengths are pixels."""

from typing import Literal

from pydantic import Field

from loyalty.journeys.plan import Model


class PictureLabel(Model):
    """What stands in a node, in one language, broken into lines that fit."""

    kind: str
    title: tuple[str, ...]
    details: tuple[str, ...] = ()


class PictureNode(Model):
    """One step: its box, and its words by language."""

    id: str = Field(description="The step's id; `entry` is the way in")
    kind: str
    x: int
    y: int
    width: int
    height: int
    labels: dict[str, PictureLabel]


class EdgeLabel(Model):
    """The answer that leads along an edge; `anchor` is the end of the text that stands at x, y."""

    x: int
    y: int
    anchor: Literal["start", "end"]
    text: dict[str, str]


class PictureEdge(Model):
    """A line from one step to another; the arrow's head is at the last of its points."""

    source: str
    target: str
    points: tuple[tuple[int, int], ...]
    label: EdgeLabel | None = None


class Picture(Model):
    """A whole journey, with a title, and the same in sentences for whoever cannot see it."""

    title: dict[str, str]
    text: dict[str, tuple[str, ...]]
    width: int
    height: int
    nodes: tuple[PictureNode, ...]
    edges: tuple[PictureEdge, ...]
