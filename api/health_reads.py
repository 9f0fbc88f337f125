"""The port of what the database knows of the programme's health."""

from collections.abc import Mapping
from typing import Any, Protocol


class HealthReads(Protocol):
    def facts(self) -> Mapping[str, Any]:
        """relay, database, log, hour and day (by channel), sums and log_verified."""
        ...
