"""`milepost people`: who may sign in to the console. Links are printed, passwords never."""

import json
from typing import Annotated

import typer

from api.console.addresses import link_address
from api.people import check_links
from bootstrap.commands.opened import actor, opened
from bootstrap.commands.printing import console, moment, print_rows
from bootstrap.settings import STATE_FILE, Settings
from bootstrap.wiring import Parts
from loyalty.access import ROLES
from loyalty.errors import Unknown
from loyalty.people import Person, email_of

app = typer.Typer(no_args_is_help=True, help="People who sign in to the console.")
Who = Annotated[str, typer.Argument(help="The person's id or e-mail address.")]


@app.command()
def add(
    email: Annotated[str, typer.Option(help="With this the person signs in.")],
    name: Annotated[str, typer.Option(help="Seen in the audit trail.")],
    role: Annotated[str, typer.Option(help=f"What they may do: {', '.join(ROLES)}.")],
) -> None:
    """Let somebody in. Prints a link that sets the password once, within 24 hours.

    Example:
      milepost people add --role marketer --email mei@example.com --name "Mei Lin"
    """
    with opened() as parts:
        check_links(parts.settings.local_accounts)
        made, token = parts.people.invite(name=name, email=email, role=role, actor=actor())
        _print_link(parts, made, token)


@app.command(name="list")
def list_people() -> None:
    """List everybody, those shut out too.

    Example:
      milepost people list
    """
    with opened() as parts:
        found, zone = parts.people.list(), parts.programme.tz
    if not found:
        console().print("Nobody yet. `milepost people add --help` shows how to let somebody in.")
        return
    rows = []
    for each in found:
        state = "disabled" if not each.active else "active" if each.has_password else "invited"
        seen = moment(each.last_seen, zone) if each.last_seen else ""
        rows.append((each.id, each.name, each.email, each.role, state, seen))
    print_rows(("id", "name", "e-mail", "role", "state", "last seen"), rows)


@app.command()
def reset(who: Who) -> None:
    """End somebody's password and sessions, and print a link for a new password.

    Example:
      milepost people reset mei@example.com
    """
    with opened() as parts:
        check_links(parts.settings.local_accounts)
        person = _person(parts, who)
        _print_link(parts, person, parts.people.reset(person.id, actor=actor()))


@app.command()
def disable(who: Who) -> None:
    """Shut somebody out and end all their sessions.

    Example:
      milepost people disable mei@example.com
    """
    with opened() as parts:
        person = parts.people.set_active(_person(parts, who).id, False, actor=actor())
    console().print(f"{person.name} can no longer sign in.", markup=False)


@app.command()
def enable(who: Who) -> None:
    """Let somebody in again who was shut out.

    Example:
      milepost people enable mei@example.com
    """
    with opened() as parts:
        person = parts.people.set_active(_person(parts, who).id, True, actor=actor())
    console().print(f"{person.name} can sign in again.", markup=False)


def _person(parts: Parts, who: str) -> Person:
    known = parts.people.find(who)
    if known is None and "@" in who:
        found = parts.people.password_of(email_of(who))
        known = found[0] if found else None
    if known is None:
        raise Unknown("person", who)
    return known


def _print_link(parts: Parts, person: Person, token: str) -> None:
    out = console()
    out.print(link_address(console_url(parts.settings), token), markup=False)
    out.print(
        f"{person.id}: {person.role}, {person.name}. Hand the link over; it works once, for 24 "
        "hours.",
        markup=False,
    )


def console_url(settings: Settings) -> str:
    """Where the console is: as the settings say, else where `milepost up` runs, else nearby."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    try:
        return str(json.loads((settings.data_dir / STATE_FILE).read_text())["api"])
    except (OSError, ValueError, KeyError):
        return f"http://{settings.listen_host}:{settings.listen_port}"
