"""Every page of the console, area by area; paths in the modules begin below `/console`."""

from fastapi import APIRouter

from api.console import (
    assets,
    home,
    oidc_pages,
    people,
    preferences,
    sample,
    sign_in,
    watch,
    write,
    write_rules,
)

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    home.router,
    sample.router,
    sign_in.router,
    oidc_pages.router,
    preferences.router,
    people.router,
    watch.router,
    write.router,
    write_rules.router,
)
