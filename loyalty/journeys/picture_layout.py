"""Where everything of a picture stands.

One column that a telephone shows without scrolling sideways: every step has its own row, so boxes
never meet; the ways out of a question are indented under it, and what skips over rows runs in
lanes on the right, which lines to the same step share.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loyalty.journeys.picture_rows import Link, Row
from loyalty.journeys.picture_shapes import EdgeLabel, PictureEdge, PictureLabel, PictureNode
from loyalty.journeys.picture_text import SMALL, shortened

BOX = 320  # the width of a step that lies under no question
INDENT = 22
INDENTS_MAX = 4
RAIL = 11  # from a box's left edge to the line that leaves it downwards
LANE = 16
EDGE = 8  # margin of the whole
GAP = 20  # between two rows
LABEL = 16  # more of it for each label in between
PAD_X, PAD_Y = 14, 9
KIND_LINE, TITLE_LINE, SMALL_LINE = 15, 19, 16
LABEL_WIDTH = 130

Words = Mapping[str, PictureLabel]


def room(row: Row) -> int:
    """How wide the words of a row may be."""
    return BOX - INDENT * min(row.indent, INDENTS_MAX) - 2 * PAD_X


@dataclass(slots=True)
class Layout:
    """Boxes and lines of these rows; `ways` are the words of the links that have some."""

    rows: Sequence[Row]
    words: Mapping[str, Words]
    links: Sequence[Link]
    ways: Mapping[Link, dict[str, str]]
    nodes: dict[str, PictureNode] = field(default_factory=dict)
    _at: dict[str, int] = field(default_factory=dict)
    _lanes: dict[str, int] = field(default_factory=dict)  # by target: how far right

    def draw(self) -> tuple[tuple[PictureNode, ...], tuple[PictureEdge, ...], int, int]:
        """Nodes, edges, width, height."""
        self._at = {row.id: i for i, row in enumerate(self.rows)}
        above, below = self._labels()
        y = EDGE
        for i, row in enumerate(self.rows):
            if i:
                labels = max(len(above[row.id]), len(below[self.rows[i - 1].id]))
                y += GAP + LABEL * labels
            node = self._node(row, y)
            self.nodes[row.id] = node
            y += node.height
        self._assign_lanes()
        edges = tuple(self._edge(link, above, below) for link in self.links)
        lanes = max(self._lanes.values(), default=-1) + 1
        last = self.rows[-1].id if self.rows else ""
        bottom = y + LABEL * len(below[last]) + EDGE
        return tuple(self.nodes.values()), edges, EDGE * 2 + BOX + LANE * lanes, bottom

    def _labels(self) -> tuple[dict[str, list[Link]], dict[str, list[Link]]]:
        """Which words stand over a row (its own way in), which under one (its ways to a lane)."""
        above: dict[str, list[Link]] = defaultdict(list)
        below: dict[str, list[Link]] = defaultdict(list)
        for link in self.links:
            if link in self.ways:
                side, id = (below, link.source) if self._in_lane(link) else (above, link.target)
                side[id].append(link)
        return above, below

    def _node(self, row: Row, y: int) -> PictureNode:
        indent = INDENT * min(row.indent, INDENTS_MAX)
        words = self.words[row.id]
        height = max(
            KIND_LINE + TITLE_LINE * len(label.title) + SMALL_LINE * len(label.details)
            for label in words.values()
        )
        return PictureNode(
            id=row.id, kind=row.kind, x=EDGE + indent, y=y, width=BOX - indent,
            height=height + 2 * PAD_Y, labels=dict(words),
        )  # fmt: skip

    def _in_lane(self, link: Link) -> bool:
        """Whether rows stand in the way of a line that leaves its box downwards."""
        source, target = self._at[link.source], self._at[link.target]
        indent = min(self.rows[source].indent, INDENTS_MAX)
        between = self.rows[source + 1 : target]
        return target <= source or any(min(r.indent, INDENTS_MAX) <= indent for r in between)

    def _assign_lanes(self) -> None:
        """Lines to one target share a lane; shorter ones run further in."""
        spans: dict[str, tuple[int, int]] = {}
        for link in self.links:
            if self._in_lane(link):
                ends = sorted((self._at[link.source], self._at[link.target]))
                low, high = spans.get(link.target, (ends[0], ends[1]))
                spans[link.target] = min(low, ends[0]), max(high, ends[1])
        taken: list[list[tuple[int, int]]] = []
        for target, span in sorted(spans.items(), key=lambda s: (s[1][1] - s[1][0], s[1], s[0])):
            lane = 0
            while lane < len(taken) and any(_meet(span, other) for other in taken[lane]):
                lane += 1
            taken += [[]] if lane == len(taken) else []
            taken[lane].append(span)
            self._lanes[target] = lane

    def _edge(
        self, link: Link, above: Mapping[str, list[Link]], below: Mapping[str, list[Link]]
    ) -> PictureEdge:
        source, target = self.nodes[link.source], self.nodes[link.target]
        bottom, rail = source.y + source.height, source.x + RAIL
        right = EDGE + BOX
        middle = target.y + KIND_LINE + PAD_Y
        points: tuple[tuple[int, int], ...]
        if self._in_lane(link):
            lane = right + LANE * (self._lanes[link.target] + 1) - LANE // 4
            leave = source.y + source.height - PAD_Y
            points = ((right, leave), (lane, leave), (lane, middle), (right, middle))
        elif target.x > source.x:
            points = ((rail, bottom), (rail, middle), (target.x, middle))
        else:
            points = ((rail, bottom), (rail, target.y))
        label = None
        if link in self.ways:
            text = {
                language: shortened(said, LABEL_WIDTH, SMALL)
                for language, said in self.ways[link].items()
            }
            if self._in_lane(link):
                at = bottom + LABEL * (below[link.source].index(link) + 1) - 2
                label = EdgeLabel(x=right, y=at, anchor="end", text=text)
            else:
                mine = above[link.target]
                at = target.y - 6 - LABEL * (len(mine) - 1 - mine.index(link))
                x = rail + 7 if target.x <= source.x else target.x + 2
                label = EdgeLabel(x=x, y=at, anchor="start", text=text)
        return PictureEdge(source=link.source, target=link.target, points=points, label=label)


def _meet(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]
