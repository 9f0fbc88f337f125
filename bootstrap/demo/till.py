"""The shop's side of the public API: what tills, the marketer and the operator send and ask."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx2

BATCH = 100
PAGE = 200
SECONDS = 60


class Refused(Exception):
    """The API refused what should have been right."""


class Api:
    """One caller with a key of its own role."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx2.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=SECONDS,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, **query: Any) -> Any:
        return _good(await self._client.get(path, params=query))

    async def post(self, path: str, body: Any = None) -> Any:
        return _good(await self._client.post(path, json=body))

    async def tried(self, path: str, body: Any) -> tuple[int, Any]:
        """A request that may well be refused: status and answer."""
        answer = await self._client.post(path, json=body)
        return answer.status_code, answer.json()

    async def record(self, events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Record events in order, in batches; the fate of each."""
        results: list[dict[str, Any]] = []
        for start in range(0, len(events), BATCH):
            batch = {"events": events[start : start + BATCH]}
            results += (await self.post("/v1/events", batch))["results"]
        refused = [each for each in results if each["status"] not in (200, 201)]
        if refused:
            problem = refused[0].get("problem", {})
            raise Refused(f"{refused[0].get('id')}: {problem.get('detail') or problem}")
        return results

    async def pages(self, path: str, name: str, **query: Any) -> list[dict[str, Any]]:
        """Every row of a list, page after page."""
        rows: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await self.get(path, **query, after=after, limit=PAGE)
            rows += page[name]
            if page.get("next") is None:
                return rows
            after = page["next"]


def _good(answer: httpx2.Response) -> Any:
    if answer.is_success:
        return answer.json()
    try:
        said = answer.json().get("detail")
    except ValueError:
        said = answer.text[:200]
    raise Refused(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {said}")
