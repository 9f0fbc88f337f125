"""When a tier changes: up at once, down by the policy, and never because points were spent.

Each function looks at one case and answers with the next row of the history, or none when nothing
changes. Whoever asks twice about the same case gets the same answer. Source: rules 16 and 17.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from loyalty.tiers.periods import grace_ends, lasts_until, stay_window
from loyalty.tiers.standing import (
    Case,
    Held,
    Place,
    Reason,
    held_until,
    missing_to_stay,
    warns_from,
)
from loyalty.timing import TICK, start_of_day


def review_row(
    case: Case, lateness: timedelta, refunded_at: datetime | None
) -> tuple[Held | None, datetime | None]:
    """The one step a review takes, and the refund that is still to be judged after it.

    Who is lowered for a refund is not lowered again because the time was over as well.
    """
    if refunded_at is not None and day_end(case, refunded_at) <= case.now:
        lower = fall_after_refund(case)
        if lower is not None:
            return lower, None
        refunded_at = None
    row = rise(case) or end_of_validity(case, lateness) or begin_validity(case)
    return row, refunded_at


def rise(case: Case, bought_at: datetime | None = None) -> Held | None:
    """The highest tier the metric reaches, if that is above the present one.

    `bought_at` is of a receipt that comes in now: what was reached with it then counts from right
    after it, also if that window is over by now (rule 13). A tier that changed since is judged
    as of now.
    """
    if case.rank is None or case.rank + 1 == len(case.tiers.ladder):
        return None
    place, now = case.place, case.now
    at = min(bought_at, now) if bought_at is not None and bought_at >= place.since else now
    if case.tiers.reached(case.counted(_window(case, at), None)) <= case.rank:
        return None  # both windows lie in this one
    found = (_reached(case, at, at + TICK), _reached(case, now, None))
    then, best, metric = max(found, key=lambda each: each[1])
    if best <= case.rank:
        return None
    row = _row(case, best, "reached", metric, _window(case, then), then)
    begins = min(then + TICK, now)  # the receipt itself was of the tier before
    last = place.on_ladder
    return replace(row, from_at=max(begins, last.from_at) if last else begins)


def fall_after_refund(case: Case) -> Held | None:
    """One tier down, if what earned the present tier came back and nothing made up for it.

    Judged over the window in which the tier was earned and all that came after it. A tier that
    was given by hand, or that the shop brought along, was not earned by purchases and stays.
    """
    earned = ground(case.place)
    if not case.rank or earned is None or earned.counted_from is None:
        return None
    metric = case.counted(earned.counted_from, None)
    if metric >= case.tiers.ladder[case.rank].threshold:
        return None
    return _row(case, case.rank - 1, "refunded", metric, earned.counted_from)


def end_of_validity(case: Case, lateness: timedelta) -> Held | None:
    """What becomes of a tier whose validity is over: retained, or lower by the policy.

    Retained as soon as enough is there; lost only once the days of grace are over and receipts of
    those days have had their time to come in (rule 13).
    """
    tiers, place, valid_until = case.tiers, case.place, held_until(case.tiers, case.place)
    if valid_until is None or not case.rank or case.now < valid_until:
        return None
    since, before = stay_window(tiers, valid_until, case.zone, place.joined, place.tier_start)
    metric = case.counted(since, before)
    # Who has earned the tier by today would rise again at once: that is no reason to fall first.
    if (so_far := case.counted(case.counts_from, None)) > metric:
        since, metric = case.counts_from, so_far
    allowed = tiers.reached(metric)
    if allowed >= case.rank:
        ends = lasts_until(tiers, case.rank, valid_until, case.zone, place.joined)
        # The next validity follows without a gap, unless it would be over already.
        start = valid_until if ends is None or ends > case.now else case.now
        return _row(case, case.rank, "retained", metric, since, start)
    if case.now < judged_at(case, valid_until, lateness):
        return None
    return _row(case, _lower(case, case.rank, allowed), "not_retained", metric, since)


def begin_validity(case: Case) -> Held | None:
    """Open the validity of a tier that has none yet: the shop brought it, or tiers were kept.

    A new policy never takes a tier away before the member had its whole length to earn it again.
    """
    row = case.place.on_ladder
    if not case.rank or (row is not None and row.until_at is not None):
        return None
    until = lasts_until(case.tiers, case.rank, case.now, case.zone, case.place.joined)
    tier = case.tiers.ladder[case.rank].tier
    return None if until is None else Held("ladder", tier, case.now, until, "opened", tier)


def is_at_risk(case: Case) -> bool:
    """Whether to warn: little time is left, and something is missing to keep the tier."""
    valid_until = held_until(case.tiers, case.place)
    if valid_until is None or case.now < warns_from(case.tiers, valid_until):
        return False
    return case.now < grace_ends(case.tiers, valid_until, case.zone) and bool(missing_to_stay(case))


def next_look(case: Case, lateness: timedelta, refunded_at: datetime | None) -> datetime | None:
    """When the review has to look at a member again; none = nothing is coming."""
    moments = []
    paid = case.place.paid(case.now)
    if paid is not None:
        moments.append(paid.until_at)
    if refunded_at is not None:
        moments.append(day_end(case, refunded_at))
    row, valid_until = case.place.on_ladder, held_until(case.tiers, case.place)
    if row is not None and valid_until is not None:
        # A tier that is given for a short time only begins with little time left.
        warns = max(warns_from(case.tiers, valid_until), day_end(case, row.from_at))
        moments += [warns, valid_until, judged_at(case, valid_until, lateness)]
    return min((at for at in moments if at is not None and at > case.now), default=None)


def judged_at(case: Case, valid_until: datetime, lateness: timedelta) -> datetime:
    """When a tier that was not earned again is lost."""
    return grace_ends(case.tiers, valid_until, case.zone) + lateness


def day_end(case: Case, at: datetime) -> datetime:
    """The midnight that ends the day of an instant: refunds are judged then, all together."""
    return start_of_day(at, case.zone, days=1)


def ground(place: Place) -> Held | None:
    """The row by which the present tier was earned; none when no purchase earned it.

    Who fell to a tier because of an earlier refund may have earned that one before, or passed it
    on the way up. Who is back where people found them has what was earned before they stepped in.
    """
    rows: Sequence[Held] = [
        r for r in place.history if r.track == "ladder" and r.reason != "opened"
    ]
    if len(rows) > 1 and rows[-1].reason == "not_retained":
        before = _before_by_hand(rows[:-1])
        if len(before) < len(rows) - 1 and before and before[-1].tier == rows[-1].tier:
            rows = before
    row = rows[-1] if rows else None
    if row is not None and row.reason == "refunded":
        earlier = [r for r in rows if r.reason != "refunded"]
        same = [r for r in earlier if r.tier == row.tier]
        row = next(reversed(same or earlier), None)
    return row if row is not None and row.reason in ("reached", "retained") else None


def _lower(case: Case, rank: int, allowed: int) -> int:
    """The rank that follows on a tier whose time is over; `allowed` is what the metric reaches."""
    if case.tiers.downgrade == "keep":
        # Only a tier set by hand for a time ends here: what was there before it comes back.
        rows = [row for row in case.place.history if row.track == "ladder"]
        by_hand = rows[len(_before_by_hand(rows)) :]
        return max(allowed, case.tiers.rank(by_hand[0].came_from) or 0)
    if case.tiers.downgrade == "one_down" or case.tiers.soft_landing:
        return rank - 1
    return allowed


def _before_by_hand(rows: Sequence[Held]) -> Sequence[Held]:
    """The rows of the ladder without the last ones, by which people stepped in."""
    number = len(rows)
    while number and rows[number - 1].reason == "set_by_hand":
        number -= 1
    return rows[:number]


def _reached(case: Case, at: datetime, before: datetime | None) -> tuple[datetime, int, int]:
    """The rank that the window of an instant reaches, with its metric."""
    metric = case.counted(_window(case, at), before)
    return at, case.tiers.reached(metric), metric


def _window(case: Case, at: datetime) -> datetime:
    """Since when acts counted for rising at an instant."""
    return replace(case, now=at).counts_from


def _row(
    case: Case, rank: int, reason: Reason, metric: int, since: datetime, at: datetime | None = None
) -> Held:
    at = at or case.now
    return Held(
        track="ladder",
        tier=case.tiers.ladder[rank].tier,
        from_at=at,
        until_at=lasts_until(case.tiers, rank, at, case.zone, case.place.joined),
        reason=reason,
        came_from=case.place.ladder_tier(case.now),
        metric=metric,
        counted_from=since,
    )
