"""Which rules hold for a receipt or another act, and why the others do not."""

from collections.abc import Sequence

from loyalty.earning.breakdown import Reason, Room
from loyalty.earning.facts import Facts, Moment
from loyalty.earning.ready_rule import ReadyRule
from loyalty.events import MemberEvent, Purchase


def matching(
    rules: Sequence[ReadyRule],
    purchase: Purchase,
    counting: Sequence[int],
    facts: Facts,
    moment: Moment,
) -> list[Reason]:
    """Every bonus and flat rule of this time, in order; `counting` are the lines that earn."""
    reasons = []
    for ready in rules:
        if not ready.counts_at(moment.at):
            continue
        code = ready.why_not(purchase.store, purchase.channel, facts, moment)
        if code is not None:
            reasons.append(ready.no(code))
            continue
        caps = ready.counted(facts, moment) if ready.caps else ()
        if not ready.rule.when.chooses_lines:
            reasons.append(ready.fitting(None, caps))
            continue
        lines = tuple(n for n in counting if ready.chooses(purchase.lines[n - 1]))
        if not lines:
            reasons.append(ready.no("no_matching_line"))
        elif ready.rule.when.first_purchase:
            reasons += _first_of_each(ready, purchase, lines, facts, caps)
        else:
            reasons.append(ready.fitting(lines, caps))
    return reasons


def _first_of_each(
    ready: ReadyRule,
    purchase: Purchase,
    lines: tuple[int, ...],
    facts: Facts,
    caps: tuple[Room, ...],
) -> list[Reason]:
    """Feature 14: once for each product that the member never bought before."""
    by_sku: dict[str, list[int]] = {}
    for n in lines:
        by_sku.setdefault(purchase.lines[n - 1].sku, []).append(n)
    return [
        ready.no("bought_before") if sku in facts.bought else ready.fitting(tuple(ns), caps, sku)
        for sku, ns in by_sku.items()
    ]


def matching_act(
    rules: Sequence[ReadyRule], event: MemberEvent, facts: Facts, moment: Moment
) -> list[Reason]:
    """Every rule about acts of this kind, in order."""
    reasons = []
    for ready in rules:
        if ready.counts_at(moment.at):
            code = ready.why_not(event.store, event.channel, facts, moment)
            caps = ready.counted(facts, moment) if ready.caps else ()
            reasons.append(ready.fitting(None, caps) if code is None else ready.no(code))
    return reasons
