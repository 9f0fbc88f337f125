"""What a journey can cost at most, so that a budget is kept before a promise is made."""

from loyalty.journeys.plan import Await, Effect, Grant, Plan, ways


def most_points(plan: Plan, *, has_inviter: bool = True) -> int:
    """The points of the dearest way through a plan: what admission must find room for.

    Every goal's reward counts once, since a reward taken back makes room for its repetition.
    """
    known: dict[str | None, int] = {None: 0}

    def points(effects: tuple[Effect, ...]) -> int:
        return sum(
            effect.points
            for effect in effects
            if isinstance(effect, Grant) and (has_inviter or effect.to == "member")
        )

    def from_node(node_id: str | None) -> int:
        if node_id in known:
            return known[node_id]
        assert node_id is not None
        node = plan.nodes[node_id]
        here = max(map(from_node, ways(node)))
        if isinstance(node.step, Grant):
            here += points((node.step,))
        elif isinstance(node.step, Await):
            here += sum(points(goal.reward) for goal in node.step.goals)
        known[node_id] = here
        return here

    return from_node(plan.start)
