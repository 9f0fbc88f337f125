"""Write the first migration anew from the tables: `python -m storage.migrations.initial`.

Until the first release there is exactly one migration, and a change of the tables rewrites it.
After the release this file goes away and every change is a migration of its own.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command

from storage.database import Database
from storage.migrate import config

REVISION = "0001"


def write_initial() -> Path:
    """Compare the tables with an empty database and write what is missing."""
    versions = Path(__file__).parent / "versions"
    for old in versions.glob("*.py"):
        old.unlink()
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/empty.sqlite3")
        with database.write() as connection:
            settings = config(connection)
            settings.set_main_option("file_template", "%%(rev)s_%%(slug)s")
            command.revision(settings, message="Initial tables", autogenerate=True, rev_id=REVISION)
        database.dispose()
    written = next(versions.glob(f"{REVISION}_*.py"))
    for act in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *act, str(written)], check=True)
    return written


if __name__ == "__main__":
    write_initial()
