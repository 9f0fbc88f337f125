"""Which places of a plan a journey has been at, small enough to be counted by the hundred thousand.

A place is a step (`first_order`), a goal of a wait that stands (`tasks.purchases`), or the way a
wait, branch or split was left by (`first_order:met`). A journey's places are one bit each, by the
sorted places of its version's plan, written as a hexadecimal number.
"""

from collections.abc import Iterable

from loyalty.journeys.plan import Await, Branch, Plan, Split

WAIT_ENDS = ("met", "missed", "skipped")


def places(plan: Plan) -> tuple[str, ...]:
    """Every place of a plan, in the order of their bits; a version's plan never changes."""
    found: list[str] = []
    for id, node in plan.nodes.items():
        found.append(id)
        step = node.step
        if isinstance(step, Await):
            found += [f"{id}.{goal.id}" for goal in step.goals]
            found += [f"{id}:{end}" for end in WAIT_ENDS]
        elif isinstance(step, Branch):
            found += [f"{id}:then", f"{id}:otherwise"]
        elif isinstance(step, Split):
            found += [f"{id}:{arm.id}" for arm in step.arms]
    return tuple(sorted(found))


def moved(plan: Plan, reached: str, been: Iterable[str], left: Iterable[str] = ()) -> str:
    """What was reached with the places in `been`, and without those in `left`."""
    order = {place: bit for bit, place in enumerate(places(plan))}
    bits = int(reached or "0", 16)
    for place in been:
        bits |= 1 << order[place]
    for place in left:
        bits &= ~(1 << order[place])
    return f"{bits:x}" if bits else ""


def read(plan: Plan, reached: str) -> tuple[str, ...]:
    """The places behind the number, sorted."""
    bits = int(reached or "0", 16)
    return tuple(place for bit, place in enumerate(places(plan)) if bits >> bit & 1)
