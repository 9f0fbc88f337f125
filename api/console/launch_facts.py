"""What the page of a campaign says of it: what was set, and what a launch would begin."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from api.services import Services
from loyalty import rehearsal
from loyalty.admission import compiled
from loyalty.campaign_entry import next_entry
from loyalty.campaign_tell import untold
from loyalty.errors import Unknown
from loyalty.estimate import Estimate
from loyalty.explain_words import words_of
from loyalty.journeys.compiled import Compiled
from loyalty.journeys.moments import CampaignMoment, in_order
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
class Coming:
    """What a launch now does at one of the campaign's instants; at once where that is over."""

    at: datetime | None
    id: str
    what: Literal["tell", "open", "close"]
    untold: Literal["too_late", "too_early"] | None = None


@dataclass(frozen=True, slots=True)
class Home:
    """Everything that a campaign's first page is drawn from."""

    campaign: Campaign
    version: Version
    rules: Compiled
    template: Template  # as the version was made of it
    request: LaunchRequest | None
    estimate: Estimate | None  # none once it is launched
    next_entry: datetime | None  # of a draft: were it launched now
    moments: tuple[Coming, ...]
    languages: tuple[str, ...]


def home_of(services: Services, campaign_id: str) -> Home:
    """Raises Unknown."""

    def look(tx: Transaction) -> tuple[Campaign, Version, Template, LaunchRequest | None, datetime]:
        campaign = tx.campaigns.get(campaign_id)
        if campaign is None:
            raise Unknown("campaign", campaign_id)
        version = tx.campaigns.version(campaign.id, campaign.version)
        template = tx.campaigns.kept_template(compiled(version).template_hash)
        return campaign, version, template, tx.campaigns.launch_request(campaign.id), tx.now

    campaign, version, template, request, now = services.store.read(look)
    rules, zone = compiled(version), services.programme.tz
    made, first = None, None
    if campaign.state == "launched":
        first = next_entry(campaign, rules, now, zone)
    if campaign.state == "draft":
        facts = services.estimates.facts(campaign.id, rules)
        made = services.store.read(lambda tx: rehearsal.estimated(tx, campaign.id, None, facts))
        as_launched = replace(campaign, state="launched", launched_at=now)
        first = next_entry(as_launched, rules, now, zone)
    return Home(
        campaign=campaign,
        version=version,
        rules=rules,
        template=template,
        request=request if campaign.state == "draft" else None,
        estimate=made,
        next_entry=first,
        moments=tuple(_coming(at, m, rules, now, zone) for at, m in in_order(rules.moments, zone)),
        languages=tuple(sorted({each for by in version.messages.values() for each in by})),
    )


def _coming(
    at: datetime, moment: CampaignMoment, rules: Compiled, now: datetime, zone: ZoneInfo
) -> Coming:
    what = moment.act.do
    why = untold(moment, rules, max(at, now), zone) if what == "tell" else None
    return Coming(at if at > now else None, moment.id, what, why)


def set_values(
    rules: Compiled, template: Template, language: Literal["en", "zh"]
) -> list[SetValue]:
    """The parameters in the template's order."""
    # What stands beside the values anyway, as it counts for this version.
    limits = ("budget_points", "holdout")
    beside = {str(template.body.get(name, "")).removeprefix("$") for name in limits}
    found = []
    for name, parameter in template.parameters.items():
        if name in beside:
            continue
        value = rules.values[name]
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
