"""`milepost ledger`: seal the log, verify it from its rows, and the key that others check it by."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import SQLAlchemyError

from bootstrap.commands.opened import opened
from bootstrap.commands.printing import console
from bootstrap.seal_key import known_keys, signing_key
from bootstrap.settings import Settings, read_settings, variable
from bootstrap.wiring import Parts
from loyalty.errors import WrongState, invalid_field
from loyalty.sealing.broken import SealBroken
from loyalty.sealing.signing_keys import KeyMalformed, VerifierKey, generate_signing_key
from storage.database import database_url
from storage.verifications import note_report
from storage.verify.run import Progress as Told
from storage.verify.run import Report, Wanted
from storage.verify.run import verify as verify_ledger

app = typer.Typer(no_args_is_help=True, help="Seal the points ledger, and verify it.")


@app.command()
def seal() -> None:
    """Sign what the log is now, if it grew, and push what was not pushed yet.

    The regular care does the same every round. Ends with 1 if a checkpoint could not be pushed, or
    if the log is not what was signed last: then nothing is signed.

    Example:
      milepost ledger seal
    """
    with opened() as parts:
        try:
            done = parts.seal()
        except SealBroken as broken:
            message = f"nothing was signed: {broken} Run `milepost ledger verify`."
            raise WrongState(message) from None
    said = f"signed at {done.size:,} transactions" if done.size else "nothing new to sign"
    console().print(f"{said}; pushed {done.pushed}, waiting {done.waiting}")
    if done.waiting:
        raise typer.Exit(1)


@app.command()
def key(
    new: Annotated[bool, typer.Option("--new", help="Make a secret key and print it.")] = False,
) -> None:
    """Print the key that checks this log's checkpoints: hand it to everybody.

    Examples:
      milepost ledger key
      MILEPOST_SEAL_ORIGIN=shop.example/points milepost ledger key --new
    """
    settings = read_settings()
    if new:
        typer.echo(generate_signing_key(settings.seal_origin).encode())
        return
    # A key made in some other folder would be handed out as the one of this ledger.
    found = signing_key(settings, make=settings.embedded_database.exists())
    if found is None:
        raise WrongState(
            f"There is no key: call this in the folder where `milepost up` runs, or set "
            f"{variable('seal_key')}."
        )
    typer.echo(found.verifier.encode())


@app.command()
def verify(
    full: Annotated[bool, typer.Option("--full", help="Everything; this is the default.")] = False,
    account: Annotated[
        str | None, typer.Option(help="Only this member, or account (member:<id>, debt:<id>).")
    ] = None,
    since: Annotated[
        int, typer.Option(min=0, help="Only what came after this many transactions.")
    ] = 0,
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option(help="File of checkpoints kept elsewhere; may be given several times."),
    ] = None,
    keys: Annotated[
        list[str] | None,
        typer.Option("--key", help="Key that checks signatures. Unset: those of the settings."),
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="A copy, replica or restored dump instead.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Compute the ledger again from its rows, and compare it with everything that was sealed.

    Names the first broken row and ends with 1 if anything does not hold. Nothing else of Milepost
    has to run. Of the whole ledger it is noted how it ended, for the page of health; a copy given
    by --database is only read.

    Examples:
      milepost ledger verify
      milepost ledger verify --account m-1001
      milepost ledger verify --database sqlite:///backup.db --checkpoints kept.jsonl --key "$KEY"
    """
    if full + bool(account) + bool(since) > 1:
        raise invalid_field("--full, --account, --since", "together", "exclude each other")
    settings = read_settings()
    wanted = Wanted(
        keys=_keys(keys, settings, own=database is None),
        external=tuple(_text(path) for path in checkpoints or ()),
        account=account,
        since=since,
    )
    begun = time.monotonic()
    with _shown() as progress:
        report = verify_ledger(_address(database) or settings.database, wanted, progress)
    if not (database or account or since):
        _note(settings, report, time.monotonic() - begun)
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        _print(report)
    if not report.ok:
        raise typer.Exit(1)


def _keys(given: list[str] | None, settings: Settings, *, own: bool) -> tuple[VerifierKey, ...]:
    """Those that were given; else, for the database of the settings, those they have."""
    if given:
        try:
            return tuple(VerifierKey.decode(text.strip()) for text in given)
        except KeyMalformed as wrong:
            raise invalid_field("--key", "malformed", f"cannot be used: {wrong}") from None
    return known_keys(settings) if own else ()


def _address(given: str | None) -> str | None:
    try:
        if given is not None:
            database_url(given)
        return given
    except ValueError as wrong:
        raise invalid_field("--database", "address", str(wrong)) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        message = f"{str(path)!r} cannot be read"
        raise invalid_field("--checkpoints", "unreadable", message) from None


def _note(settings: Settings, report: Report, seconds: float) -> None:
    """Keep how it ended; the verdict counts also where that cannot be written."""
    parts = Parts(settings)
    try:
        at = parts.clock.now()
        parts.database.run(lambda found: note_report(found, report, at, seconds))
    except SQLAlchemyError as error:
        said = f"The result could not be noted for the page of health: {type(error).__name__}."
        Console(stderr=True, highlight=False).print(said, style="yellow", markup=False)
    finally:
        parts.close()


@contextmanager
def _shown() -> Iterator[Told]:
    """A bar on standard error, where somebody looks at it."""
    bar = Progress(
        TextColumn("verifying"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not Console(stderr=True).is_terminal,
    )
    with bar:
        task = bar.add_task("rows", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print(report: Report) -> None:
    out = console()
    marks = {"ok": "[green]yes[/]    ", "broken": "[red]no[/]     ", "skipped": "skipped"}
    for each in report.findings:
        out.print(f"{marks[each.state]} {each.check}")
    out.print(f"{report.transactions:,} transactions, {report.entries:,} entries", markup=False)
    out.print(f"root {report.root} at {report.size:,}", markup=False)
    out.print(f"{report.checkpoints} checkpoints cover {report.sealed:,}; ", end="")
    out.print(f"signatures {report.signatures}")
    if report.first_broken:
        out.print(f"first broken: {report.first_broken.sentence()}", style="red", markup=False)
