"""Every page of the console: how to get one with something on it, and who looks at it.

Add yours: a name for the picture's file, the role, and a function that prepares what the page
shows and returns its path. `make screenshots` and the test for accessibility go over all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from playwright.sync_api import Page

from api.console.sample import Filling, fill
from loyalty import campaigns
from loyalty.access import Role
from loyalty.audiences.rules import Audience, Group, LastPurchaseRule, SpendRule, TierRule
from loyalty.campaign_request import CampaignRequest
from loyalty.registration import Consent, Registration, register
from storage.unsubscribe_links import tokens_of
from tests.browser.conftest import Console
from tests.browser.drafted import (
    BONUS,
    calendar_of_lee,
    drafted_bonus,
    drafted_exchange,
    listed,
    messages_of_wu,
    two_versions_of_a_draft,
)
from tests.browser.troubled import JOB, trouble
from tests.browser.watched import busy_campaign, fresh_campaign
from tests.browser.writing import two_rules, two_versions
from tests.console.lee import RUN, live


@dataclass(frozen=True)
class Shown:
    """A page; without a role, nobody is signed in. `then` is what is done there first."""

    name: str
    role: Role | None
    path: Callable[[Console], str]
    then: Callable[[Page], None] | None = None

    def show(self, page: Page, console: Console, path: str) -> None:
        """Open it, and do what has to be done for it to show."""
        page.goto(console.url + path)
        if self.then:
            self.then(page)
        page.wait_for_load_state("load")


def _fixed(path: str) -> Callable[[Console], str]:
    return lambda console: path


def _people(console: Console) -> str:
    for role in ("marketer", "operator"):
        console.person(role)
    return "/console/people"


def _person(console: Console) -> str:
    who = console.person("operator")
    console.services.sessions.open(who, "password")
    return f"/console/people/{who}"


def _sample(console: Console) -> str:
    fill(console.services, Filling(), console.person("admin"))
    return "/console"


def _first_link(console: Console) -> str:
    return f"/console/link/{console.services.people.first_link()}"


def _versions(console: Console) -> str:
    return f"/console/templates/{two_versions(console)}/versions"


def _mine(console: Console) -> str:
    two_versions(console)
    return "/console/templates/mine"


def _drafted(console: Console) -> str:
    """A draft for gold members and for whoever bought much."""
    given = console.services
    request = CampaignRequest(
        id="spring-tasks",
        name="Spring tasks",
        template="monthly_task_pack",
        audience=Audience(
            match="any",
            groups=(
                Group(rules=(TierRule(tiers=("gold",)), LastPurchaseRule(op="before", days=90))),
                Group(rules=(SpendRule(amount_minor=20_000, days=30),)),
            ),
        ),
    )
    template = given.templates()["monthly_task_pack"]
    given.store.run(lambda tx: campaigns.draft(tx, template, request, "test", given.check_texts))
    return "/console/campaigns/spring-tasks/edit"


def _live(console: Console) -> str:
    """The page of a campaign that was launched."""
    listed(console)
    return f"/console/campaigns/{BONUS}"


def _lee(path: str) -> Callable[[Console], str]:
    """A page about Lee, who has been a member for some days."""

    def prepare(console: Console) -> str:
        live(console.services)
        return path

    return prepare


def _troubled(path: str) -> Callable[[Console], str]:
    """A page of a programme in which something of every kind went wrong."""

    def prepare(console: Console) -> str:
        trouble(console)
        return path

    return prepare


def _link_of(member: Registration) -> Callable[[Console], str]:
    """Where the link in a member's e-mails leads."""

    def prepare(console: Console) -> str:
        console.services.store.run(lambda tx: register(tx, member))
        with console.parts.database.write() as connection:
            return f"/unsubscribe/{tokens_of(connection, [member.id])[member.id]}"

    return prepare


def _like_a_campaign(console: Console) -> str:
    """Somebody whose id is a campaign's too."""
    live(console.services)
    member = Registration(id="first-steps", name="Kim Park")
    console.services.store.run(lambda tx: register(tx, member))
    return "/console/find"


def _finds(typed: str) -> Callable[[Page], None]:
    def then(page: Page) -> None:
        page.locator("#find-q").fill(typed)
        page.locator(".find-form button").click()

    return then


def _is_refused(page: Page) -> None:
    page.locator("[name=email]").fill("mei@example.com")
    page.locator("[name=password]").fill("not the password")
    page.locator("form.card button, main form button").first.click()


def _invites(page: Page) -> None:
    page.locator("[name=name]").fill("Ina Till")
    page.locator("[name=email]").fill(f"ina-{next(_NUMBERS)}@example.com")
    page.locator("main form button").click()


def _saves_nonsense(page: Page) -> None:
    page.locator("[name='values.first_wait_days'], [name^='values.']").first.fill("-3")
    page.locator("main form").first.evaluate("form => form.noValidate = true")
    page.locator("main form button.main").last.click()


