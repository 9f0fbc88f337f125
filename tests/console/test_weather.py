"""While the database is away the console says so, and nothing else."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from storage.sessions import SqlSessions
from tests.api.conftest import Shop


class Away:
    """What stands in for sessions while their database does not answer."""

    def __init__(self, real: SqlSessions) -> None:
        self.real = real
        self.away = False

    def recognise(self, token: str) -> Any:
        if self.away:
            raise OperationalError("select", {}, Exception("gone\nDETAIL: lee"))
        return self.real.recognise(token)


def test_a_page_says_when_the_database_is_away(serving: Callable[..., Shop]) -> None:
    """In plain words, with 503; and the same page works once it is back. The log says why."""
    shop = serving()
    visitor = shop.signed_in("admin")
    shop.database.engine.dispose()
    gone = Away(shop.services.sessions)  # type: ignore[arg-type]  # in the place of SqlSessions
    gate = next(each for each in shop.console.user_middleware if "sessions" in each.kwargs)
    gate.kwargs["sessions"] = gone
    gone.away = True

    with capture_logs() as lines:
        answer = visitor.get("/console")

    assert [each["reason"] for each in lines if each["event"] == "unavailable"] == ["gone"]
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "The database does not answer" in answer.text
    gone.away = False
    assert visitor.get("/console").status_code == 200
