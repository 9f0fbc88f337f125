"""The console's menu: who sees which page."""

from dataclasses import dataclass, replace

from api.console.marks import N_
from api.keys import Caller
from loyalty.access import Permission


@dataclass(frozen=True, slots=True)
class Entry:
    """`label` is English; the layout translates it. `here`: it leads to the page that is open."""

    label: str
    path: str
    icon: str
    permission: Permission
    here: bool = False


# Grouped as people work: what marketers decide, what operators do, what admins keep.
GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        N_("Campaigns"),
        (
            Entry(N_("Campaigns"), "/console/campaigns", "flag", "read_campaigns"),
            Entry(N_("New campaign"), "/console/gallery", "plus", "change_campaigns"),
            Entry(N_("Templates"), "/console/templates", "pen", "change_campaigns"),
            Entry(N_("Earning rules"), "/console/earning-rules", "star", "change_campaigns"),
        ),
    ),
    (
        N_("Operations"),
        (
            Entry(N_("Find"), "/console/find", "search", "find"),
            Entry(N_("Why not"), "/console/why", "branch", "explain"),
            Entry(N_("Repair"), "/console/repair", "wrench", "operate_runs"),
            Entry(N_("Health"), "/console/health", "pulse", "read_health"),
            Entry(N_("Audit"), "/console/audit", "list", "read_audit"),
        ),
    ),
    (N_("Administration"), (Entry(N_("People"), "/console/people", "people", "manage_people"),)),
)


def nav_for(caller: Caller | None, path: str) -> list[tuple[str, list[Entry]]]:
    """The groups with at least one entry this caller may open."""
    if caller is None:
        return []
    shown = []
    for title, entries in GROUPS:
        open_ones = [
            replace(each, here=_under(each.path, path))
            for each in entries
            if caller.may(each.permission)
        ]
        if open_ones:
            shown.append((title, open_ones))
    return shown


def _under(entry: str, path: str) -> bool:
    return path == entry or path.startswith(f"{entry}/")
