"""`milepost keys`: who may use the API, and as what."""

from typing import Annotated

import typer

from bootstrap.commands.asking import not_blank
from bootstrap.commands.opened import actor, opened
from bootstrap.commands.printing import console, moment, print_rows
from loyalty.access import ROLES, Role

app = typer.Typer(no_args_is_help=True, help="API keys: make, list, revoke.")


@app.command()
def create(
    role: Annotated[str, typer.Option(help=f"What it may do: {', '.join(ROLES)}.")],
    name: Annotated[
        str, typer.Option(callback=not_blank, help="Whose it is; seen in the audit trail.")
    ],
) -> None:
    """Make a key. It is shown this once and kept only as a hash.

    Examples:
      milepost keys create --role integrator --name till-1
      milepost keys create --role operator --name "Lee, night shift"
    """
    with opened() as parts:
        chosen: Role = role  # type: ignore[assignment]  # checked where it is used
        token, key = parts.keys.create(name, chosen, actor=actor())
    out = console()
    out.print(token, markup=False)
    out.print(f"{key.id}: {key.role}, {key.name}. Keep it now; it cannot be shown again.")


@app.command(name="list")
def list_keys() -> None:
    """List all keys, newest first, revoked ones too.

    Example:
      milepost keys list
    """
    with opened() as parts:
        found, zone = parts.keys.list(), parts.programme.tz
    if not found:
        console().print("No keys yet. `milepost keys create --help` shows how to make one.")
        return
    rows = []
    for key in found:
        revoked = moment(key.revoked_at, zone) if key.revoked_at else ""
        rows.append((key.id, key.role, key.name, moment(key.created_at, zone), revoked))
    print_rows(("id", "role", "name", "made", "revoked"), rows)


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")],
) -> None:
    """End a key for good. Processes notice within seconds.

    Example:
      milepost keys revoke key-0a1b2c3d
    """
    with opened() as parts:
        key = parts.keys.revoke(id, actor=actor())
    console().print(f"{key.id} is revoked.")
