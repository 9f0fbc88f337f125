"""Messages as signed webhooks, for the shop's own app, SMS gateway or chat account.

Follows Standard Webhooks: `webhook-id` is the message's key at every attempt, and receivers drop
an id they have seen. That makes a repeat harmless, so whatever is not a clear answer is repeated.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx2
from standardwebhooks import Webhook

from delivery.channels import Letter, Permanent, Temporary

MAX_ANSWER = 65_536
"""Bytes read of an answer: only its status matters, and a connection read to its end is kept."""
LATER = frozenset({408, 425, 429})
LONGEST_WAIT = timedelta(hours=1)
"""However long a receiver asks us to wait, we look again within the hour."""


class WebhookChannel:
    """Posts each letter to one address of the shop's."""

    at_once = 10

    def __init__(
        self,
        url: str,
        secret: str,
        now: Callable[[], datetime],
        *,
        timeout_seconds: float = 10,
        proxy: str | None = None,
    ) -> None:
        """`now` is the real time: receivers refuse signatures that are not of this minute."""
        self._url = url
        self._signature = Webhook(secret)
        self._now = now
        # Each step has its own time-out; a receiver that drips its answer meets this one.
        self._longest = 3 * timeout_seconds
        self._client = httpx2.AsyncClient(
            timeout=timeout_seconds, follow_redirects=False, trust_env=False, proxy=proxy
        )

    async def send(self, letter: Letter) -> None:
        at = self._now().astimezone(UTC)
        body = json.dumps(payload(letter, at), ensure_ascii=False, separators=(",", ":"))
        id = quote(letter.key, safe="/:@~")  # headers are ASCII; ordinary keys stay as they are
        headers = {
            "content-type": "application/json",
            "user-agent": "Milepost",
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signature.sign(id, at, body),
        }
        try:
            request = self._client.stream("POST", self._url, content=body.encode(), headers=headers)
            async with asyncio.timeout(self._longest), request as answer:
                await _read_some(answer)
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise Temporary(f"no answer from the receiver: {type(error).__name__}") from error
        _judge(answer, at)

    async def close(self) -> None:
        await self._client.aclose()


def payload(letter: Letter, at: datetime) -> dict[str, Any]:
    """What the receiver gets: the words, and the values for those who have texts of their own."""
    return {
        "type": "message",
        "timestamp": at.isoformat(),
        "data": {
            "key": letter.key,
            "member_id": letter.member_id,
            "campaign_id": letter.campaign_id,
            "message": letter.message,
            "purpose": letter.purpose,
            "locale": letter.locale,
            "subject": letter.subject,
            "text": letter.text,
            "variables": dict(letter.variables),
        },
    }


async def _read_some(answer: httpx2.Response) -> None:
    read = 0
    async for part in answer.aiter_raw():
        read += len(part)
        if read > MAX_ANSWER:
            return


def _judge(answer: httpx2.Response, at: datetime) -> None:
    status = answer.status_code
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Permanent(f"the receiver answered {status}: redirects are not followed")
    if 400 <= status < 500 and status not in LATER:
        raise Permanent(f"the receiver refused it: {status}")
    wait = _retry_after(answer.headers.get("retry-after"), at)
    raise Temporary(f"the receiver put it off: {status}", wait)


def _retry_after(value: str | None, at: datetime) -> timedelta | None:
    """Seconds or a date, as HTTP has it; nonsense is no wish at all."""
    if value is None:
        return None
    try:
        wait = timedelta(seconds=int(value)) if value.isdigit() else _date(value) - at
    except (ValueError, OverflowError):
        return LONGEST_WAIT if value.isdigit() else None
    return min(max(wait, timedelta(0)), LONGEST_WAIT)


def _date(value: str) -> datetime:
    date = parsedate_to_datetime(value)
    return date if date.tzinfo else date.replace(tzinfo=UTC)
