"""What a purchase or another act earns, and why: one pure function for posting, preview, return
and simulation.

points = floor(sum over lines of base x rate, x stacked bonuses) + flat points, rounded once per
receipt and shared over the lines by largest remainder (rules 9, 10, 11). The breakdown keeps every
figure used, so that a return is computed by the rules of the day and not by today's (rule 2).
"""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.earning.breakdown import Breakdown, LineEarned, Reason
from loyalty.earning.facts import Card, Facts, Moment
from loyalty.earning.match import matching, matching_act
from loyalty.earning.paid import paid_by_line
from loyalty.earning.ready import ReadyRules, ready, sku_counter
from loyalty.earning.ready_rule import room_in
from loyalty.earning.rooms import Counter
from loyalty.earning.rule_set import RuleSet
from loyalty.earning.settle import settle
from loyalty.earning.working import hundredths, working
from loyalty.events import MemberEvent, Purchase
from loyalty.points import BASIS


def earn(purchase: Purchase, rule_set: RuleSet, facts: Facts, zone: ZoneInfo) -> Breakdown:
    """What this purchase earns under these rules, judged at the moment it happened."""
    rules = ready(rule_set, zone)
    moment = Moment.of(purchase.occurred_at, zone)
    paid = paid_by_line(purchase.paid_with_points_minor, purchase.lines, facts.unpayable)
    minors = _earning_minors(purchase, rules, paid)
    rated, outdone = _rates(purchase, rules, facts, moment)
    rates = [reasons[0].bp for reasons in rated]
    present = [minor > 0 for minor in minors]
    counting = [n for n, there in enumerate(present, 1) if there]
    reasons = outdone + matching(rules.bonuses, purchase, counting, facts, moment)
    if facts.cards:
        reasons += _cards(facts.cards, purchase.occurred_at, rule_set.card_maximum_bp)
    caps = room_in(rules.caps, facts, moment) if rules.caps else ()
    settled = settle(rules.terms, minors, rates, present, reasons, caps)
    lines = tuple(
        LineEarned(
            number,
            line.sku,
            line.category,
            line.quantity,
            line.net_minor,
            minor,
            hundredths(minor * settled.base_points, settled.base_minor),
            why[0].bp,
            points,
            why,
            by_points,
        )
        for number, line, minor, why, points, by_points in zip(
            range(1, len(minors) + 1),
            purchase.lines,
            minors,
            rated,
            settled.shares,
            paid,
            strict=True,
        )
    )
    bought = _new_products(purchase, rules) if rules.first_skus else {}
    return working(rule_set.version, rules.terms, settled, lines, caps, bought)


def earn_act(event: MemberEvent, rule_set: RuleSet, facts: Facts, zone: ZoneInfo) -> Breakdown:
    """What another act earns: flat points only, such as 20 for a survey (features 15 to 21)."""
    rules = ready(rule_set, zone)
    moment = Moment.of(event.occurred_at, zone)
    reasons = matching_act(rules.acts.get(event.type, []), event, facts, moment)
    caps = room_in(rules.caps, facts, moment)
    settled = settle(rules.terms, [0], [0], [True], reasons, caps)
    return working(rule_set.version, rules.terms, settled, (), caps, {})


def _new_products(purchase: Purchase, rules: ReadyRules) -> dict[Counter, tuple[int, int]]:
    """Pieces of products that count as new the first time, for the next receipt to know.

    A free sample was not bought.
    """
    pieces: dict[Counter, tuple[int, int]] = {}
    for line in purchase.lines:
        if line.net_minor and line.sku in rules.first_skus:
            before, _ = pieces.get(sku_counter(line.sku), (0, 0))
            pieces[sku_counter(line.sku)] = (before + line.quantity, before + line.quantity)
    return pieces


def _earning_minors(purchase: Purchase, rules: ReadyRules, paid: Sequence[int]) -> list[int]:
    """What of each line earns: no excluded category, nothing paid with points, no tax by setting.

    Source: rule 11.
    """
    excluded = rules.excluded
    if not purchase.paid_with_points_minor and not rules.no_tax:
        return [0 if line.category in excluded else line.net_minor for line in purchase.lines]
    minors = []
    for line, by_points in zip(purchase.lines, paid, strict=True):
        by_money = 0 if line.category in excluded else line.net_minor - by_points
        if rules.no_tax and by_money:
            by_money = by_money * (line.net_minor - line.tax_minor) // line.net_minor
        minors.append(by_money)
    return minors


def _rates(
    purchase: Purchase, rules: ReadyRules, facts: Facts, moment: Moment
) -> tuple[list[tuple[Reason, ...]], list[Reason]]:
    """Each line's rate: of the rules that choose it the first in order, else its category's.

    Also the rules that choose lines and rate none of them, and why: once each, however many lines.
    """
    lines = purchase.lines
    rated = [rules.rate_of(line.category) for line in lines]
    if not rules.rates:
        return rated, []
    choosable = [n for n, line in enumerate(lines) if line.category not in rules.excluded]
    left, missed = set(choosable), []
    for each in rules.rates:
        if not each.counts_at(moment.at):
            continue
        chosen = [n for n in choosable if each.chooses(lines[n])]
        if not chosen:
            continue
        code = each.why_not(purchase.store, purchase.channel, facts, moment)
        if code is None and left.isdisjoint(chosen):
            code = "another_rate_applies"
        if code is not None:
            missed.append(each.no(code))
            continue
        for n in left.intersection(chosen):
            rated[n] = each.rates
        left.difference_update(chosen)
    return rated, missed


def _cards(cards: Sequence[Card], at: datetime, maximum_bp: int | None) -> list[Reason]:
    """Of several personal cards only the best counts, as far as any card does."""
    ranked = sorted(cards, key=lambda card: (-card.multiplier_bp, card.key))
    best = next((card for card in ranked if card.starts_at <= at < card.ends_at), None)
    reasons = []
    for card in ranked:
        multiplier = min(card.multiplier_bp, maximum_bp or card.multiplier_bp)
        applies = card is best and multiplier > BASIS
        code = _card_reason(card, best, at)
        if card is best and multiplier < card.multiplier_bp:
            code = "card_maximum"
        reasons.append(
            Reason(
                rule="card",
                kind="card",
                applied=applies,
                reason=code,
                bp=max(0, multiplier - BASIS),
                ref=card.key,
                fits=applies,
            )
        )
    return reasons


def _card_reason(card: Card, best: Card | None, at: datetime) -> str:
    if at < card.starts_at:
        return "card_not_started"
    if at >= card.ends_at:
        return "card_ended"
    return "card_valid" if card is best else "better_card_applies"
