"""Every page of the console, area by area; paths in the modules begin below `/console`."""

from fastapi import APIRouter

from api.console import assets, home, people, preferences, sign_in

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    home.router,
    sign_in.router,
    preferences.router,
    people.router,
)
