"""What a journey can cost at most, so that a budget is kept before a promise is made."""

from loyalty.journeys.plan import Await, Branch, Effect, Grant, Plan, Split


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
        step = node.step
        if isinstance(step, Grant):
            here = points((step,)) + from_node(node.next)
        elif isinstance(step, Await):
            ways = (step.met or node.next, step.missed or node.next)
            here = sum(points(g.reward) for g in step.goals) + max(map(from_node, ways))
        elif isinstance(step, Branch):
            ways = (step.then or node.next, step.otherwise or node.next)
            here = max(map(from_node, ways))
        elif isinstance(step, Split):
            here = max(from_node(arm.next or node.next) for arm in step.arms)
        else:
            here = from_node(node.next)
        known[node_id] = here
        return here

    return from_node(plan.start)
