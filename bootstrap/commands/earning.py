"""`milepost earning`: check a file of earning rules, switch it on, and show what counts."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from bootstrap.commands.opened import actor, opened
from bootstrap.commands.printing import console, moment, print_rows
from bootstrap.programme_file import read_programme
from bootstrap.settings import read_settings
from loyalty.earning import activate as versions
from loyalty.earning.load import read_rules, written_moment
from loyalty.earning.rule_set import RuleSet
from loyalty.errors import Invalid, invalid_field
from loyalty.programme import Programme

app = typer.Typer(no_args_is_help=True, help="Earning rules: check, activate, show.")
File = Annotated[
    Path,
    typer.Argument(exists=True, dir_okay=False, help="A file of earning rules, YAML or JSON."),
]


@app.command()
def check(file: File) -> None:
    """Check earning rules: every problem with its line, and the most they could give.

    Ends with 1 if there is a problem.

    Example:
      milepost earning check autumn.yaml
    """
    programme = read_programme(read_settings().programme_file)
    _tell_stack(_read(file, programme), programme)


@app.command()
def activate(
    file: File,
    since: Annotated[
        str | None,
        typer.Option("--from", help="Date, time or instant; default: in a minute."),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Needed above the programme's limit; kept for audit.")
    ] = None,
    until_version: Annotated[
        int | None,
        typer.Option(help="Before a coming version: its number. The file counts until then."),
    ] = None,
) -> None:
    """Make a file the next version, for receipts from an instant on. Nothing posted changes.

    Examples:
      milepost earning activate autumn.yaml
      milepost earning activate autumn.yaml --from 2026-11-01
      milepost earning activate opening.yaml --from 2026-11-01T10:00 --reason "Fair"
    """
    with opened() as parts:
        rule_set = _read(file, parts.programme)
        _tell_stack(rule_set, parts.programme)
        try:
            begins = written_moment(since, parts.programme.tz) if since else None
        except ValueError:
            raise invalid_field(
                "--from", "moment", "is not a date (2026-11-01) or a time (2026-11-01T10:00)"
            ) from None
        made, replayed = parts.store.run(
            lambda tx: versions.activate(
                tx,
                rule_set,
                begins,
                actor(),
                reason,
                after_version=versions.listed(tx)[-1].version,
                until_version=until_version,
            )
        )
    begins = made.active_from.astimezone(parts.programme.tz)
    said = "was there already" if replayed else "is made"
    console().print(f"Version {made.version} {said}; it counts from {begins:%Y-%m-%d %H:%M %Z}.")


@app.command()
def show(
    version: Annotated[int | None, typer.Argument(help="A version's number.")] = None,
) -> None:
    """Show all versions, or the rules of one.

    Examples:
      milepost earning show
      milepost earning show 2
    """
    out = console()
    with opened() as parts:
        zone = parts.programme.tz
        if version is not None:
            found = parts.store.read(lambda tx: versions.version(tx, version))
            body = found.body.model_dump(
                mode="json", exclude_none=True, exclude_defaults=True, exclude={"version"}
            )
            out.print(yaml.safe_dump(body, sort_keys=False, allow_unicode=True), markup=False)
            return
        every, now = parts.store.read(lambda tx: (versions.listed(tx), tx.earning_rules.at(tx.now)))
    counts = now.version if now else versions.FIRST
    rows = []
    for each in every:
        begins = moment(each.active_from, zone)
        begins = "the beginning" if each.version == versions.FIRST else begins
        row = (str(each.version), begins, each.created_by, str(len(each.body.rules)))
        rows.append((*row, "yes" if each.version == counts else ""))
    print_rows(("version", "counts from", "made by", "rules", "counts now"), rows, (3,))


def _read(file: Path, programme: Programme) -> RuleSet:
    """The rules in a file; ends with 1 after telling every problem."""
    out = console()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be read: {error}.", []) from None
    rule_set, problems = read_rules(text, programme.known_events, programme.tz, str(file))
    for problem in problems:
        out.print(str(problem), markup=False)
    if rule_set is None:
        raise typer.Exit(1)
    return rule_set


def _tell_stack(rule_set: RuleSet, programme: Programme) -> None:
    stack = versions.stack_of(rule_set, programme)
    limit = programme.earning.highest_return_bp
    out = console()
    out.print(
        f"Highest stack: {stack.rate_bp * stack.multiplier_bp / 10**8:g} times the base "
        f"({' + '.join(stack.rules) or 'nothing stacks'}), {stack.points_per_10000:,} points for "
        f"100.00 {programme.currency}, {stack.return_bp / 100:g}% of the price.",
        markup=False,
    )
    if stack.flat_points:
        out.print(f"Up to {stack.flat_points:,} flat points come on top of a receipt.")
    if stack.return_bp > limit:
        out.print(f"That is above the programme's limit of {limit / 100:g}%: give a --reason.")
