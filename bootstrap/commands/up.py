"""The screen of `milepost up`: what runs where, and what to do next."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

from bootstrap.children import GaveUp
from bootstrap.settings import Settings
from bootstrap.supervisor import CannotStart, Up

_COLOURS = {"server": "cyan", "worker": "green", "relay": "magenta", "temporal": "blue"}


def up(settings: Settings, console: Console) -> int:
    """Run everything until Ctrl-C; returns the exit code."""
    return asyncio.run(_up(settings, console))


async def _up(settings: Settings, console: Console) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def say(who: str, line: str) -> None:
        console.print(f"[{_COLOURS.get(who, 'white')}]{who:>8}[/] | {escape(line)}", soft_wrap=True)

    running = Up(settings, say)
    try:
        with _starting(console):
            await running.start()
        return await _watch(running, stop, console)
    except (CannotStart, GaveUp) as trouble:
        console.print(f"[red]{escape(str(trouble))}[/]", soft_wrap=True)
        return 1
    finally:
        if running.pids:
            console.print("Stopping ...")
        await running.stop()


@contextmanager
def _starting(console: Console) -> Iterator[None]:
    if console.is_terminal:
        with console.status("Starting Temporal, database, API, worker and relay ..."):
            yield
    else:
        yield


async def _watch(running: Up, stop: asyncio.Event, console: Console) -> int:
    watching = asyncio.create_task(running.watch(stop))
    ready = asyncio.create_task(running.ready())
    await asyncio.wait([watching, ready], return_when=asyncio.FIRST_COMPLETED)
    if not watching.done():
        if ready.exception() is not None:
            stop.set()
            await watching
            raise CannotStart("The API did not become ready in three minutes; its words are above.")
        _screen(running, console)
    ready.cancel()
    await asyncio.gather(ready, return_exceptions=True)
    await watching
    return 0


def _screen(running: Up, console: Console) -> None:
    settings = running.settings
    rows = [
        ("Console", f"{running.api_url}/console"),
        ("API", f"{running.api_url}/docs"),
        ("Temporal", running.ui_url),
        ("Data", str(settings.data_dir.absolute())),
    ]
    console.print("\n[bold]Milepost is up.[/] Ctrl-C stops it.\n")
    for name, what in rows:
        console.print(f"  {name:<10}{what}", soft_wrap=True)
    if running.first_link:
        console.print("\n  Make the first account of the console with this link, within 24 hours:")
        console.print(f"  [bold]{running.first_link}[/]", soft_wrap=True)
    if running.first_key:
        console.print("\n  Your first key (admin), shown this once:")
        console.print(f"  [bold]{running.first_key}[/]", soft_wrap=True)
    console.print("\n  More keys:  milepost keys create --role integrator --name till-1\n")
