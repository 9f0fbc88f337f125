"""`milepost demo`: sets the stage, plays, reports, and stays up until Ctrl-C."""

import asyncio
import signal
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from sqlalchemy import func, select

from bootstrap.children import GaveUp
from bootstrap.demo import review
from bootstrap.demo.campaigns import in_words
from bootstrap.demo.cast import Cast, cast
from bootstrap.demo.data import ZONE, NoData, read_shop
from bootstrap.demo.play import Play
from bootstrap.demo.screen import Screen
from bootstrap.demo.stage import FOLDER, Stage, set_up
from bootstrap.demo.till import Api, Refused
from bootstrap.supervisor import CannotStart
from bootstrap.timetravel import StoodStill
from storage.tables import enrolments

OPENED = datetime(2027, 1, 2, tzinfo=ZONE)
"""When the shop began to keep receipts; those from before the first day are brought along."""
FIRST_DAY = datetime(2027, 4, 1, tzinfo=ZONE)
STUCK, INTERRUPTED = 1, 130
WIDTH = 100


@dataclass(frozen=True, slots=True)
class Size:
    """How much is played."""

    households: int = 200
    days: int = 91
    folder: Path = FOLDER
    usual_ports: bool = True

    @property
    def starts(self) -> datetime:
        """The evening before the first day."""
        return FIRST_DAY - timedelta(hours=4)

    def midnight(self, day: int) -> datetime:
        return (FIRST_DAY.replace(tzinfo=None) + timedelta(days=day)).replace(tzinfo=ZONE)


def main(*, once: bool, size: Size | None = None, console: Console | None = None) -> int:
    """Run the demonstration; returns the exit code."""
    show = Show(Screen(console or _console()), size or Size(), once)
    try:
        return asyncio.run(show.run())
    except (CannotStart, GaveUp, NoData, StoodStill, Refused) as trouble:
        show.screen.console.print(f"[red]{escape(str(trouble))}[/]", soft_wrap=True)
        return STUCK
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0 if show.reported else INTERRUPTED


def _console() -> Console:
    """The terminal; a file or a pipe is given the width that the tables like."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDTH)


@dataclass
class Show:
    """One performance; `reported` once the report is written and people may look around."""

    screen: Screen
    size: Size
    once: bool
    reported: bool = False

    async def run(self) -> int:
        """Returns the exit code."""
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        out = self.screen.console
        out.print("\n[bold]Milepost[/]: real shop data, four campaigns, three months\n")
        people = await self._read()
        async with AsyncExitStack() as running:
            with self.screen.step("Starting database, Temporal, API, worker and relay", "start"):
                staging = self._staging()
                stage = await running.enter_async_context(staging)
            good = await self._perform(stage, people)
            self.reported = True
            if not self.once:
                out.print("\n[bold]Everything stays up until Ctrl-C.[/]")
                await asyncio.Event().wait()
        return 0 if good else STUCK

    def _staging(self) -> AbstractAsyncContextManager[Stage]:
        size = self.size
        return set_up(size.folder, size.starts, self._say, usual_ports=size.usual_ports)

    async def _read(self) -> Cast:
        size = self.size
        with self.screen.step("Reading the shop's receipts", "data") as said:
            shop = await asyncio.to_thread(
                read_shop, size.households, OPENED, size.midnight(size.days), size.starts
            )
            people = cast(shop, size.starts, OPENED)
            lines = sum(len(basket.lines) for basket in shop.baskets)
            said.append(f"{len(shop.households)} households, {len(shop.baskets):,} receipts")
            said.append(f"{lines:,} lines")
        return people

    async def _perform(self, stage: Stage, people: Cast) -> bool:
        url, key = stage.up.api_url, stage.key
        async with (
            Api(url, key("integrator")) as shop,
            Api(url, key("marketer")) as marketer,
            Api(url, key("operator")) as operator,
        ):
            play = Play(people, stage.clock, stage.travel, shop, marketer, self.size.starts)
            await self._play(stage, play)
            with self.screen.step("Asking for the figures and proving the ledger", "report"):
                found = await review.gather(stage, play, operator)
        review.show(self.screen, found, play, stage)
        review.notes(self.screen, play, stage.clock.now())
        if not self.once:
            stage.clock.shift_to(stage.clock.now())  # from here on time goes on by itself
            review.links(self.screen, stage, found)
        return found.good

    async def _play(self, stage: Stage, play: Play) -> None:
        screen, size = self.screen, self.size
        with screen.step("Registering members, bringing three months along", "history") as said:
            await play.prologue()
            counts = play.tally.counts
            said.append(f"{counts['registration']} members, {counts['purchase']:,} receipts")
        with screen.step("Launching four campaigns", "launch") as said:
            await play.launch()
            said.append(in_words())
        with screen.bar("play", size.days, lambda: _live(stage)) as show:
            for day in range(size.days):
                await play.day(size.midnight(day), show)
        with screen.step("Letting the last day come to rest", "rest"):
            await play.rest(size.midnight(size.days) + timedelta(minutes=1))

    def _say(self, who: str, line: str) -> None:
        self.screen.console.print(f"[dim]{who:>8} | {escape(line)}[/]", soft_wrap=True)


def _live(stage: Stage) -> int:
    """Journeys under way."""
    e = enrolments.c
    query = select(func.count()).where(e.state.in_(("admitted", "waiting", "held")))
    with stage.parts.database.read() as connection:
        return int(connection.execute(query).scalar_one())
