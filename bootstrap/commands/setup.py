"""Bringing a database up to date, writing migrations, showing the settings."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bootstrap.commands.printing import console
from bootstrap.setting_places import make_folder
from bootstrap.settings import read_settings, variable
from bootstrap.settings_table import listed, markdown, shown
from storage.migrate import head, upgrade, write_migration


def migrate() -> None:
    """Bring the configured database up to date; run it once per release, before the processes.

    Running it again changes nothing; two at once wait for each other.

    Example:
      MILEPOST_DATABASE_URL=postgresql://milepost@db/milepost milepost migrate
    """
    settings = read_settings()
    if settings.database_url is None:
        make_folder("data_dir", settings.data_dir)
    upgrade(settings.database)
    console().print(f"The database is at {head()}.")


def migration(name: Annotated[str, typer.Argument(help="What it does: add_something")]) -> None:
    """Write a new migration from what the tables say and the migrations do not yet do.

    Example:
      milepost migration add_member_note
    """
    with tempfile.TemporaryDirectory() as folder:
        path = write_migration(f"sqlite:///{Path(folder) / 'empty.db'}", name)
    console().print(f"{path}: read it before you commit it.", markup=False)


def settings(
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="As a table for documents.")
    ] = False,
) -> None:
    """Show every setting, with its present value; secrets are not shown.

    Examples:
      milepost settings
      milepost settings --markdown
    """
    if as_markdown:
        typer.echo(markdown(), nl=False)
        return
    present, out = read_settings(), console()
    for name, field in listed():
        out.print(Text(f"{variable(name)}={shown(getattr(present, name))}", style="bold"))
        out.print(Text(f"  {field.description}"))
