"""Watching a campaign over HTTP: figures, a live feed, a sheet; nothing about any one member."""

import asyncio
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

from api.edge import Limits
from api.lookout import LOOK_EVERY_SECONDS, WATCHERS_MAX, Lookout
from api.routes.watching import _events
from tests.api.conftest import Shop


@pytest.fixture
def told(shop: Shop) -> Shop:
    """Two members in a campaign of fifty points each; one was refused for coming again."""
    shop.joins("lee")
    shop.joins("kim")
    shop.launches(name="=1+1")
    for member, key in (("lee", "one"), ("kim", "one"), ("lee", "two")):
        path = f"/v1/campaigns/hello/members/{member}"
        answer = shop.as_("integrator").post(path, json={"entry_key": key})
        assert answer.status_code == 201, answer.text
    return shop


async def welcome() -> bool:
    """Nobody is shut out."""
    return True


def test_the_figures_of_a_campaign(told: Shop) -> None:
    found = told.as_("marketer").get("/v1/campaigns/hello/watch")

    assert found.status_code == 200, found.text
    body = found.json()
    assert (body["state"], body["entered"], body["live"], body["held_out"]) == ("launched", 2, 2, 0)
    assert body["points"]["budget"] == 1_000
    assert body["points"]["reserved"] == 100
    assert body["points"]["left"] == 900
    assert body["refused"] == [{"reason": "already_running", "count": 1}]
    assert body["lift"] is None  # the template names no goal
    assert [day["day"] for day in body["days"]] == ["2026-10-03"]
    assert "lee" not in found.text


@pytest.mark.parametrize("page", ["watch", "live", "report.xlsx"])
def test_a_campaign_nobody_knows_cannot_be_watched(shop: Shop, page: str) -> None:
    answer = shop.as_("marketer").get(f"/v1/campaigns/nothing/{page}")

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown")


def test_a_campaign_that_is_over_has_nothing_live(told: Shop) -> None:
    """204 tells an EventSource to connect no more."""
    told.launches("short")
    stopped = told.as_("marketer").post("/v1/campaigns/short/stop", json={"reason": "Done"})
    assert stopped.status_code == 200

    assert told.as_("marketer").get("/v1/campaigns/short/live").status_code == 204


async def test_the_feed_tells_of_changes_only_and_ends_with_the_campaign(told: Shop) -> None:
    """Nothing happens, somebody enters, nothing happens, the campaign is stopped."""
    told.launches("short")
    marketer = told.as_("marketer")
    acts = {
        2: lambda: marketer.post(
            "/v1/campaigns/hello/pause", json={"reason": "Checking the texts"}
        ),
    }
    looks = 0

    async def pause(seconds: float) -> None:
        nonlocal looks
        looks += 1
        assert seconds == LOOK_EVERY_SECONDS
        lookout._seen.clear()  # two seconds have gone by
        if looks in acts:
            await asyncio.to_thread(acts[looks])
        if looks == 12:
            raise StopAsyncIteration

    lookout = Lookout()
    heard: list[Any] = []
    with pytest.raises(RuntimeError):  # twelve looks are enough
        async for figures in lookout.follow(told.services, "hello", welcome, pause):
            heard.append(figures and figures["state"])

    assert heard == ["launched", "paused", None]  # and a heartbeat after seven silent looks
    assert lookout.watching == 0


async def test_a_server_that_stops_does_not_wait_for_its_feeds(told: Shop) -> None:
    """Within one look every feed ends; the browser connects to whoever serves then."""
    lookout = Lookout()
    heard = []

    async def pause(seconds: float) -> None:
        lookout.stopping = lambda: True

    async for figures in lookout.follow(told.services, "hello", welcome, pause):
        heard.append(figures)

    assert len(heard) == 1


def test_a_feed_ends_when_its_key_is_revoked(
    serving: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the key sees nothing of what happens afterwards."""
    monkeypatch.setattr("api.lookout.LOOK_EVERY_SECONDS", 0.0)
    shop = serving(limits=Limits(key_cache_seconds=0))
    shop.launches()
    looks: list[bool] = []

    def one_more_look() -> bool:
        looks.append(True)
        if len(looks) == 3:
            mine = next(key for key in shop.keys.list() if key.role == "marketer")
            shop.keys.revoke(mine.id, actor="test")
        return len(looks) == 20

    shop.services.lookout.stopping = one_more_look

    assert "event: figures" in shop.as_("marketer").get("/v1/campaigns/hello/live").text
    assert len(looks) == 3


async def test_one_look_serves_everybody(told: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty watchers at once ask the database once."""
    asked: list[str] = []
    read = told.services.reads.campaign_figures

    def counted(campaign_id: str) -> Any:
        asked.append(campaign_id)
        return read(campaign_id)

    monkeypatch.setattr(told.services.reads, "campaign_figures", counted)
    lookout = Lookout()

    found = await asyncio.gather(*(lookout.latest(told.services, "hello") for _ in range(40)))

    assert asked == ["hello"]
    assert all(figures is found[0] for figures in found)


def test_one_watcher_too_many_is_told_to_come_back(told: Shop) -> None:
    told.services.lookout.watching = WATCHERS_MAX

    answer = told.as_("marketer").get("/v1/campaigns/hello/live")

    assert (answer.status_code, answer.json()["code"]) == (503, "busy")


async def test_the_stream_is_what_an_event_source_reads(told: Shop) -> None:
    """Each event is named, and carries the body of `/watch`."""
    stream = _events(told.services, "hello", welcome)
    first = (await anext(stream)).decode()
    await stream.aclose()

    name, data, *rest = first.split("\n")
    assert name == "event: figures"
    assert json.loads(data.removeprefix("data: "))["entered"] == 2
    assert rest == ["", ""]
    assert told.services.lookout.watching == 0


def test_the_sheet_holds_the_same_figures_and_no_formula(told: Shop) -> None:
    """A campaign named like a formula stays a name; nobody's id is in the file."""
    answer = told.as_("marketer").get("/v1/campaigns/hello/report.xlsx")

    assert answer.headers["content-disposition"] == 'attachment; filename="hello-2026-10-03.xlsx"'
    book = load_workbook(BytesIO(answer.content))
    assert book.sheetnames == ["Summary", "Funnel", "Days", "Messages", "Outcomes"]
    cells = [cell for page in book for row in page.iter_rows() for cell in row]
    assert [cell.value for cell in cells if cell.data_type == "f"] == []
    summary = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True)}
    assert summary["Campaign"] == "=1+1"
    assert (summary["Entered"], summary["Points reserved"], summary["Points left"]) == (2, 100, 900)
    assert [cell.value for cell in cells if cell.value in ("lee", "kim")] == []


def test_the_sheet_speaks_chinese(told: Shop) -> None:
    answer = told.as_("marketer").get("/v1/campaigns/hello/report.xlsx?language=zh")

    assert load_workbook(BytesIO(answer.content)).sheetnames[0] == "概要"
