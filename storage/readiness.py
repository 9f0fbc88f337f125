"""Whether the database answers, and has the tables this program was written for."""

from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError

from storage.database import Database
from storage.migrate import head, is_known, not_known


def database_state(database: Database) -> tuple[bool, str]:
    """Fine or not, and a word about it that names no address and no password."""
    try:
        return tables_state(database)
    except SQLAlchemyError as error:
        return False, f"the database does not answer ({type(error).__name__})"


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
