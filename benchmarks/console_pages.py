"""Every page of the console, and what is asked of it, with members in the middle of the table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from benchmarks.console_copies import copied_id
from benchmarks.console_story import CUPS, DRAFT, JOB, LIVES, OWN_TEMPLATE, VISITS, WELCOME
from loyalty.access import Role

# Signing in by way of a provider, pictures and scripts: no page that looks at members.
NOT_ASKED = {
    "/static/{hash}/{name}", "/oidc", "/oidc/back", "/link/{token}", "/sample",
    "/campaigns/{id}/live",  # the sections of `watch`, for as long as somebody looks
}  # fmt: skip
_HTMX = {"hx-request": "true"}


@dataclass(frozen=True, slots=True)
class Page:
    """A request, and as whom; with a form it is posted."""

    name: str
    path: str
    role: Role = "admin"
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes | None:
        return urlencode(self.form).encode() if self.form is not None else None


def pages(members: int, person: str, template: Mapping[str, str]) -> Iterator[Page]:
    """`person` is the id of somebody who signs in, `template` the files of one."""
    middle = members // 2 // LIVES * LIVES
    member, other = copied_id(middle + 8), copied_id(middle + 15)
    yield Page("sign-in", "/console/sign-in")
    yield Page("home", "/console")
    yield Page("home, marketer", "/console", "marketer")
    yield Page("home, operator", "/console", "operator")
    yield from _campaigns(member)
    yield from _writing(template)
    yield from _finding(member, other, middle)
    yield from _repairing(members)
    for path in ("/people", "/people/invite", f"/people/{person}"):
        yield Page(path[1:].replace(person, "one"), f"/console{path}")


def _campaigns(member: str) -> Iterator[Page]:
    yield Page("gallery", "/console/gallery")
    yield Page("campaigns", "/console/campaigns")
    yield Page("campaigns, searched", "/console/campaigns?q=spring&state=draft")
    yield Page("campaign new", "/console/campaigns/new?template=dormant_wake_up")
    for id in (WELCOME, CUPS, DRAFT, "sample-wake-up"):
        yield Page(f"campaign {id}", f"/console/campaigns/{id}")
    yield Page("campaign edit", f"/console/campaigns/{DRAFT}/edit")
    for id in (WELCOME, VISITS, CUPS):
        yield Page(f"watch {id}", f"/console/campaigns/{id}/watch")
    yield Page("watch sheet", f"/console/campaigns/{WELCOME}/report.xlsx")
    yield Page("versions", f"/console/campaigns/{WELCOME}/versions")
    for id in (WELCOME, DRAFT):
        yield Page(f"preview {id}", f"/console/campaigns/{id}/preview?member={member}")
        calendar = f"/console/campaigns/{id}/calendar?member={member}&assume=purchase&day=3"
        yield Page(f"calendar {id}", f"{calendar}&amount=100.00")
    for name, rule in AUDIENCES.items():
        form = {f"audience.groups.0.rules.0.{key}": value for key, value in rule.items()}
        form |= {"audience.match": "all", "act": "count"}
        yield Page(f"count {name}", "/console/audiences/count", form=form, headers=_HTMX)


AUDIENCES: dict[str, dict[str, str]] = {
    "everybody": {"about": "condition", "condition": "true"},
    "tier": {"about": "tier", "op": "one_of", "tiers[]": "ordinary"},
    "tags": {"about": "tags", "op": "any_of", "tags": "sample"},
    "last purchase": {"about": "last_purchase", "op": "before", "days": "60"},
    "spend": {"about": "spend", "op": "at_least", "amount": "50", "days": "30"},
    "category": {"about": "category", "op": "not_bought", "category": "fresh", "days": "30"},
    "store": {"about": "store", "op": "bought", "store": "riverside", "days": "30"},
    "points": {"about": "points", "op": "at_least", "points": "500"},
    "expiring": {"about": "expiring_points", "op": "at_least", "points": "1", "days": "60"},
    "consent": {"about": "consent", "op": "given", "channel": "email", "purpose": "marketing"},
    "registered": {"about": "registered", "op": "within", "days": "90"},
    "by condition": {"about": "condition", "condition": "member.id.endsWith('7')"},
}


def _writing(template: Mapping[str, str]) -> Iterator[Page]:
    yield Page("templates", "/console/templates")
    yield Page("templates mine", "/console/templates/mine")
    yield Page("template new", "/console/templates/new?from=monthly_task_pack")
    yield Page("template edit", f"/console/templates/{OWN_TEMPLATE}/edit")
    yield Page("template versions", f"/console/templates/{OWN_TEMPLATE}/versions")
    yield Page("template check", "/console/templates/check", form=template, headers=_HTMX)
    yield Page("template try", "/console/templates/try", form=template, headers=_HTMX)
    yield Page("earning rules", "/console/earning-rules")
    rules = {"text": "base: {minor: 800}\n"}
    yield Page("earning check", "/console/earning-rules/check", form=rules, headers=_HTMX)


def _finding(member: str, other: str, middle: int) -> Iterator[Page]:
    yield Page("find", "/console/find")
    phone = f"+86 138{middle + 8 + 10_000_000}"
    sought = {
        "member": member, "phone": phone, "card": f"C-{member}", "e-mail": f"{member}@example.com",
        "receipt": f"{member}/1", "claim": f"{other}-cup", "name": "Wel", "nothing": "nobody-here",
    }  # fmt: skip
    for name, text in sought.items():
        yield Page(f"find {name}", "/console/find", "operator", {"q": text})
    yield Page("member", f"/console/members/{member}")
    for section in ("statement", "purchases", "runs", "messages", "gifts", "holds", "corrections"):
        yield Page(f"member {section}", f"/console/members/{member}/{section}")
    yield Page("why form", "/console/why")
    for id in (WELCOME, VISITS, CUPS):
        yield Page(f"why {id}", f"/console/why?member={member}&campaign={id}")
    key = quote(f"purchase:sample:{member}/1", safe=":/")
    yield Page("transaction", f"/console/transactions/{key}")
    yield Page("transaction, proof", f"/console/transactions/{key}?proof=true")
    yield Page("run", f"/console/runs/j/{WELCOME}/{member}/once")


def _repairing(members: int) -> Iterator[Page]:
    yield Page("repair", "/console/repair")
    lists = (
        "stuck_runs", "parked_rows", "refused_events", "late_events", "unknown_messages",
        "failed_messages", "deferred_messages", "overdue_claims", "ledger_mismatches",
        "failing_runs",
    )  # fmt: skip
    for name in lists:
        yield Page(f"repair {name}", f"/console/repair/{name}")
    yield Page("repair, narrowed", f"/console/repair/failed_messages?campaign_id={WELCOME}")
    yield Page("repair job", f"/console/repair/jobs/{JOB}")
    yield Page("repair progress", f"/console/repair/jobs/{JOB}/progress")
    yield Page("health", "/console/health", "operator")
    yield Page("audit", "/console/audit")
    yield Page("audit, actor", "/console/audit?actor=bench&action=run")
    yield Page("audit, nobody", "/console/audit?actor=nobody&action=member.erase")
    yield Page("corrections", "/console/adjustments")
    yield Page("correction new", f"/console/adjustments/new?member_id={copied_id(8)}")
    yield Page("correction", f"/console/adjustments/c-{copied_id(8)}")
