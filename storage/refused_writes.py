"""Whether the database has refused to write: one that reads well may have a full disk."""

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import ExceptionContext

# SQLite's words; PostgreSQL's classes: no room, no disk, and a server that only reads.
_WORDS = ("database or disk is full", "disk I/O error", "attempt to write a readonly database")
_STATES = ("53", "58030", "25006")


class RefusedWrites:
    """Why one failed for want of a place; whoever sees one taken since sets `why` back to none."""

    def __init__(self, engine: Engine) -> None:
        self.why: str | None = None
        event.listen(engine, "handle_error", self._note)

    def _note(self, context: ExceptionContext) -> None:
        error = context.original_exception
        state = str(getattr(error, "sqlstate", None) or "")
        line = str(error).partition("\n")[0]
        if state.startswith(_STATES) or line.startswith(_WORDS):
            self.why = line
