"""The order in which a journey is drawn: one row per step, each way indented under its question."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from loyalty.journeys.plan import Await, Branch, Node, Plan, Split

ENTRY = "entry"
COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Row:
    """One node of the picture: `id` is the step's, `indent` counts the questions it lies under."""

    id: str
    kind: str
    indent: int


@dataclass(frozen=True, slots=True)
class Link:
    """What may follow what; `way` names the answer that leads there, `arm` the arm of a split."""

    source: str
    target: str
    way: str | None = None
    arm: tuple[str, int, int] | None = None  # name, weight, sum of the weights


@dataclass(slots=True)
class Rows:
    """A plan in reading order. A journey that just ends gets a row of its own for that."""

    plan: Plan
    rows: list[Row] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    _placed: set[str] = field(default_factory=set)

    def of_journey(self) -> None:
        """Every step, those nobody can reach at the end; ways before what comes after them."""
        self._place(ENTRY, "entry", 0)
        start = self.plan.start
        self.links.append(Link(ENTRY, self._named(start)))
        self._run(start, 0, frozenset())
        for id in self.plan.nodes:
            self._run(id, 0, frozenset())
        if any(link.target == self._end for link in self.links):
            self._place(self._end, "end", 0)

    @property
    def _end(self) -> str:
        """The name of the end that no step says; a step of that name keeps it."""
        return free_name(COMPLETED, self.plan.nodes)

    def _named(self, id: str | None) -> str:
        return self._end if id is None else id

    def _place(self, id: str, kind: str, indent: int) -> None:
        self.rows.append(Row(id, kind, indent))
        self._placed.add(id)

    def _run(self, id: str | None, indent: int, stops: frozenset[str]) -> None:
        while id is not None and id not in self._placed and id not in stops:
            node = self.plan.nodes[id]
            self._place(id, node.step.kind, indent)
            ways = _ways(id, node)
            self.links += [Link(id, self._named(target), way, arm) for target, way, arm in ways]
            if len(ways) > 1:
                inside = stops if node.next is None else stops | {node.next}
                for target, _, _ in ways:
                    self._run(target, indent + 1, inside)
            id = node.next if node.step.kind != "end" else None


def free_name(name: str, taken: Container[str]) -> str:
    """The name, or one like it where a step has it already."""
    while name in taken:
        name += "_"
    return name


def _ways(
    id: str, node: Node
) -> Sequence[tuple[str | None, str | None, tuple[str, int, int] | None]]:
    """Where a member may go from a step: target, answer, arm."""
    step = node.step
    if isinstance(step, Await):
        named: Mapping[str, str | None] = {"met": step.met, "missed": step.missed}
    elif isinstance(step, Branch):
        named = {"then": step.then, "otherwise": step.otherwise}
    elif isinstance(step, Split):
        whole = sum(arm.weight for arm in step.arms)
        return [(a.next or node.next, None, (a.id, a.weight, whole)) for a in step.arms]
    else:
        return [] if step.kind == "end" else [(node.next, None, None)]
    return [(target or node.next, way, None) for way, target in named.items()]
