"""The report: what the four campaigns did, in tables a marketer can read."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bootstrap.demo.figures import Arm, Goal
from storage.proof import Proof

Report = Mapping[str, Any]
_REASONS = {
    "allowed": "the contact rules allow it",
    "no_consent": "the member has not agreed to it",
    "no_address": "there is no address",
    "quiet_hours": "quiet hours where the member lives",
    "frequency_cap": "enough messages for now",
    "expired": "its time had passed",
}


def heading(console: Console, text: str) -> None:
    console.print()
    console.rule(f"[bold]{text}[/]", align="left", style="dim")


def table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    """A table with its figures to the right."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", expand=False)
    for column in columns:
        right = column in numbers
        fixed = right or column in ("campaign", "group")
        made.add_column(column, justify="right" if right else "left", no_wrap=fixed)
    return made


def campaigns(reports: Sequence[Report]) -> RenderableType:
    figures = ("looked at", "held out", "entered", "running", "points given")
    made = table("campaign", *figures, "how journeys ended", numbers=figures)
    for each in reports:
        report = each["report"]
        entered = f"{report['enrolled']:,}" if report["enrolled"] else "-"
        made.add_row(
            Text(each["id"], "cyan"),
            f"{report['evaluated']:,}",
            f"{report['held_out']:,}" if report["evaluated"] else "-",
            entered,
            f"{report['live']:,}",
            f"{report['points']['granted']:,}",
            _counts(report["outcomes"]) or _of_exchange(report),
        )
    note = "Entered: journeys begun; a member may get the pack of tasks every month."
    return Group(made, Text(f"{note}\n{_budgets(reports)}", "dim"))


def _budgets(reports: Sequence[Report]) -> str:
    known = [each for each in reports if each["budget_points"] is not None]
    said = (
        f"{each['id']} used {each['granted_points']:,} of {each['budget_points']:,}"
        + (f" and has {each['reserved_points']:,} set aside" if each["reserved_points"] else "")
        for each in known
    )
    return f"Points budgets: {'; '.join(said)}."


def _of_exchange(report: Report) -> str:
    return "an exchange: see below" if report["claims"] else ""


def messages(reports: Sequence[Report]) -> RenderableType:
    columns = ("in the app", "by e-mail", "dropped", "failed", "waiting")
    made = table("campaign", *columns, numbers=columns)
    for each in reports:
        by_channel = each["report"]["messages"]
        sent = {channel: counts.get("sent", 0) for channel, counts in by_channel.items()}
        status: Counter[str] = Counter()
        for counts in by_channel.values():
            status.update(counts)
        waiting = status["queued"] + status["deferred"] + status["sending"]
        failed = status["failed"] + status["unknown"]
        row = (sent.get("inbox", 0), sent.get("email", 0), status["dropped"], failed, waiting)
        made.add_row(Text(each["id"], "cyan"), *(f"{n:,}" if n else "-" for n in row))
    return Group(made, _verdicts(reports))


def _verdicts(reports: Sequence[Report]) -> RenderableType:
    """The contact gate's words over all campaigns."""
    said: Counter[tuple[str, str]] = Counter()
    for each in reports:
        for verdict, reasons in each["report"]["verdicts"].items():
            for reason, count in reasons.items():
                said[verdict, reason] += count
    made = table("contact gate", "times", "because", numbers=("times",))
    names = {"send": "send", "defer": "put off", "drop": "drop"}
    for verdict, name in names.items():
        for (found, reason), count in said.most_common():
            if found == verdict:
                made.add_row(name, f"{count:,}", _REASONS.get(reason, reason))
    return made


def claims(report: Report, sold_out: int) -> RenderableType:
    columns = ("claims", "cups", "points")
    made = table("exchange", *columns, numbers=columns)
    endings = {
        "confirmed": "taken home",
        "released": "given back by the member",
        "expired": "not fetched in 15 minutes, given back by itself",
        "reserved": "still reserved",
    }
    for status, said in endings.items():
        if found := report["report"]["claims"].get(status):
            row = (found["claims"], found["units"], found["points"])
            made.add_row(said, *(f"{n:,}" for n in row))
    if sold_out:
        made.add_row("refused: sold out", f"{sold_out:,}", "-", "-")
    return made


def goals(found: Sequence[Goal]) -> RenderableType:
    columns = ("entered", "did", "share", "receipts", "spent")
    made = table("campaign", "within 30 days", "group", *columns, numbers=columns)
    for goal in found:
        for name, arm in (("met", goal.treated), ("held out", goal.holdout)):
            first = name == "met"
            made.add_row(
                Text(goal.campaign if first else "", "cyan"),
                goal.what if first else "",
                name,
                *_arm(arm),
            )
    recent = sum(goal.too_recent for goal in found)
    note = (
        "Plain counts: the receipts are history and could not be changed by a message, so no "
        f"effect is to be seen here. {recent:,} entries of the last 30 days are left out."
    )
    return Group(made, Text(note, "dim"))


def _arm(arm: Arm) -> Iterable[str]:
    share = f"{arm.bought / arm.entries:.0%}" if arm.entries else "-"
    spent = f"${arm.spent_minor / 100:,.2f}"
    return f"{arm.entries:,}", f"{arm.bought:,}", share, f"{arm.receipts:,}", spent


def ledger(proof: Proof) -> RenderableType:
    made = table("points ledger", "points", numbers=("points",))
    rows = {
        "issued": proof.issued,
        "redeemed": -proof.redeemed,
        "lapsed": -proof.lapsed,
        "owed by members (refunded after spending)": proof.owed,
        "with members": proof.outstanding,
    }
    for name, points in rows.items():
        made.add_row(name, f"{points:,}")
    lines = [
        Text.assemble(
            ("yes  ", "green") if check.broken is None else ("NO   ", "bold red"),
            check.what,
            "" if check.broken is None else f": {check.broken}",
        )
        for check in proof.checks
    ]
    summed = Text(f"{proof.transactions:,} transactions, summed again by the database:", "dim")
    return Group(made, summed, *lines)


def _counts(counts: Mapping[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in ranked)
