"""Logs: one line of JSON for each event, from our code and from the libraries alike.

Of an exception only its type and where it happened are written. Messages of exceptions quote what
they choked on, and that may be a member's name.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

from bootstrap.settings import Settings

FRAMES = 6
_QUIET = {"uvicorn.access": "warning", "httpx2": "warning", "alembic": "warning"}
"""The API writes its own line for each request, without addresses and queries."""


def set_up_logs(settings: Settings, process: str) -> None:
    """Send everything that this process logs through one formatter to standard error."""
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(process),
        _without_words,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    written: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(allow=())],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, written],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level.upper())


def _named(process: str) -> Any:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {"process": process, **event}

    return add


def _without_words(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the last places it passed."""
    given = event.pop("exc_info", None)
    if not given:
        return event
    error = given if isinstance(given, BaseException) else None
    if error is None:
        error = (given if isinstance(given, tuple) else sys.exc_info())[1]
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        # What an activity tells Temporal names the kind of the error it stands for.
        event["error"] = getattr(error, "type", None) or type(error).__name__
        event["where"] = [f"{each.filename}:{each.lineno} {each.name}" for each in frames]
    return event
