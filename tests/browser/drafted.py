"""What the pages before a launch show in pictures and stories: drafts, members, versions."""

from datetime import timedelta
from typing import Any

from loyalty import campaigns
from loyalty.campaign_request import CampaignRequest
from loyalty.registration import Consent, Registration, register
from loyalty.revising import revise
from tests.browser.conftest import Console

BONUS = "spring-welcome"


def draft(console: Console, template: str, id: str, name: str, **more: Any) -> str:
    """A campaign that nobody meets yet; the path of its page."""
    services, mei = console.services, console.person("marketer")
    request = CampaignRequest(id=id, name=name, template=template, **more)
    read = services.templates()[template]
    services.store.run(lambda tx: campaigns.draft(tx, read, request, mei, services.check_texts))
    return f"/console/campaigns/{id}"


def members(console: Console) -> None:
    """A few people, some of whom want to hear nothing."""
    yes = (Consent(channel="email", purpose="marketing", granted=True),)
    people = [
        Registration(id="m-1001", name="Lee Wang", locale="en", email="lee@example.com"),
        Registration(id="m-1002", name="吴敏", locale="zh", email="wu@example.com", consents=yes),
        Registration(id="m-1003", name="Kim Park", invited_by="m-1001"),
    ]
    for each in people:
        console.services.store.run(lambda tx, one=each: register(tx, one))  # type: ignore[misc]  # mypy infers no lambda with a default


def drafted_bonus(console: Console) -> str:
    members(console)
    return draft(console, "new_member_bonus", BONUS, "Spring welcome", budget_points=200_000)


def drafted_exchange(console: Console) -> str:
    members(console)
    opens = console.services.clock.now() + timedelta(days=4)
    window = {"opens_at": opens.isoformat(), "closes_at": (opens + timedelta(days=2)).isoformat()}
    return draft(console, "limited_time_exchange", "cups", "Coffee cups", values=window)


def listed(console: Console) -> str:
    """Drafts and a campaign that runs."""
    drafted_exchange(console)
    draft(console, "monthly_task_pack", "tasks", "Task pack", budget_points=500_000)
    draft(console, "new_member_bonus", BONUS, "Spring welcome", budget_points=200_000)
    mei = console.person("marketer")
    console.services.store.run(lambda tx: campaigns.launch(tx, BONUS, 1, mei))
    return "/console/campaigns"


def messages_of_wu(console: Console) -> str:
    return f"{drafted_bonus(console)}/preview?member=m-1002"


def calendar_of_lee(console: Console) -> str:
    path = f"{drafted_bonus(console)}/calendar"
    return f"{path}?member=m-1003&assume=purchase&day=3&amount=100.00"


def two_versions_of_a_draft(console: Console) -> str:
    path = drafted_bonus(console)
    services, mei = console.services, console.person("marketer")
    request = CampaignRequest(
        id=BONUS,
        name="Spring welcome",
        template="new_member_bonus",
        values={"welcome_points": 600},
        budget_points=300_000,
    )
    services.store.run(lambda tx: revise(tx, request, mei, services.check_texts))
    return f"{path}/versions"
