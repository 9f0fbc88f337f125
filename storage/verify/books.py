"""The checks that look at accounts and lots: a second process makes them beside the log's."""

from collections.abc import Callable
from contextlib import suppress

from loyalty.errors import WrongState
from storage.verify.accounts import Part, check_accounts
from storage.verify.broken import Finding, RowBroken
from storage.verify.log import Tick
from storage.verify.lots import check_lots
from storage.verify.rules import check_keys, check_reversals
from storage.verify.source import Source, opened_source

ACCOUNTS = "accounts are what their entries make them, in one chain each"
REVERSALS = "no more is taken back than was moved"
KEYS = "every key stands once"
LOTS = "lots are the sums of what was moved"


def finding(what: str, work: Callable[[], object], *, unless: bool = False) -> Finding:
    """Do one check, and say what came of it."""
    if unless:
        return Finding(what, "skipped")
    try:
        work()
    except RowBroken as found:
        return Finding(what, "broken", found.broken)
    return Finding(what, "ok")


def check_books(source: Source, part: Part, tick: Tick, *, all_keys: bool = True) -> list[Finding]:
    """Accounts, reversals and keys: what can be said whether or not the log is whole."""
    return [
        finding(ACCOUNTS, lambda: check_accounts(source, part, tick)),
        finding(REVERSALS, lambda: check_reversals(source)),
        finding(KEYS, lambda: check_keys(source), unless=not all_keys),
    ]


def books_and_lots(url: str) -> list[Finding]:
    """The same and the lots, over a snapshot of its own.

    Lots are left out where what moved them cannot be read: then the log is broken, which the other
    process tells.
    """
    with opened_source(url) as source:
        found = check_books(source, Part(), lambda rows: None)
        with suppress(WrongState):
            found.append(finding(LOTS, lambda: check_lots(source)))
        return found
