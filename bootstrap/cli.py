"""The `milepost` command: every process, and what operators do by hand."""

import asyncio
import io
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from rich.console import Console
from sqlalchemy.exc import DBAPIError

from bootstrap.commands import (
    campaigns,
    earning,
    keys,
    ledger,
    members,
    people,
    runs,
    setup,
    templates,
    tiers,
    why,
)
from bootstrap.logs import set_up_logs
from bootstrap.settings import Settings, SettingsError, read_settings, unknown_variables
from loyalty.errors import LoyaltyError


class Plain(typer.core.TyperGroup):
    """Says what went wrong in plain words instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a letter the terminal lacks becomes a `?`
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            _say("These settings cannot be used:", *error.problems)
            raise typer.Exit(2) from None
        except LoyaltyError as error:
            _say(error.detail, *_problems(error))
            raise typer.Exit(1) from None
        except DBAPIError as error:
            _say(f"The database does not answer as it should: {_reason(error)}.")
            raise typer.Exit(1) from None
        except OSError as error:
            if error.filename is None:  # no file of ours, such as a pipe that was closed
                raise
            _say(f"{error.filename}: {error.strerror}.")
            raise typer.Exit(1) from None


def _say(*lines: str) -> None:
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    for line in lines:
        err.print(line, style="red", markup=False)


def _reason(error: DBAPIError) -> str:
    """The driver's first line: the others may quote rows."""
    return str(error.orig).strip().partition("\n")[0] or type(error).__name__


def _problems(error: LoyaltyError) -> list[str]:
    """Each problem by its field, unless the sentence before them says it already."""
    found = error.facts.get("problems") or []
    lines = []
    for each in found:
        allowed = each.get("allowed")
        listed = ", ".join(map(str, allowed)) if isinstance(allowed, list | tuple) else ""
        said = each.get("message") or (f"one of {listed}" if listed else each.get("code"))
        if said not in error.detail:
            also = f" ({listed})" if listed and each.get("message") else ""
            lines.append(f"  {each.get('field', '')}: {said}{also}")
        elif listed and listed not in error.detail:
            lines.append(f"  one of: {listed}")
    return lines


app = typer.Typer(
    cls=Plain,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Milepost: the engine for member points programmes.\n\n"
    "On one machine:  [bold]milepost up[/]\n\n"
    "In production:  [bold]milepost migrate[/], then [bold]server[/], [bold]worker[/] and "
    "[bold]relay[/], as many of each as you need.\n\n"
    "Settings are environment variables: [bold]milepost settings[/] lists them.",
)
PROCESSES, OPERATING, SETTING_UP = "Processes", "Operating", "Setting up"


def _settings_for(process: str) -> Settings:
    settings = read_settings()
    set_up_logs(settings, process)
    for line in unknown_variables():
        _say(line)
    return settings


@app.command(rich_help_panel=PROCESSES)
def up() -> None:
    """Run everything on this machine until Ctrl-C: database, Temporal, API, worker, relay.

    Data is kept in .milepost/ between runs. Prints a first key when there is none yet.

    Examples:
      milepost up
      MILEPOST_DATA_DIR=/srv/milepost MILEPOST_LISTEN_PORT=9000 milepost up
    """
    from bootstrap.commands.up import up as run

    settings = read_settings()
    for line in unknown_variables():
        _say(line)
    raise typer.Exit(run(settings, Console(highlight=False)))


@app.command(rich_help_panel=PROCESSES)
def server() -> None:
    """Run the HTTP API.

    Example:
      MILEPOST_DATABASE_URL=postgresql://milepost@db/milepost milepost server
    """
    from bootstrap.server import run_server

    run_server(_settings_for("server"))


@app.command(rich_help_panel=PROCESSES)
def worker() -> None:
    """Run a worker: it takes the turns of journeys, campaigns and exchange orders.

    Example:
      MILEPOST_TEMPORAL_ADDRESS=temporal:7233 milepost worker
    """
    from bootstrap.processes import run_worker

    asyncio.run(run_worker(_settings_for("worker")))


@app.command(rich_help_panel=PROCESSES)
def relay() -> None:
    """Run a relay: it tells Temporal what was decided, and sends messages.

    One on SQLite, as many as you like on PostgreSQL.

    Example:
      MILEPOST_SMTP_URL=smtp://user:password@mail:587 milepost relay
    """
    from bootstrap.processes import run_relay

    asyncio.run(run_relay(_settings_for("relay")))


@app.command(rich_help_panel=PROCESSES)
def demo(
    once: Annotated[bool, typer.Option("--once", help="End when the report is written.")] = False,
) -> None:
    """Play months of real shop data through four campaigns, and report.

    Examples:
      milepost demo
      milepost demo --once
    """
    try:
        play = import_module("bootstrap.demo.command")
    except ImportError as error:
        if error.name is None or error.name.startswith("bootstrap"):
            raise
        _say(f"The demonstration needs {error.name}: install the extras `demo` and `embedded`.")
        raise typer.Exit(1) from None
    raise typer.Exit(play.main(once=once))


app.command(rich_help_panel=OPERATING)(runs.explain)
app.command(rich_help_panel=OPERATING)(runs.run)
app.command(rich_help_panel=OPERATING)(runs.runs)
for act in (runs.retry, runs.skip, runs.cancel):
    app.command(rich_help_panel=OPERATING)(act)
app.command(rich_help_panel=OPERATING)(tiers.tier)
app.command(rich_help_panel=OPERATING)(why.why)
app.command(rich_help_panel=OPERATING)(runs.prove)
app.command(rich_help_panel=OPERATING)(runs.outbox)
app.add_typer(ledger.app, name="ledger", rich_help_panel=OPERATING)
app.add_typer(campaigns.app, name="campaigns", rich_help_panel=OPERATING)
app.add_typer(earning.app, name="earning", rich_help_panel=OPERATING)
app.add_typer(members.app, name="members", rich_help_panel=OPERATING)
app.add_typer(templates.app, name="templates", rich_help_panel=OPERATING)
app.add_typer(keys.app, name="keys", rich_help_panel=SETTING_UP)
app.add_typer(people.app, name="people", rich_help_panel=SETTING_UP)
for step in (setup.migrate, setup.migration, setup.settings):
    app.command(rich_help_panel=SETTING_UP)(step)

if __name__ == "__main__":
    app()
