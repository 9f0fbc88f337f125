"""What the page of a campaign says of it: what was set, and what a launch would begin."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from api.services import Services
from loyalty import rehearsal
from loyalty.admission import compiled
from loyalty.campaign_entry import next_entry
from loyalty.errors import Unknown
from loyalty.estimate import Estimate
from loyalty.explain_words import words_of
from loyalty.journeys.compiled import Compiled
from loyalty.journeys.moments import in_order
from loyalty.plain_conditions import plain_condition
from loyalty.ports import Transaction
from loyalty.records import Campaign, LaunchRequest, Version
from loyalty.templates import Template


@dataclass(frozen=True, slots=True)
class SetValue:
    """One parameter as a marketer set it, with what its figure is."""

    label: str
    kind: str
    value: Any
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Home:
    """Everything that a campaign's first page is drawn from."""

    campaign: Campaign
    version: Version
    rules: Compiled
    template: Template | None
    request: LaunchRequest | None
    estimate: Estimate | None  # none once it is launched
    first_entry: datetime | None
    moments: tuple[tuple[datetime, str, str], ...]  # when, id, what: tell open close
    languages: tuple[str, ...]


def home_of(services: Services, campaign_id: str) -> Home:
    """Raises Unknown."""

    def look(tx: Transaction) -> tuple[Campaign, Version, LaunchRequest | None, datetime]:
        campaign = tx.campaigns.get(campaign_id)
        if campaign is None:
            raise Unknown("campaign", campaign_id)
        version = tx.campaigns.version(campaign.id, campaign.version)
        return campaign, version, tx.campaigns.launch_request(campaign.id), tx.now

    campaign, version, request, now = services.store.read(look)
    rules, zone = compiled(version), services.programme.tz
    made, first = None, None
    if campaign.state == "draft":
        facts = services.estimates.facts(campaign.id, rules)
        made = services.store.read(lambda tx: rehearsal.estimated(tx, campaign.id, None, facts))
        as_launched = replace(campaign, state="launched", launched_at=now)
        first = next_entry(as_launched, rules, now, zone)
    return Home(
        campaign=campaign,
        version=version,
        rules=rules,
        template=services.templates().get(campaign.template),
        request=request if campaign.state == "draft" else None,
        estimate=made,
        first_entry=first,
        moments=tuple((at, m.id, m.act.do) for at, m in in_order(rules.moments, zone)),
        languages=tuple(sorted({each for by in version.messages.values() for each in by})),
    )


def set_values(
    rules: Compiled, template: Template | None, language: Literal["en", "zh"]
) -> list[SetValue]:
    """The parameters in the template's order; one it no longer has is named as it was."""
    parameters = template.parameters if template else {}
    body = template.body if template else {}
    # What stands beside the values anyway, as it counts for this version.
    beside = {str(body.get(name, "")).removeprefix("$") for name in ("budget_points", "holdout")}
    found = []
    for name, value in rules.values.items():
        if name in beside:
            continue
        parameter = parameters.get(name)
        if parameter is None:
            found.append(SetValue(name, "text", value))
            continue
        unit = getattr(parameter.unit, language) if parameter.unit else ""
        label = getattr(parameter.label, language)
        shown = datetime.fromisoformat(value) if parameter.type == "datetime" else value
        for choice in parameter.choices:
            if choice.value == value:
                shown = getattr(choice.label, language)
        found.append(SetValue(label, parameter.type, shown, unit))
    return found


def audience_said(rules: Compiled, language: str) -> str | None:
    """The audience in words; none for everybody."""
    if rules.audience is None or rules.audience.strip("() ") == "true":
        return None
    return plain_condition(rules.audience, words_of(language).conditions)
