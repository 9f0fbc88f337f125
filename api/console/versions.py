"""Versions of a campaign: what each set, two of them side by side, and a copy to begin from."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.console.launch_facts import audience_said
from api.console.rendering import page
from api.console.sessions import person
from api.keys import Caller
from api.services import Given
from loyalty.admission import compiled
from loyalty.comparison import compare
from loyalty.errors import Unknown
from loyalty.ports import Transaction
from loyalty.revising import may_change

router = APIRouter()
Reader = Annotated[Caller, person("read_campaigns")]
Number = Annotated[int, Query(ge=0, le=2**31 - 1)]


@router.get("/campaigns/{campaign_id}/versions")
def versions(
    request: Request,
    campaign_id: str,
    given: Given,
    caller: Reader,
    before: Number = 0,
    after: Number = 0,
) -> Response:
    """The last two are compared, unless others are chosen."""

    language = request.state.speech.language

    def work(tx: Transaction) -> dict[str, Any]:
        campaign = tx.campaigns.get(campaign_id)
        if campaign is None:
            raise Unknown("campaign", campaign_id)
        listed = list(tx.campaigns.versions(campaign_id))
        read = [(each, compiled(each)) for each in listed]
        numbers = [each.version for each in listed]
        newer = after if after in numbers else numbers[0]
        older = before if before in numbers else max(numbers[0] - 1, numbers[-1])
        pair = [compiled(tx.campaigns.version(campaign_id, n)) for n in (older, newer)]
        return {
            "c": campaign,
            "changeable": may_change(campaign, read[0][1]),
            "listed": [(each, rules, audience_said(rules, language)) for each, rules in read],
            "before": older,
            "after": newer,
            "found": compare(*pair) if older != newer else [],
        }

    return page(request, "campaign_versions.html", form={}, errors={}, **given.store.read(work))
