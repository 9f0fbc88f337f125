"""An operator opens one run: what happened, why, and what wakes it next."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
from temporalio.client import Client

from activities.contracts import JourneyBrief
from bootstrap.turns import activities
from bootstrap.worker import build_worker
from loyalty.journeys.load import load_texts
from tests.api.conftest import Shop
from tests.temporal_fixtures import dev_server, temporal

__all__ = ["dev_server", "temporal"]

RUN = "j/patient/lee/api"
QUEUE = "timeline"
PATIENT = """
name: patient
title: {en: Patience, zh: 耐心}
summary: {en: A gift and another after a purchase., zh: 先赠送积分，消费后再赠送。}
enter: api
reentry: {once: per_member}
journey:
  - id: gift
    grant: {points: 50}
  - id: purchase
    await: {on: purchase, within: P3D}
    met:
      - id: thanks
        grant: {points: 70}
"""


def _opened(serving: Callable[..., Shop], client: Client) -> Shop:
    async def connected() -> Client:
        return client

    template = load_texts("patient", {"campaign.yaml": PATIENT})
    shop = serving(temporal=connected, templates=lambda: {"patient": template})
    shop.joins()
    shop.launches("patient", template="patient")
    answer = shop.as_("integrator").post("/v1/campaigns/patient/members/lee", json={})
    assert answer.status_code == 201, answer.text
    return shop


async def _read(shop: Shop, language: str = "en") -> dict[str, Any]:
    transport: Any = httpx2.ASGITransport(app=shop.app)
    headers = {
        "Authorization": f"Bearer {shop.tokens['operator']}",
        "Accept-Language": language,
    }
    async with httpx2.AsyncClient(transport=transport, base_url="http://milepost") as client:
        answer = await client.get(f"/v1/runs/{RUN}", headers=headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def _once_asleep(shop: Shop) -> dict[str, Any]:
    """The timeline as soon as Temporal has set the run's timer."""
    for _ in range(100):
        found = await _read(shop)
        if any(moment["verdict"] == "timer_started" for moment in found["timeline"]):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("the run never went to sleep")


async def test_a_timeline_tells_what_wakes_the_run(
    serving: Callable[..., Shop], temporal: Client
) -> None:
    """Decisions and Temporal's own history in one order, and the next wake-up by timer or event."""
    shop = await asyncio.to_thread(_opened, serving, temporal)
    before = await _read(shop)
    brief = JourneyBrief(
        enrolment_id=RUN,
        campaign_id="patient",
        version=1,
        template="patient",
        member_ref="lee",
        plan_hash="",
    )
    acts = activities(shop.services.store, shop.clock)
    async with build_worker(temporal, QUEUE, acts):
        handle = await temporal.start_workflow("patient", brief, id=RUN, task_queue=QUEUE)
        waiting = await _once_asleep(shop)
        chinese = await _read(shop, "zh")
        await handle.terminate()

    assert before["temporal"]["state"] == "not_started"
    assert (waiting["temporal"]["state"], waiting["temporal"]["status"]) == ("found", "RUNNING")
    assert waiting["next"]["events"] == ["purchase"]
    assert waiting["next"]["text"] == (
        "It wakes at 2026-10-06 12:00, or at once when one of these comes: purchase."
    )
    sources = [moment["source"] for moment in waiting["timeline"]]
    assert {"decision", "temporal"} == set(sources)
    assert any("50" in moment["text"] for moment in waiting["timeline"])
    assert any("timer" in moment["text"] for moment in waiting["timeline"])
    assert all("{" not in moment["text"] for moment in waiting["timeline"])
    assert "将在 2026-10-06 12:00 唤醒" in chinese["next"]["text"]


async def test_a_timeline_outlives_temporal(serving: Callable[..., Shop], temporal: Client) -> None:
    """A server that never answers costs some seconds, not the page."""

    async def away() -> Client:
        raise RuntimeError("Failed client connect")

    shop = await asyncio.to_thread(_opened, serving, temporal)
    cut = serving(temporal=away, store=shop.services.store, reads=shop.services.reads)

    found = await _read(cut)

    assert found["temporal"]["state"] == "unreachable"
    assert [moment["source"] for moment in found["timeline"]] == ["decision"]
