"""Every page of the console, area by area; paths in the modules begin below `/console`."""

from fastapi import APIRouter

from api.console import (
    adjustments,
    assets,
    audit,
    campaign_page,
    choose,
    find,
    health,
    home,
    member,
    oidc_pages,
    people,
    preferences,
    preview,
    repair,
    run,
    sample,
    set_audience,
    set_campaign,
    set_change,
    sign_in,
    transaction,
    unsubscribe,
    versions,
    watch,
    why,
    write,
    write_rules,
    write_trial,
)
from api.console.addresses import HOME

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    home.router,
    choose.router,
    set_audience.router,
    set_change.router,
    set_campaign.router,  # /campaigns/new comes before /campaigns/{id}
    sample.router,
    sign_in.router,
    oidc_pages.router,
    preferences.router,
    people.router,
    watch.router,
    campaign_page.router,
    preview.router,
    versions.router,
    write.router,
    write_trial.router,
    write_rules.router,
    find.router,
    why.router,
    transaction.router,
    run.router,
    member.router,
    repair.router,
    adjustments.router,
    health.router,
    audit.router,
)

PAGES = APIRouter()
"""All of them, put together once and not with each application."""
for _each in ROUTERS:
    PAGES.include_router(_each, prefix=HOME)
PAGES.include_router(unsubscribe.router)  # the members' own page: no part of the console