def _asks(selector: str) -> Callable[[Page], None]:
    def then(page: Page) -> None:
        page.locator(selector).first.click()

    return then


_NUMBERS = count(1)
NO = Consent(channel="email", granted=False)
REFUSED = Registration(id="m-1002", locale="zh", consents=(NO,))

PAGES: tuple[Shown, ...] = (
    Shown("gallery", "marketer", _fixed("/console/gallery")),
    Shown("set-new", "marketer", _fixed("/console/campaigns/new?template=dormant_wake_up")),
    Shown("set-dates", "marketer", _fixed("/console/campaigns/new?template=limited_time_exchange")),
    Shown("set-edit", "marketer", _drafted),
    Shown(
        "set-refused",
        "marketer",
        _fixed("/console/campaigns/new?template=dormant_wake_up"),
        _saves_nonsense,
    ),
    Shown("link", None, _first_link),
    Shown("link-gone", None, _fixed("/console/link/gone")),
    Shown("sign-in", None, _fixed("/console/sign-in")),
    Shown("sign-in-refused", None, _fixed("/console/sign-in"), _is_refused),
    Shown("home-empty", "marketer", _fixed("/console")),
    Shown("home", "admin", _sample),
    Shown("home-new", "admin", _fixed("/console")),
    Shown("people", "admin", _people),
    Shown("person", "admin", _person),
    Shown("people-invite", "admin", _fixed("/console/people/invite")),
    Shown("people-link", "admin", _fixed("/console/people/invite"), _invites),
    Shown("unsubscribe", None, _link_of(Registration(id="m-1001"))),
    Shown("unsubscribe-done", None, _link_of(REFUSED)),
    Shown("unsubscribe-unknown", None, _fixed("/unsubscribe/gone")),
    Shown("not-found", "operator", _fixed("/console/nothing-here")),
    Shown("wrong-role", "marketer", _fixed("/console/people")),
    Shown("templates-empty", "marketer", _fixed("/console/templates/mine")),
    Shown("templates", "marketer", _mine),
    Shown("template-new", "marketer", _fixed("/console/templates/new?from=monthly_task_pack")),
    Shown("template-versions", "marketer", _versions),
    Shown("earning-rules", "marketer", two_rules),
    Shown("watch", "marketer", busy_campaign),
    Shown("watch-stop", "marketer", busy_campaign, _asks(".confirm > summary.danger")),
    Shown("watch-empty", "operator", fresh_campaign),
    Shown("find", "operator", _fixed("/console/find")),
    Shown("find-several", "operator", _like_a_campaign, _finds("first-steps")),
    Shown("find-nothing", "operator", _fixed("/console/find"), _finds("+86 139 0000 0000")),
    Shown("member-missing", "operator", _fixed("/console/members/nobody")),
    Shown("member", "operator", _lee("/console/members/lee")),
    Shown("member-statement", "marketer", _lee("/console/members/lee/statement")),
    Shown("member-corrections", "operator", _lee("/console/members/lee/corrections")),
    Shown("member-messages", "operator", _lee("/console/members/lee/messages")),
    Shown("run", "operator", _lee(f"/console/runs/{RUN}")),
    Shown("why-empty", "operator", _fixed("/console/why")),
    Shown("why", "operator", _lee("/console/why?member=lee&campaign=vip-day")),
    Shown("why-named", "operator", _lee("/console/why?member=lee&campaign=-")),
    Shown(
        "transaction",
        "operator",
        _lee("/console/transactions/purchase:till-1:2026/0002?proof=true"),
    ),
    Shown("campaigns-empty", "marketer", _fixed("/console/campaigns")),
    Shown("campaigns", "marketer", listed),
    Shown("campaign-draft", "marketer", drafted_bonus),
    Shown("campaign-live", "marketer", _live),
    Shown("campaign-exchange", "marketer", drafted_exchange),
    Shown("campaign-messages", "marketer", messages_of_wu),
    Shown("campaign-calendar", "marketer", calendar_of_lee),
    Shown("campaign-versions", "marketer", two_versions_of_a_draft),
    Shown("repair", "operator", _troubled("/console/repair")),
    Shown("repair-list", "operator", _troubled("/console/repair/failed_messages")),
    Shown("repair-refused", "operator", _troubled("/console/repair/refused_events")),
    Shown("repair-empty", "operator", _fixed("/console/repair/late_events")),
    Shown("repair-job", "operator", _troubled(f"/console/repair/jobs/{JOB}")),
    Shown("health", "operator", _troubled("/console/health")),
    Shown("corrections", "operator", _troubled("/console/adjustments")),
    Shown("corrections-empty", "operator", _fixed("/console/adjustments")),
    Shown("correction", "admin", _troubled("/console/adjustments/c-0")),
    Shown("correction-new", "operator", _fixed("/console/adjustments/new?member_id=lee")),
    Shown("audit", "operator", _troubled("/console/audit")),
)
