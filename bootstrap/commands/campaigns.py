"""`milepost campaigns`: launch, list, hold and stop, without the API."""

from typing import Annotated, Any

import typer

from bootstrap.commands.asking import Reason, asked
from bootstrap.commands.opened import actor, opened
from bootstrap.commands.printing import console, print_rows
from bootstrap.template_reading import check_texts
from loyalty import campaigns
from loyalty.campaign_request import CampaignRequest
from loyalty.errors import Invalid
from loyalty.ports import Transaction
from loyalty.records import Campaign

app = typer.Typer(no_args_is_help=True, help="Campaigns: list, launch, pause, resume, stop.")
Id = Annotated[str, typer.Argument(help="The campaign's id.")]


@app.command(name="list")
def list_campaigns() -> None:
    """List campaigns with state and points.

    Example:
      milepost campaigns list
    """
    with opened() as parts:
        found = parts.reads.campaigns(state=None, after="", limit=500)
    if not found:
        console().print(
            "No campaigns yet. `milepost templates list` shows what there is to launch."
        )
        return
    rows = []
    for each in found:
        budget = "none" if each["budget_points"] is None else f"{each['budget_points']:,}"
        figures = (f"{each['granted_points']:,}", f"{each['reserved_points']:,}", budget)
        rows.append((each["id"], each["template"], each["state"], *figures))
    columns = ("id", "template", "state", "granted", "reserved", "budget")
    print_rows(columns, rows, figures=range(3, 6))


@app.command()
def launch(
    template: Annotated[str, typer.Argument(help="As `milepost templates list` shows it.")],
    id: Annotated[
        str | None, typer.Option(help="Small letters, digits, -. Default: the template's name.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Shown to people.")] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", help="parameter=value, as often as needed.")
    ] = None,
    audience: Annotated[str | None, typer.Option(help="A condition over members.")] = None,
    holdout: Annotated[int | None, typer.Option(help="Percent kept out, to compare with.")] = None,
    budget: Annotated[int | None, typer.Option(help="Points it may give in all.")] = None,
) -> None:
    """Make a campaign from a template and launch it, or ask for it where the programme wants two.

    Examples:
      milepost campaigns launch new_member_bonus
      milepost campaigns launch new_member_bonus --id welcome-2026 \\
        --set welcome_points=300 --holdout 5
      milepost campaigns launch limited_time_exchange --id cup --set points=1500 \\
        --set opens_at=2027-03-08T10:00+08:00 --set closes_at=2027-03-10T22:00+08:00
      milepost campaigns launch dormant_wake_up --budget 50000 \\
        --audience "member.tier == 'gold'"
    """
    request = asked(
        CampaignRequest,
        {"holdout_percent": "--holdout", "budget_points": "--budget", "values": "--set"},
        id=id or template.replace("_", "-"),
        name=name or template.replace("_", " ").capitalize(),
        template=template,
        values=dict(_pair(each) for each in values or ()),
        audience=audience,
        holdout_percent=holdout,
        budget_points=budget,
    )
    with opened() as parts:
        found = parts.templates().get(template)
        if found is None:
            known = ", ".join(sorted(parts.templates()))
            raise Invalid(f"There is no template {template!r}. There are: {known}.", [])

        def work(tx: Transaction) -> Campaign:
            made = campaigns.draft(tx, found, request, actor(), check_texts)
            return campaigns.launch(tx, made.id, 1, actor())  # the version that says this

        made = parts.store.run(work)
    waits = " until another person approves it, in the console or over the API"
    console().print(f"{made.id} is {made.state}{waits if made.state == 'draft' else ''}.")


@app.command()
def pause(id: Id, reason: Reason) -> None:
    """Hold everything at its next step. Nobody is lost, events still count.

    Example:
      milepost campaigns pause welcome-2026 --reason "wrong text in the reminder"
    """
    _turn(id, reason, campaigns.pause)


@app.command()
def resume(id: Id, reason: Reason) -> None:
    """Go on; whoever was held is woken, at a pace.

    Example:
      milepost campaigns resume welcome-2026 --reason "text corrected"
    """
    _turn(id, reason, campaigns.resume)


@app.command()
def stop(id: Id, reason: Reason) -> None:
    """End a campaign and every journey in it, for good.

    Example:
      milepost campaigns stop welcome-2026 --reason "replaced by welcome-2027"
    """
    _turn(id, reason, campaigns.stop)


def _turn(id: str, reason: str, act: Any) -> None:
    with opened() as parts:
        made: Campaign = parts.store.run(lambda tx: act(tx, id, reason, actor()))
    console().print(f"{made.id} is {made.state}.")


def _pair(written: str) -> tuple[str, str]:
    """A parameter with its value as it was written: the parameter's type says how to read it."""
    name, equals, value = written.partition("=")
    if not equals:
        raise typer.BadParameter(f"{written!r} must be written parameter=value")
    return name.strip(), value
