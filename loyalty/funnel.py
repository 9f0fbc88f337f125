"""How far members came in a campaign: every step of every version, and how the runs ended."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from loyalty.journeys.plan import Await, Branch, Plan, Split
from loyalty.journeys.reached import read


@dataclass(frozen=True, slots=True)
class Runs:
    """So many runs that are alike in all that figures ask about."""

    version: int
    arm: str  # treated, holdout
    again: bool  # not the member's first run in this campaign
    state: str
    outcome: str | None
    step_id: str | None  # where they stand
    reached: str
    count: int
    met: int = 0  # of them have reached the campaign's goal
    in_time: int = 0  # of them have time left for it


@dataclass(frozen=True, slots=True)
class StepReached:
    """A step: runs that came to it, that stand there now, and the places in it (see reached.py)."""

    step: str
    kind: str
    reached: int
    here: int
    places: Mapping[str, int]  # goals that stand and ways taken, by name without the step


@dataclass(frozen=True, slots=True)
class Funnel:
    """One version's treated runs, from entering to their outcomes."""

    version: int
    entered: int
    held_out: int
    steps: Sequence[StepReached]
    outcomes: Mapping[str, int]


def funnel(version: int, plan: Plan, runs: Iterable[Runs]) -> Funnel:
    """Count the runs of one version, step by step in the order members meet them."""
    mine = [group for group in runs if group.version == version]
    treated = [group for group in mine if group.arm != "holdout"]
    reached: Counter[str] = Counter()
    here: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for group in treated:
        for place in read(plan, group.reached):
            reached[place] += group.count
        if group.state == "ended":
            outcomes[group.outcome or "completed"] += group.count
        elif group.step_id:
            here[group.step_id] += group.count
    return Funnel(
        version=version,
        entered=sum(group.count for group in treated),
        held_out=sum(group.count for group in mine if group.arm == "holdout"),
        steps=[
            StepReached(
                step=step,
                kind=plan.nodes[step].step.kind,
                reached=reached[step],
                here=here[step],
                places=_places(step, reached),
            )
            for step in in_order(plan)
        ],
        outcomes=dict(outcomes.most_common()),
    )


def in_order(plan: Plan) -> list[str]:
    """The steps of a plan as members meet them: no step before one that leads to it, and of two
    ways the better one first.
    """
    found: list[str] = []
    seen: set[str] = set()
    # Backwards, each step once all that follows it is placed.
    coming: list[tuple[str | None, bool]] = [(plan.start, False)]
    while coming:
        step, followed = coming.pop()
        if step is None:
            continue
        if followed:
            found.append(step)
        elif step not in seen:
            seen.add(step)
            coming.append((step, True))
            coming += [(following, False) for following in _after(plan, step)]
    return found[::-1]


def _after(plan: Plan, id: str) -> list[str | None]:
    node = plan.nodes[id]
    step = node.step
    if isinstance(step, Await):
        return [step.met or node.next, step.missed or node.next]
    if isinstance(step, Branch):
        return [step.then or node.next, step.otherwise or node.next]
    if isinstance(step, Split):
        return [arm.next or node.next for arm in step.arms]
    return [node.next]


def _places(step: str, reached: Mapping[str, int]) -> dict[str, int]:
    marks = (f"{step}.", f"{step}:")
    return {
        place[len(step) + 1 :]: count
        for place, count in sorted(reached.items())
        if place.startswith(marks)
    }
