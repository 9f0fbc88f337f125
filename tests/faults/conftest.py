"""Each drill has a database, a place on a real Temporal server and processes of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bootstrap.temporal import DevServer
from storage.database import Database
from tests.conftest import DatabaseMaker
from tests.faults.shop import Shop, opened
from tests.temporal_fixtures import dev_server, temporal

__all__ = ["dev_server", "temporal"]

Opener = Callable[..., Shop]


@pytest.fixture
def open_shop(new_database: DatabaseMaker, tmp_path: Path) -> Iterator[Opener]:
    """Opens a shop on a kind of database and a Temporal server; closed after the drill."""
    with ExitStack() as stack:

        def open_one(kind: str, server: DevServer) -> Shop:
            database: Database = new_database(kind)
            return stack.enter_context(opened(database, tmp_path, server.address))

        yield open_one
