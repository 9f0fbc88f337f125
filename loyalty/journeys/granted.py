"""What a journey has given by the time it says a message: read from the plan, nothing is played."""

from collections import deque

from loyalty.journeys.plan import Await, Effect, Grant, Node, Notify, Plan, ways


def points_before(plan: Plan, message: str) -> int | None:
    """The points of the last grant before a message, as `step.points` will say it.

    In a goal's reward that is the grant beside it. Where several ways lead to the message, any of
    them; none where nothing is granted before.
    """
    for node in plan.nodes.values():
        if isinstance(node.step, Await):
            for goal in node.step.goals:
                if any(_says(effect, message) for effect in goal.reward):
                    return _last(goal.reward)
    left = deque(id for id, node in plan.nodes.items() if _speaks(node, message))
    seen = set(left)
    while left:
        here = left.popleft()
        for id, node in plan.nodes.items():
            if id in seen or here not in ways(node):
                continue
            if (points := _given(node)) is not None:
                return points
            seen.add(id)
            left.append(id)
    return None


def _speaks(node: Node, message: str) -> bool:
    if isinstance(node.step, Await):
        told = [goal.almost for goal in node.step.goals]
        told += [reminder.notify for reminder in node.step.remind]
        return any(_says(each, message) for each in told)
    return _says(node.step, message)


def _says(effect: object, message: str) -> bool:
    return isinstance(effect, Notify) and effect.message == message


def _given(node: Node) -> int | None:
    if isinstance(node.step, Await):
        return _last(tuple(effect for goal in node.step.goals for effect in goal.reward))
    return node.step.points if isinstance(node.step, Grant) else None


def _last(effects: tuple[Effect, ...]) -> int | None:
    points = [effect.points for effect in effects if isinstance(effect, Grant)]
    return points[-1] if points else None
