"""`milepost templates`: what there is to launch, and what is wrong with one being written."""

from pathlib import Path
from typing import Annotated

import typer

from bootstrap.catalogue import FILE, Catalogue, read_template
from bootstrap.commands.asking import Locale
from bootstrap.commands.printing import console, print_rows
from bootstrap.programme_file import read_programme
from bootstrap.settings import Settings, read_settings
from bootstrap.wiring import Parts
from loyalty.errors import Invalid
from storage.readiness import database_state

app = typer.Typer(no_args_is_help=True, help="Campaign templates: list, check.")


@app.command(name="list")
def list_templates(locale: Locale = "en") -> None:
    """List every template, saved ones too, with its parameters and their defaults.

    Examples:
      milepost templates list
      milepost templates list --locale zh
    """
    catalogue = _catalogue(read_settings())
    out = console()
    for name, template in sorted(catalogue().items()):
        out.print(f"[bold]{name}[/]  {getattr(template.title, locale)}")
        out.print(f"  {getattr(template.summary, locale)}", markup=False)
        rows = []
        for parameter, about in template.parameters.items():
            default = "(must be given)" if about.default is None else str(about.default)
            rows.append((parameter, default, getattr(about.label, locale)))
        print_rows(("parameter", "default", "what it is"), rows)
        out.print()
    for folder, problems in catalogue.broken.items():
        for problem in problems:
            out.print(f"{folder}/{problem}", style="red", markup=False)


@app.command()
def check(
    path: Annotated[
        Path, typer.Argument(exists=True, help="A template's folder, or a folder of them.")
    ],
) -> None:
    """Check templates: every problem with its file and line. Ends with 1 if there is any.

    Examples:
      milepost templates check campaign_templates/new_member_bonus
      milepost templates check my_templates
    """
    out = console()
    events = read_programme(read_settings().programme_file).known_events
    folders = (
        [path] if (path / FILE).exists() else sorted(each.parent for each in path.glob(f"*/{FILE}"))
    )
    if not folders:
        raise Invalid(f"{path}: there is no template here ({FILE} is missing).", [])
    faults = 0
    for folder in folders:
        template, problems = read_template(folder, events)
        faults += len(problems)
        for problem in problems:
            out.print(f"{folder}/{problem}", markup=False)
        if template is not None and not problems:
            out.print(f"{folder}: good", markup=False)
    if faults:
        raise typer.Exit(1)


def _catalogue(settings: Settings) -> Catalogue:
    """With what marketers saved, where there is a database; templates can be read without one."""
    folders = Catalogue(settings.templates, read_programme(settings.programme_file))
    if settings.database_url is None and not settings.data_dir.exists():
        return folders
    parts = Parts(settings)
    return parts.templates if database_state(parts.database)[0] else folders
