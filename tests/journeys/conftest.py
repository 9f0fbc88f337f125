"""Stories run on SQLite and the time-skipping server, each on a database and queue of its own."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from temporalio.client import Client

from loyalty.programme import Programme, Reward
from tests.conftest import DatabaseMaker
from tests.stories import FIRST_DAY, Told, telling
from tests.temporal_fixtures import dev_server, temporal

__all__ = ["dev_server", "temporal"]

SOUP = Reward(id="soup", name={"en": "a soup set", "zh": "煲汤食材包"}, points=800)


@pytest.fixture
def starts() -> datetime:
    """When the story begins: Monday, 4 January 2027, at ten in Shanghai, unless it says when."""
    return FIRST_DAY


@pytest.fixture
def programme() -> Programme:
    """The programme's own settings and something to buy; a story may bring others."""
    return Programme(rewards=(SOUP,))


@pytest.fixture
async def told(
    new_database: DatabaseMaker,
    temporal: Client,
    tmp_path: Path,
    starts: datetime,
    programme: Programme,
) -> AsyncIterator[Told]:
    """A running programme whose clock stands at `starts`."""
    database = new_database("sqlite")
    async with telling(database, temporal, tmp_path, programme=programme, starts=starts) as told:
        yield told
