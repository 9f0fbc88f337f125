"""Stories run on SQLite and the time-skipping server, each on a database and queue of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client

from tests.conftest import DatabaseMaker
from tests.stories import Told, telling
from tests.temporal_fixtures import dev_server, temporal

__all__ = ["dev_server", "temporal"]


@pytest.fixture
async def told(
    new_database: DatabaseMaker, temporal: Client, tmp_path: Path
) -> AsyncIterator[Told]:
    """A programme that begins on Monday, 4 January 2027, at ten in Shanghai."""
    async with telling(new_database("sqlite"), temporal, tmp_path) as told:
        yield told
