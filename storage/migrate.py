"""Bring a database to the version this program needs; safe to run from several processes."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from loyalty.errors import WrongState
from storage.database import Database

_FOLDER = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    """Alembic's settings, without a file: they travel inside the package."""
    settings = Config()
    settings.set_main_option("script_location", str(_FOLDER))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings


def upgrade(url: str, revision: str = "head") -> None:
    """Apply what is missing, all of it in one transaction.

    Raises WrongState where a newer release has been.
    """
    found = current(url)
    if found is not None and not is_known(found):
        said = not_known(found)
        raise WrongState(f"{said[0].upper()}{said[1:]}.")
    _with(url, lambda settings: command.upgrade(settings, revision))


def downgrade(url: str, revision: str) -> None:
    """Take migrations back, down to `revision` (`base` = an empty database)."""
    _with(url, lambda settings: command.downgrade(settings, revision))


def write_migration(scratch_url: str, name: str) -> Path:
    """Write what the tables have and the migrations do not make; returns the new file.

    `scratch_url` is an empty database to compare with.
    """
    upgrade(scratch_url)
    number = f"{int(head()) + 1:04}"
    _with(
        scratch_url,
        lambda settings: command.revision(settings, name, autogenerate=True, rev_id=number),
    )
    return Path(str(ScriptDirectory.from_config(config()).get_revision(number).path))


def head() -> str:
    """The version this program needs."""
    return str(ScriptDirectory.from_config(config()).get_current_head())


def is_known(revision: str) -> bool:
    """Whether this program knows how to go on from there."""
    scripts = ScriptDirectory.from_config(config())
    return revision in {each.revision for each in scripts.walk_revisions()}


def not_known(revision: str) -> str:
    """What to say of a database that is elsewhere."""
    return f"the database is at {revision}, which only another release of Milepost knows: use that"


def current(url: str) -> str | None:
    """The version the database has; none = never migrated."""
    database = Database(url)
    try:
        with database.read() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        database.dispose()


def _with(url: str, work: Callable[[Config], object]) -> None:
    database = Database(url)
    try:
        with database.write() as connection:
            work(config(connection))
    finally:
        database.dispose()
