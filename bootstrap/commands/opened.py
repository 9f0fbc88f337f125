"""What every command that works on the database begins and ends with."""

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console

from bootstrap.settings import STATE_FILE, Settings, read_settings
from bootstrap.wiring import Parts
from storage.readiness import tables_state


@contextmanager
def opened() -> Iterator[Parts]:
    """The parts on the configured database; says so when that cannot be used."""
    settings = _beside_up(read_settings())
    if settings.database_url is None and not settings.embedded_database.exists():
        # Opening it would make an empty one here, and every look at that finds all well.
        _say(
            f"There is no data of Milepost in {settings.data_dir.absolute()}. Call this in the "
            "folder where `milepost up` runs, or name its data folder in MILEPOST_DATA_DIR."
        )
    parts = Parts(settings)
    try:
        ok, detail = tables_state(parts.database)
        if not ok:
            _say(f"{detail[0].upper()}{detail[1:]}.")
        yield parts
    finally:
        parts.close()


def _say(trouble: str) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True).print(trouble, style="red", markup=False)
    raise typer.Exit(1)


def _beside_up(settings: Settings) -> Settings:
    """The settings, with the Temporal that `milepost up` chose on the same data folder."""
    state = settings.data_dir / STATE_FILE
    if "temporal_address" in settings.model_fields_set and not _left_open(settings):
        return settings
    try:
        found = json.loads(state.read_text())
    except (OSError, ValueError):
        return settings
    return settings.model_copy(update={"temporal_address": found["temporal"]})


def _left_open(settings: Settings) -> bool:
    return settings.temporal_address.endswith(":0")


def actor() -> str:
    """Who acts, for the audit trail: whoever is logged in on this machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return f"cli:{name}"[:64]
