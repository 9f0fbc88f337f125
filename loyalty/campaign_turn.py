"""One turn of a campaign: admit a page, tell a page, open, close, wake the held, or wait.

Like a journey's turn it is one transaction with a stored outcome. Wide work goes in pages, one page
a turn, so that a campaign of a million members holds no lock for long and can be paused in between.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from loyalty.admission import Entry, compiled, consider
from loyalty.audiences.history import history_facts
from loyalty.campaign_entry import is_past, next_entry, opened_pass
from loyalty.campaign_tell import tell_page, untold
from loyalty.coming_expiry import balances_of
from loyalty.errors import Unknown
from loyalty.exchange_window import close_offer, open_offer
from loyalty.journeys.compiled import Compiled, EnterAtLaunch
from loyalty.journeys.moments import CampaignMoment, Tell, in_order
from loyalty.journeys.waking import go_back_to, wake, with_sleep
from loyalty.members import member_facts
from loyalty.ports import Transaction
from loyalty.records import Campaign, Version

PAGE = 200
"""Members a page: some hundred milliseconds of one transaction."""
PACE = timedelta(seconds=1)
"""Between pages that start or wake journeys, so that a wide campaign is no flood."""
LOOK_AGAIN = timedelta(days=1)
"""How often a campaign that everybody entered at launch looks whether the last run has ended."""
_WHY = {"too_late": "Too late for", "too_early": "Too early for"}


def take_campaign_turn(tx: Transaction, campaign_id: str, turn: int) -> dict[str, Any]:
    """Take turn number `turn` of a campaign and return its outcome, now or as it was left."""
    if tx.campaigns.get(campaign_id) is None:
        raise Unknown("campaign", campaign_id)
    campaign = tx.campaigns.lock(campaign_id)
    if turn < campaign.turn:
        return with_sleep(campaign.last_outcome or {"ended": True}, tx.now)
    if turn > campaign.turn:
        return go_back_to(campaign.turn)
    version = tx.campaigns.version(campaign.id, campaign.version)
    campaign, outcome = _next(tx, campaign, version, compiled(version))
    outcome["next_turn"] = turn + 1
    wake_at = outcome.get("wake_at")
    campaign = replace(
        campaign,
        turn=turn + 1,
        last_outcome=outcome,
        wake_at=datetime.fromisoformat(wake_at) if wake_at else None,
    )
    tx.campaigns.save(campaign)
    return with_sleep(outcome, tx.now)


Step = tuple[Campaign, dict[str, Any]]


def _next(tx: Transaction, campaign: Campaign, version: Version, rules: Compiled) -> Step:
    """What a campaign does first: its walks, then a page under way, then what is due."""
    position = campaign.position
    if campaign.state == "paused":
        return campaign, _wait(None, "Paused: nobody new, everybody held at their next step")
    if campaign.state == "stopped":
        return _stopping(tx, campaign, rules)
    if position.get("walk"):
        return _walk(tx, campaign, "Waking whom the pause held")
    if position.get("tell"):
        return _tell(tx, campaign, version, rules)
    if position.get("pass"):
        return _admit(tx, campaign, version, rules)
    return _due(tx, campaign, version, rules)


# --- walks over running journeys ----------------------------------------------------------------


def _walk(tx: Transaction, campaign: Campaign, saying: str) -> Step:
    page = tx.enrolments.live(campaign.id, campaign.position["walk"]["after"], PAGE)
    for enrolment in page:
        if campaign.state == "stopped" or enrolment.state == "held":
            wake(tx, enrolment.id, campaign.state, priority=5)
    if len(page) < PAGE:
        return _at(campaign, walk=None), _more(tx, saying, timedelta(0))
    return _at(campaign, walk={"after": page[-1].id}), _more(tx, saying, PACE)


def _stopping(tx: Transaction, campaign: Campaign, rules: Compiled) -> Step:
    if campaign.position.get("walk"):
        return _walk(tx, campaign, "Ending every journey of a stopped campaign")
    if rules.exchange is not None:
        close_offer(tx, campaign.id)
    return campaign, {"ended": True, "outcome": "stopped", "details": "**Stopped.**"}


# --- broadcasts ---------------------------------------------------------------------------------


def _tell(tx: Transaction, campaign: Campaign, version: Version, rules: Compiled) -> Step:
    under_way = campaign.position["tell"]
    moment = next((m for m in rules.moments if m.id == under_way["id"]), None)
    if moment is None:
        return _at(campaign, tell=None), _more(tx, "The template no longer has it", timedelta(0))
    if untold(moment, rules, tx.now, tx.programme.tz) == "too_late":
        over = f"Too late for the rest of {moment.id}"
        return _done(_at(campaign, tell=None), moment), _more(tx, over, timedelta(0))
    page = tx.members.page(under_way["after"], PAGE)
    tell_page(tx, campaign, version, rules, moment, page)
    saying = f"Telling members: {moment.id}"
    if len(page) < PAGE:
        return _done(_at(campaign, tell=None), moment), _more(tx, saying, timedelta(0))
    return _at(campaign, tell={"id": moment.id, "after": page[-1].id}), _more(tx, saying, PACE)


# --- admission over an audience -----------------------------------------------------------------


def _admit(tx: Transaction, campaign: Campaign, version: Version, rules: Compiled) -> Step:
    under_way = campaign.position["pass"]
    if is_past(under_way["key"], rules, tx.now, tx.programme.tz):
        over = f"{under_way['key']} is over: the rest is left out"
        return _at(campaign, **{"pass": None}), _more(tx, over, timedelta(0))
    page = tx.members.page(under_way["after"], PAGE)
    balances = balances_of(tx, page)
    acts = history_facts(tx, page, [rules.audience])
    entry = Entry(
        key=under_way["key"],
        since=datetime.fromisoformat(under_way["since"]),
        priority=5,
        repeats=under_way["repeats"],
    )
    for member in page:
        facts = {**member_facts(member, balances[member.id], tx.now), **acts[member.id]}
        consider(tx, campaign, version, member, entry, facts)
    saying = f"Looking at everybody for {entry.key}"
    if len(page) < PAGE:
        return _at(campaign, **{"pass": None}), _more(tx, saying, timedelta(0))
    onward = {**under_way, "after": page[-1].id}
    return _at(campaign, **{"pass": onward}), _more(tx, saying, PACE)


# --- what the clock brings ----------------------------------------------------------------------


def _due(tx: Transaction, campaign: Campaign, version: Version, rules: Compiled) -> Step:
    coming = [
        (at, moment)
        for at, moment in in_order(rules.moments, tx.programme.tz)
        if moment.id not in campaign.position.get("done", ())
    ]
    due = [moment for at, moment in coming if at <= tx.now]
    if due:
        return _moment(tx, campaign, rules, due[0])
    entry_at = next_entry(campaign, rules, tx.now, tx.programme.tz)
    if entry_at is not None and entry_at <= tx.now:
        onward = opened_pass(campaign, rules, entry_at, tx.now, tx.programme.tz)
        moved = _at(
            campaign, **{"pass": onward, "entry_at": None, "passed_at": entry_at.isoformat()}
        )
        return moved, _more(tx, f"Begin the pass {onward['key']}", timedelta(0))
    instants = [at for at, _ in coming] + ([entry_at] if entry_at else [])
    if instants:
        coming_next = _coming_next(rules, coming, entry_at)
        local = min(instants).astimezone(tx.programme.tz)
        saying = f"{coming_next} → {local:%Y-%m-%d %H:%M} {tx.programme.zone}"
        return _remember(campaign, entry_at), _wait(min(instants), saying, coming_next)
    if isinstance(rules.enter, EnterAtLaunch) and tx.enrolments.count_live(campaign.id):
        # Until then it can be paused and stopped like any other.
        saying = "Everybody is in: looks each day whether the last run has ended"
        return campaign, _wait(tx.now + LOOK_AGAIN, saying, "Has the last run ended?")
    if rules.enter is None or isinstance(rules.enter, EnterAtLaunch):
        over = replace(campaign, state="finished", ended_at=tx.now)
        return over, {"ended": True, "outcome": "finished", "details": "**Finished.**"}
    return campaign, _wait(None, "Open: members enter as they come")


def _moment(tx: Transaction, campaign: Campaign, rules: Compiled, moment: CampaignMoment) -> Step:
    if isinstance(moment.act, Tell):
        if why := untold(moment, rules, tx.now, tx.programme.tz):
            return _done(campaign, moment), _more(tx, f"{_WHY[why]} {moment.id}", timedelta(0))
        telling = {"id": moment.id, "after": ""}
        return _at(campaign, tell=telling), _more(tx, f"Begin {moment.id}", timedelta(0))
    if moment.act.do == "open":
        open_offer(tx, campaign.id)
    else:
        close_offer(tx, campaign.id)
    return _done(campaign, moment), _more(tx, moment.id, timedelta(0))


# --- shapes -------------------------------------------------------------------------------------


def _at(campaign: Campaign, **changes: Any) -> Campaign:
    return replace(campaign, position={**campaign.position, **changes})


def _done(campaign: Campaign, moment: CampaignMoment) -> Campaign:
    return _at(campaign, done=[*campaign.position.get("done", ()), moment.id])


def _remember(campaign: Campaign, entry_at: datetime | None) -> Campaign:
    return _at(campaign, entry_at=entry_at.isoformat() if entry_at else None)


def _wait(until: datetime | None, saying: str, coming: str = "") -> dict[str, Any]:
    return {
        "ended": False,
        "wake_at": until.isoformat() if until else None,
        "summary": saying[:180],
        "details": f"{saying}.",
        "next_summary": coming[:180] or "Told to look again",
    }


def _more(tx: Transaction, saying: str, pace: timedelta) -> dict[str, Any]:
    return _wait(tx.now + pace, saying, f"After: {saying}")


def _coming_next(
    rules: Compiled, coming: list[tuple[datetime, CampaignMoment]], entry_at: datetime | None
) -> str:
    if coming and (entry_at is None or coming[0][0] <= entry_at):
        return coming[0][1].id
    return f"The next {rules.enter.kind if rules.enter else ''} pass"
