"""Whether the database answers, and has the tables this program was written for."""

from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError

from storage.database import Database
from storage.migrate import head


def database_state(database: Database) -> tuple[bool, str]:
    """Fine or not, and a word about it that names no address and no password."""
    try:
        with database.read() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        return False, f"the database does not answer ({type(error).__name__})"
    if found is None:
        return False, "the database has no tables yet: run `milepost migrate`"
    if found != head():
        return False, f"the database is at {found}, this program needs {head()}"
    return True, f"{database.dialect}, at {found}"
