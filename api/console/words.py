"""What states, codes and reasons are called on pages: the one table, in both languages.

    said(speech, "campaign", "held")     in Python
    said("campaign", "held")             in templates

A code without words of its own is shown as it is, underscores as spaces.
"""

from api.console.finding_words import FINDINGS
from api.console.language import Speech
from api.console.launch_words import LAUNCH_WORDS
from api.console.marks import N_
from api.console.member_words import MEMBERS

# kind of thing -> code -> (words, tone of its badge)
WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "finding": FINDINGS,
    "assume": {
        "nothing": (N_("Nothing"), "plain"),
        "purchase": (N_("One purchase on the third day"), "plain"),
        "everything": (N_("All that the journey waits for"), "plain"),
    },
    "door": {
        "held_out": (N_("held out, to compare with"), "wait"),
        "not_admitted": (N_("the rules of entry do not fit"), "wait"),
        "running": (N_("is in it already"), "wait"),
    },
    "role": {
        "integrator": (N_("Integrator"), "plain"),
        "marketer": (N_("Marketer"), "plain"),
        "operator": (N_("Operator"), "plain"),
        "admin": (N_("Admin"), "plain"),
    },
    "person": {
        "active": (N_("Active"), "good"),
        "invited": (N_("Invited"), "wait"),
        "disabled": (N_("Disabled"), "bad"),
    },
    "how": {
        "password": (N_("Password"), "plain"),
        "oidc": (N_("Company account"), "plain"),
    },
    "theme": {
        "auto": (N_("As the system"), "plain"),
        "light": (N_("Light"), "plain"),
        "dark": (N_("Dark"), "plain"),
    },
    "repair_act": {
        "retry": (N_("Retry"), "plain"),
        "skip": (N_("Skip a wait"), "plain"),
        "cancel": (N_("Cancel"), "plain"),
        "resend": (N_("Send again"), "plain"),
        "replay": (N_("Replay"), "plain"),
        "give_back": (N_("Give back"), "plain"),
        "set_aside": (N_("Dismiss"), "plain"),
    },
    "repair_job": {
        "running": (N_("Under way"), "wait"),
        "stopped": (N_("Stopped"), "bad"),
        "done": (N_("Done"), "good"),
    },
    "repair_item": {
        "waiting": (N_("Waiting"), "plain"),
        "done": (N_("Done"), "good"),
        "failed": (N_("Refused"), "bad"),
    },
    "repair_outcome": {
        "asked": (N_("The run was told"), "plain"),
        "queued": (N_("In line to be sent"), "plain"),
        "in line": (N_("In line for the relay"), "plain"),
        "recorded": (N_("Was recorded"), "plain"),
        "recorded before": (N_("Was recorded before"), "plain"),
        "set aside": (N_("Shown no more"), "plain"),
        "expired": (N_("Given back"), "plain"),
    },
    "health": {
        "good": (N_("Good"), "good"),
        "attention": (N_("Needs a look"), "wait"),
        "bad": (N_("Does not work"), "bad"),
        "unknown": (N_("Not known"), "plain"),
    },
    "task_queue": {
        "workflow": (N_("Journeys"), "plain"),
        "activity": (N_("Turns"), "plain"),
    },
    "campaign": {
        "draft": (N_("Draft"), "plain"),
        "launched": (N_("Live"), "good"),
        "finished": (N_("Finished"), "plain"),
        "paused": (N_("Paused"), "wait"),
        "stopped": (N_("Stopped"), "bad"),
    },
    "lift": {
        "no_holdout": (N_("Nobody is held out"), "plain"),
        "nobody_yet": (N_("Nobody to compare yet"), "plain"),
        "too_few": (N_("Too few to say"), "plain"),
        "no_verdict": (N_("No verdict yet"), "wait"),
        "better": (N_("It works"), "good"),
        "worse": (N_("It does harm"), "bad"),
    },
    "step": {
        "grant": (N_("Points"), "plain"),
        "card": (N_("Multiplier card"), "plain"),
        "coupon": (N_("Coupon"), "plain"),
        "tag": (N_("Tag"), "plain"),
        "notify": (N_("Message"), "plain"),
        "wait": (N_("Wait"), "plain"),
        "await": (N_("Wait for the member"), "plain"),
        "branch": (N_("Branch"), "plain"),
        "split": (N_("Split"), "plain"),
        "end": (N_("End"), "plain"),
    },
    "way": {
        "met": (N_("done in time"), "plain"),
        "missed": (N_("time was over"), "plain"),
        "skipped": (N_("ended by an operator"), "plain"),
        "then": (N_("yes"), "plain"),
        "otherwise": (N_("no"), "plain"),
    },
    "outcome": {
        "completed": (N_("Completed"), "plain"),
        "stopped": (N_("Ended with the campaign"), "plain"),
        "cancelled": (N_("Cancelled by an operator"), "plain"),
        "left": (N_("No longer a member"), "plain"),
        "not_begun": (N_("Period was over"), "plain"),
        "merged": (N_("Became another member's"), "plain"),
        "erased": (N_("The member was erased"), "plain"),
        "ordered": (N_("Ordered"), "plain"),
        "no_order": (N_("No order"), "plain"),
        "woken": (N_("Came back"), "plain"),
        "gave_up": (N_("Did not come back"), "plain"),
        "not_dormant": (N_("Was not dormant"), "plain"),
        "all_done": (N_("All tasks done"), "plain"),
        "month_over": (N_("Month was over"), "plain"),
    },
    "channel": {
        "inbox": (N_("In-app inbox"), "plain"),
        "email": (N_("E-mail"), "plain"),
        "webhook": (N_("Webhook"), "plain"),
    },
    "message": {
        "queued": (N_("In line"), "wait"),
        "deferred": (N_("Put off"), "wait"),
        "sending": (N_("Being sent"), "wait"),
        "sent": (N_("Sent"), "good"),
        "dropped": (N_("Not sent"), "plain"),
        "failed": (N_("Failed"), "bad"),
        "unknown": (N_("Fate unknown"), "bad"),
    },
    "contact_rule": {
        "campaign_stopped": (N_("The campaign was stopped"), "plain"),
        "stop_listed": (N_("On the stop list"), "plain"),
        "no_consent": (N_("No consent"), "plain"),
        "no_address": (N_("No address"), "plain"),
        "expired": (N_("Its time had passed"), "plain"),
        "message_budget": (N_("The channel's budget for the day was used up"), "plain"),
        "frequency_cap": (N_("Enough messages for now"), "plain"),
        "quiet_hours": (N_("Quiet hours"), "plain"),
    },
    "not_admitted": {
        "member_not_active": (N_("Not an active member"), "plain"),
        "not_in_audience": (N_("Not in the audience"), "plain"),
        "entry_condition": (N_("The event did not fit"), "plain"),
        "already_entered": (N_("Had entered already"), "plain"),
        "already_running": (N_("Still in an earlier run"), "plain"),
        "once_per_member": (N_("Only once for each member"), "plain"),
        "cooling_down": (N_("Too soon after the last run"), "plain"),
        "budget_exhausted": (N_("No room in the budget"), "bad"),
    },
    "skipped": {
        "no_inviter": (N_("No active inviter"), "plain"),
        "inviter_came_later": (N_("No inviter on entry"), "plain"),
        "given_before": (N_("Given before"), "plain"),
        "nothing_to_give": (N_("The points were set to 0"), "plain"),
        "condition_not_met": (N_("Not meant for this member now"), "plain"),
    },
    "offer": {
        "announced": (N_("Announced"), "wait"),
        "open": (N_("Open"), "good"),
        "closed": (N_("Closed"), "plain"),
    },
    "claim": {
        "reserved": (N_("Reserved"), "wait"),
        "confirmed": (N_("Confirmed"), "good"),
        "released": (N_("Given back"), "plain"),
        "expired": (N_("Not confirmed in time"), "plain"),
    },
    "refused_claim": {
        "too_early": (N_("Refused: too early"), "bad"),
        "too_late": (N_("Refused: the exchange was closed"), "bad"),
        "paused": (N_("Refused: the campaign was paused"), "bad"),
        "stopped": (N_("Refused: the campaign was over"), "bad"),
        "not_eligible": (N_("Refused: for other members"), "bad"),
        "sold_out": (N_("Refused: sold out"), "bad"),
        "limit_reached": (N_("Refused: the member's limit was reached"), "bad"),
        "not_enough_points": (N_("Refused: too few points"), "bad"),
    },
    **MEMBERS,
    **LAUNCH_WORDS,
}


def said(speech: Speech, kind: str, code: object) -> str:
    """The words for a code."""
    text = str(code)
    words, _ = WORDS.get(kind, {}).get(text, (text.replace("_", " "), "plain"))
    return speech.gettext(words)


def tone(kind: str, code: object) -> str:
    """How a badge of it looks: plain, good, wait or bad."""
    return WORDS.get(kind, {}).get(str(code), ("", "plain"))[1]
