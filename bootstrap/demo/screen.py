"""What is seen while the demonstration runs: the steps, and a bar that fills day by day."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bootstrap.demo.data import ZONE
from bootstrap.demo.play import Show, Tally

PLAIN_EVERY = 15
"""Without a terminal a line every so many days says that it goes on."""


class Screen:
    """Says what is being done and how long it took."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.took: dict[str, float] = {}
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    @contextmanager
    def step(self, doing: str, name: str) -> Iterator[list[str]]:
        """One step; what the body appends is said when it is done."""
        began = time.monotonic()
        said: list[str] = []
        if self.console.is_terminal:
            with self.console.status(f"{doing} ..."):
                yield said
        else:
            yield said
        self.took[name] = time.monotonic() - began
        words = f": {escape('; '.join(said))}" if said else ""
        self._done(f"{doing}{words}", name)

    @contextmanager
    def bar(self, name: str, days: int, live: Callable[[], int]) -> Iterator[Show]:
        """A bar over the days, with receipts a second and journeys under way."""
        began = time.monotonic()
        progress = Progress(
            TextColumn("      [bold]{task.fields[date]}[/]"),
            BarColumn(bar_width=24),
            TextColumn("day {task.completed}/{task.total}"),
            TextColumn("[cyan]{task.fields[rate]}[/]"),
            TextColumn("[magenta]{task.fields[live]}[/]"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        task = progress.add_task(name, total=days, date="", rate="", live="")
        first: int | None = None
        said = 0

        def show(at: datetime, tally: Tally) -> None:
            nonlocal first, said
            receipts = tally.counts["purchase"]
            first = receipts if first is None else first
            a_second = (receipts - first) / (time.monotonic() - began)
            date = f"{at.astimezone(ZONE):%a %d %b %Y}"
            rate, running = (
                f"{receipts:,} receipts, {a_second:.0f}/s",
                f"{live():,} journeys running",
            )
            progress.update(task, completed=tally.days)
            progress.update(task, date=date, rate=rate, live=running)
            if progress.disable and tally.days >= said + PLAIN_EVERY:
                said = tally.days
                self.console.print(f"      {date}: {rate}, {running}")

        with progress:
            yield show
        self.took[name] = time.monotonic() - began
        self._done(f"Playing {days} days", name)

    def _done(self, what: str, name: str) -> None:
        line = Table.grid(padding=(0, 1))
        line.add_row("[green]done[/] ", f"{what} [dim]({self.took[name]:.1f} s)[/]")
        self.console.print(line)
