"""What each repair list is, in a title and a sentence that says what to do with it."""

from api.console.marks import N_

TITLES = {
    "failing_runs": N_("Runs whose step fails"),
    "stuck_runs": N_("Stuck runs"),
    "parked_rows": N_("Given up on by the relay"),
    "refused_events": N_("Refused events"),
    "late_events": N_("Late events"),
    "unknown_messages": N_("Messages of unknown fate"),
    "failed_messages": N_("Messages that failed"),
    "deferred_messages": N_("Messages put off for more than a day"),
    "overdue_claims": N_("Overdue claims"),
    "ledger_mismatches": N_("Ledger mismatches"),
}
MEANING = {
    "failing_runs": N_(
        "Temporal reports that a step fails again and again, or that somebody ended the workflow. "
        "Mend the cause, then retry."
    ),
    "stuck_runs": N_(
        "Their time to wake is more than ten minutes past and nothing is on its way to them. "
        "A retry starts them again where they left off."
    ),
    "parked_rows": N_(
        "Temporal refused these five times. They hold up nothing else. Mend the cause, then "
        "replay them."
    ),
    "refused_events": N_(
        "A till or shop sent these and was refused: mostly the member was missing, or the same id "
        "came with other content. Mend the cause, then replay them."
    ),
    "late_events": N_(
        "They were recorded later than the programme's lateness allows. Points were credited; a "
        "campaign's window may have been over. Make good by a correction what is owed, then "
        "dismiss them."
    ),
    "unknown_messages": N_(
        "The sender went away between sending and noting it. Sent again, a member may read it "
        "twice: that is why a person decides."
    ),
    "failed_messages": N_(
        "The channel refused them for good, or there was no address. Mend the cause, then send "
        "them again."
    ),
    "deferred_messages": N_(
        "Quiet hours last a night, not a day: a budget that is too small or a channel that is "
        "down keeps these waiting. They leave by themselves once it is mended."
    ),
    "overdue_claims": N_(
        "The reservation is over and nobody has given it back. Giving back returns points and "
        "stock."
    ),
    "ledger_mismatches": N_(
        "What the last verification found. Read these before anything else, and dismiss one "
        "only when you know why it is there."
    ),
}
GONE = {
    "failing_runs": N_("No step fails."),
    "stuck_runs": N_("Every run has something that will wake it."),
    "parked_rows": N_("Everything that was decided was delivered."),
    "refused_events": N_("Everything that was sent was recorded."),
    "late_events": N_("Nothing came too late in the last thirty days."),
    "unknown_messages": N_("Of every message it is known what became of it."),
    "failed_messages": N_("No message failed in the last thirty days."),
    "deferred_messages": N_("No message waits for more than a day."),
    "overdue_claims": N_("No reservation is overdue."),
    "ledger_mismatches": N_("The ledger adds up."),
}
KINDS = {
    "refused_events": "event",
    "late_events": "event",
    "unknown_messages": "channel",
    "failed_messages": "channel",
    "deferred_messages": "channel",
    "overdue_claims": "tried",
}
"""In which words of the one table a list's kinds are said; of the others they are names."""
EXPLAINED = {
    "retry": N_("Retry: start it again where it left off"),
    "skip": N_("Skip: end the present wait"),
    "cancel": N_("Cancel: end the run; what was given stays given"),
    "resend": N_("Send again"),
    "replay": N_("Replay: do it again as it was sent"),
    "give_back": N_("Give back: return points and stock"),
    "set_aside": N_("Dismiss: show it here no more"),
}
STARTED = {
    "retry": N_("The job is under way: retrying."),
    "skip": N_("The job is under way: skipping waits."),
    "cancel": N_("The job is under way: cancelling."),
    "resend": N_("The job is under way: sending again."),
    "replay": N_("The job is under way: replaying."),
    "give_back": N_("The job is under way: giving back."),
    "set_aside": N_("The job is under way: dismissing."),
}
