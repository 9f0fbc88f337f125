"""What to do about each part of the system, in one sentence; the API says the English one."""

from api.console.marks import N_

PARTS = {
    "intake": N_("Recording"),
    "relay": N_("Relay"),
    "parked": N_("Given up on by the relay"),
    "temporal": N_("Temporal"),
    "workers": N_("Workers"),
    "tasks": N_("Waiting tasks"),
    "database": N_("Database"),
    "channel.inbox": N_("In-app messages"),
    "channel.email": N_("E-mail"),
    "channel.webhook": N_("Webhook"),
    "verification": N_("Ledger added up"),
    "seal": N_("Ledger sealed"),
    "backup": N_("Backup"),
}
WHOLE = {
    "good": N_("Everything works."),
    "attention": N_("Everything works, and something needs a look."),
    "bad": N_("Something does not work: see what to do."),
}
ADVICE = {
    "fine": N_("All is well."),
    "nothing_yet": N_("No points have moved yet."),
    "intake_behind": N_("More comes in than is recorded: look at the database and its disk."),
    "relay_behind": N_(
        "Journeys are told late: see that the relay runs and that Temporal answers."
    ),
    "rows_parked": N_("Temporal refused these for good: mend the cause, then replay them."),
    "temporal_away": N_(
        "Temporal does not answer. Recording goes on; journeys wait until it does."
    ),
    "no_worker": N_("Nobody takes journeys' turns: start a worker."),
    "tasks_behind": N_("Turns wait too long: start another worker, or look at the database."),
    "database_away": N_("The database does not answer: nothing can be recorded until it does."),
    "database_slow": N_("The database answers slowly: look at its load and its disk."),
    "connections_short": N_(
        "Connections run short: lower MILEPOST_DATABASE_CONNECTIONS or allow more."
    ),
    "wal_grows": N_("The write-ahead log has grown: look for a reader that never ends."),
    "channel_fails": N_("Many sends fail: read the errors, mend the channel, then send again."),
    "channel_behind": N_("Messages leave late: see that the relay runs and the channel is up."),
    "fate_unknown": N_("Nobody knows whether these arrived: decide which to send again."),
    "never_verified": N_("The ledger was never added up: the upkeep does it once a day."),
    "verify_again": N_("It is long ago: see that a worker runs, or call milepost prove."),
    "ledger_broken": N_("The ledger does not add up: read the findings before anything else."),
    "never_sealed": N_("Nothing is signed yet: give the worker a key, see Sealing the ledger."),
    "seal_old": N_("What came since is not signed: see that a worker runs and has the key."),
    "backup_not_known": N_("Backups are made outside Milepost: keep an eye on them there."),
}
