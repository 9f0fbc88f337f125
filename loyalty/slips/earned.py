"""The part of a points slip that says how points were earned, figure by figure."""

from collections.abc import Iterator

from loyalty.earning.breakdown import Breakdown, LineEarned, Reason
from loyalty.earning.ready import EVERYTHING
from loyalty.earning.rooms import CAP_REACHED
from loyalty.points import BASIS
from loyalty.slips.paper import Grid, Paper, Row, Rule, Text


def earned(paper: Paper, made: Breakdown) -> Iterator[Row]:
    """The base, every line, what applied and what did not, limits, and the rounding."""
    yield Text(paper.line("rules", version=made.rule_version), "head")
    if made.lines:
        yield Text(_base(paper, made), "item")
        yield _lines(paper, made.lines)
    applied = [reason for reason in made.reasons if reason.applied]
    if applied:
        yield Text(paper.line("bonuses"), "head")
        for reason in applied:
            yield Rule(reason.rule, _effect(paper, reason), _caps_of(paper, reason))
    if made.multiplier_bp != BASIS:
        yield Text(_together(paper, made), "item")
    yield from _limits(paper, made)
    missed = [reason for reason in made.reasons if not reason.applied]
    if missed:
        yield Text(paper.line("not_applied"), "head")
        for reason in missed:
            yield Rule(reason.rule, paper.why(reason.reason), _missing(paper, reason))
    yield from _total(paper, made)


def _total(paper: Paper, made: Breakdown) -> Iterator[Text]:
    rounding = paper.line("rounding", exact=made.exact, points=made.spend_points)
    total = paper.line(
        "sum", spend=made.spend_points, flat=made.flat_points, points=f"{made.points:,}"
    )
    if made.lines:
        yield Text(f"= {rounding}", "sum")
    if made.flat_points or not made.lines:
        yield Text(f"= {total}", "sum")


def _base(paper: Paper, made: Breakdown) -> str:
    minor = paper.money(made.base_minor)
    if not made.steps:
        return paper.line("base", points=made.base_points, minor=minor)
    steps = ", ".join(
        paper.line("step", minor=paper.money(step), points=points) for step, points in made.steps
    )
    return paper.line("steps", steps=steps, points=made.base_points, minor=minor)


def _lines(paper: Paper, lines: tuple[LineEarned, ...]) -> Grid:
    rows = []
    for line in lines:
        times = f" ×{line.quantity}" if line.quantity > 1 else ""
        why = line.reasons[0] if line.reasons else None
        note = "" if why is None else paper.why(why.reason)
        if why is not None and why.rule not in ("category", "excluded"):
            note = why.rule
        cells = (
            str(line.line),
            f"{line.sku} {line.category}{times}",
            paper.money(line.net_minor),
            paper.money(line.earning_minor),
            line.base,
            f"×{_times(line.rate_bp)}",
            str(line.points),
            note,
        )
        rows.append(cells)
    return Grid(paper.words.columns, tuple(rows), figures=range(2, 7))


def _effect(paper: Paper, reason: Reason) -> str:
    where = ""
    if reason.lines is not None:
        where = paper.line("on_lines", lines=", ".join(map(str, reason.lines)))
    if reason.kind == "points":
        return paper.line("flat", points=reason.points, where=where)
    if reason.kind == "cap":
        return paper.why(reason.reason) + (f" ×{_times(reason.bp)}" if reason.bp else "")
    return paper.line("bonus", percent=_number(reason.bp, 100), where=where)


def _caps_of(paper: Paper, reason: Reason) -> str:
    """A limit the rule met, or the card it came from."""
    if reason.kind == "card":
        return paper.why(reason.reason) + (f" {reason.ref}" if reason.ref else "")
    if reason.granted is not None:
        return paper.line("granted", granted=reason.granted, wished=reason.wished)
    return reason.ref or ""


def _together(paper: Paper, made: Breakdown) -> str:
    limits = [reason for reason in made.reasons if reason.kind != "points" and reason.applied]
    cut = any(reason.reason == CAP_REACHED for reason in limits)
    return paper.line(
        "together_before" if cut else "together",
        times=_times(made.multiplier_bp),
        stacking=paper.words.stacking[made.stacking],
        maximum=_times(made.maximum_multiplier_bp),
    )


def _limits(paper: Paper, made: Breakdown) -> Iterator[Row]:
    rooms = [*made.caps, *(room for reason in made.reasons for room in reason.caps)]
    per = {(room.counter, room.period): room.per for room in rooms}
    counted = [each for each in made.counted if (each.counter, each.period) in per]
    if not counted:
        return
    yield Text(paper.line("caps"), "head")
    for each in counted:
        name = paper.line("everything") if each.counter == EVERYTHING else each.counter
        period = paper.words.periods[per[each.counter, each.period]]
        figures = {"wished": each.wished, "granted": each.granted}
        yield Text(paper.line("cap", counter=name, period=period, **figures), "item")


def _missing(paper: Paper, reason: Reason) -> str:
    """The figure behind a rule that did not apply."""
    if reason.granted is not None:
        return paper.line("granted", granted=reason.granted, wished=reason.wished)
    if reason.reason == "below_threshold" and reason.from_minor is not None:
        return paper.line("threshold", minor=paper.money(reason.from_minor))
    return reason.ref or ""


def _times(bp: int) -> str:
    return _number(bp, BASIS)


def _number(value: int, unit: int) -> str:
    """A whole number of units, with as many decimals as it needs and no more."""
    whole, part = divmod(value, unit)
    digits = f"{part:0{len(str(unit)) - 1}}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
