"""One page of a broadcast: who is told, and for whoever is not, why."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from loyalty.admission import is_held_out
from loyalty.audiences.history import history_facts
from loyalty.coming_expiry import balances_of
from loyalty.conditions import MEMBER, OFFER, Condition
from loyalty.exchange_window import offer_facts_of
from loyalty.failing import failing
from loyalty.journeys.compiled import Compiled
from loyalty.journeys.effects import said
from loyalty.journeys.moments import CampaignMoment, Tell, over_at
from loyalty.ledger import Balance
from loyalty.members import Member, member_facts
from loyalty.message_variables import variables_for
from loyalty.messages import NewMessage
from loyalty.ports import Transaction
from loyalty.records import Campaign, Decision, Version


def tell_page(
    tx: Transaction,
    campaign: Campaign,
    version: Version,
    rules: Compiled,
    moment: CampaignMoment,
    page: Sequence[Member],
) -> None:
    """Put a moment's message in line for each member of the page whom it is meant for."""
    assert isinstance(moment.act, Tell)
    balances = balances_of(tx, page)
    offers = (
        offer_facts_of(tx, campaign.id, [member.id for member in page]) if rules.exchange else {}
    )
    over_members = None if rules.exchange else moment.act.where
    acts = history_facts(tx, page, [rules.audience, over_members])
    told: list[Member] = []
    for member in page:
        facts = {
            **member_facts(member, balances[member.id], tx.now),
            **acts[member.id],
            **offers.get(member.id, {}),
        }
        if rules.audience and not Condition(rules.audience, MEMBER).fits(facts):
            outside = {
                "audience": rules.audience,
                "failed": failing(rules.audience, MEMBER, facts),
            }
            _pass_over(tx, version, moment, member, "not_in_audience", inputs=outside)
        elif is_held_out(campaign, rules, member):
            _pass_over(tx, version, moment, member, "holdout", "held_out")
        elif moment.act.where and not _meant(moment.act.where, rules, facts):
            _pass_over(tx, version, moment, member, "condition_not_met")
        else:
            told.append(member)
    over = over_at(moment, rules.moments, tx.programme.tz)
    _tell(tx, campaign, version, moment, [(member, balances[member.id]) for member in told], over)


def untold(
    moment: CampaignMoment, rules: Compiled, now: datetime, zone: ZoneInfo
) -> Literal["too_late", "too_early"] | None:
    """Why nobody is told at this instant; none = whoever it is meant for is told.

    What opening or closing has overtaken would speak of something that is no longer so, and the
    end of an exchange may be so near that a word on it would come before it opens.
    """
    over = over_at(moment, rules.moments, zone)
    if over is not None and over <= now:
        return "too_late"
    exchange = rules.exchange
    if exchange and moment.at == exchange.closes_at and now < exchange.opens_at:
        return "too_early"
    return None


def _meant(where: str, rules: Compiled, facts: dict[str, object]) -> bool:
    return Condition(where, OFFER if rules.exchange else MEMBER).fits(facts)


def _key(version: Version, moment: CampaignMoment, member: Member) -> str:
    return f"t/{version.campaign_id}/{moment.id}/{member.id}"


def _pass_over(
    tx: Transaction,
    version: Version,
    moment: CampaignMoment,
    member: Member,
    reason: str,
    verdict: str = "skipped",
    inputs: Mapping[str, Any] | None = None,
) -> None:
    tx.decisions.add(
        Decision(
            key=_key(version, moment, member),
            campaign_id=version.campaign_id,
            version=version.version,
            member_id=member.id,
            step_id=moment.id,
            verdict=verdict,
            reason=reason,
            at=tx.now,
            inputs=inputs or {},
        )
    )


def _tell(
    tx: Transaction,
    campaign: Campaign,
    version: Version,
    moment: CampaignMoment,
    told: Sequence[tuple[Member, Balance]],
    over: datetime | None,
) -> None:
    assert isinstance(moment.act, Tell)
    notify = moment.act.notify
    lined_up = [
        NewMessage(
            key=f"{_key(version, moment, member)}:{channel}",
            member_id=member.id,
            message=notify.message,
            channel=channel,
            purpose=notify.purpose,
            locale=member.locale,
            variables=variables_for(tx, member, campaign, version, {}, balance),
            campaign_id=campaign.id,
            version=version.version,
            expires_at=over,
        )
        for member, balance in told
        for channel in notify.channels
    ]
    for new, queued in zip(lined_up, tx.messages.queue_many(lined_up), strict=True):
        verdict, reason = said(queued, "told")
        tx.decisions.add(
            Decision(
                key=new.key,
                campaign_id=campaign.id,
                version=version.version,
                member_id=new.member_id,
                step_id=moment.id,
                verdict=verdict,
                reason=reason,
                inputs={"message": new.message, "channel": new.channel},
                at=tx.now,
                until=queued.verdict.until,
            )
        )
