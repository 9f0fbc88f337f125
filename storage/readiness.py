"""Whether the database answers, takes writes, and has the tables this program was written for."""

from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from storage.database import Database
from storage.migrate import head, is_known, not_known


def database_state(database: Database) -> tuple[bool, str]:
    """Fine or not, and a word about it that names no address and no password."""
    try:
        found = tables_state(database)
    except SQLAlchemyError as error:
        return False, f"the database does not answer ({type(error).__name__})"
    if found[0] and not _takes_writes(database):
        return False, f"the database takes no writes ({database.refused.why})"
    return found


def tables_state(database: Database) -> tuple[bool, str]:
    """The same of its tables; raises SQLAlchemyError where it does not answer."""
    with database.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found is None:
        return False, "the database has no tables yet: run `milepost migrate`"
    if not is_known(found):
        return False, not_known(found)
    if found != head():
        return False, f"the database is at {found}, not yet at {head()}: run `milepost migrate`"
    return True, f"{database.dialect}, at {found}"


def _takes_writes(database: Database) -> bool:
    """Asked with a write that changes nothing, and only where the last one was refused."""
    if database.refused.why is None:
        return True
    try:
        with database.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
    except SQLAlchemyError:
        return False
    database.refused.why = None
    return True
