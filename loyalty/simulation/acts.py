"""Assumed acts come in as real ones do: through intake, with all that they earn and set going."""

from dataclasses import replace

from loyalty import intake
from loyalty.events import Line, MemberEvent, Purchase
from loyalty.following import follow
from loyalty.members import needs_active
from loyalty.simulation.assumptions import Act
from loyalty.simulation.paper import Paper


def record(paper: Paper, act: Act, number: int) -> None:
    """Take in the `number`th assumed act. Raises WrongState for who is no member any more."""
    programme = paper.programme
    said = {"source": "assumed", "id": f"a{number}", "occurred_at": paper.now}
    needs_active(paper.member)
    if act.type == "purchase":
        line = Line(sku=act.sku, category=act.category, net_minor=act.minor)
        purchase = Purchase.model_validate(
            said
            | {
                "member_id": paper.member_id,
                "currency": programme.currency,
                "store": act.store,
                "channel": act.channel,
                "lines": [line.model_dump()],
            }
        )
        intake.record_purchase(paper.tx, purchase)
    elif act.type in programme.event_types:
        event = MemberEvent.model_validate(
            said
            | {
                "type": act.type,
                "member_id": paper.member_id,
                "store": act.store,
                "channel": act.channel,
                "attributes": dict(act.attributes),
            }
        )
        intake.record_event(paper.tx, event)
    else:
        own = replace(act.event(paper.member_id, paper.now), event_id=f"a{number}")
        follow(paper.tx, paper.member, own, paper.inbox.add(own))
