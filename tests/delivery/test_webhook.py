"""Webhooks against a real HTTP server: signed, judged by the answer, never redirected."""

import asyncio
from datetime import UTC, timedelta
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from delivery.channels import Permanent, Temporary
from delivery.webhook import MAX_ANSWER, WebhookChannel
from tests.delivery.letters import letter, real_time
from tests.delivery.servers import SECRET, Receiver


async def test_a_letter_is_signed_and_says_everything(
    webhook: WebhookChannel, receiver: Receiver
) -> None:
    """The receiver checks the signature with the standard library of its own language."""
    await webhook.send(letter(text="五百积分"))

    [(headers, body)] = receiver.got
    content = Webhook(SECRET).verify(body, headers)
    assert headers["webhook-id"] == letter().key
    assert content["type"] == "message"
    assert content["data"]["text"] == "五百积分"
    assert content["data"]["variables"] == {"points.available": 500}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"lee", b"mia"), headers)


async def test_a_repeat_carries_the_same_id(webhook: WebhookChannel, receiver: Receiver) -> None:
    """A receiver that keeps the ids it has seen is never told twice."""
    await webhook.send(letter())
    await webhook.send(letter())
    await webhook.send(letter(key="j/春/lee/1:welcome"))

    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert ids[0] == ids[1] != ids[2]
    assert all(Webhook(SECRET).verify(body, headers) for headers, body in receiver.got)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_success_is_one(webhook: WebhookChannel, receiver: Receiver, status: int) -> None:
    receiver.status, receiver.answer = status, []

    await webhook.send(letter())


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 410, 422])
async def test_a_refusal_is_for_good(
    webhook: WebhookChannel, receiver: Receiver, status: int
) -> None:
    """A redirect too: signed content goes to the address that was set up and nowhere else."""
    receiver.status, receiver.headers = status, {"location": "/elsewhere"}

    with pytest.raises(Permanent, match=str(status)):
        await webhook.send(letter())
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(
    webhook: WebhookChannel, receiver: Receiver, status: int
) -> None:
    receiver.status = status

    with pytest.raises(Temporary) as put_off:
        await webhook.send(letter())
    assert put_off.value.retry_after is None


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [("30", 30), ("999999", 3600), ("9" * 400, 3600), ("soon", None), ("-5", None)],
)
async def test_the_receiver_says_when(
    webhook: WebhookChannel, receiver: Receiver, wish: str, seconds: int | None
) -> None:
    """A wish to wait is kept, up to an hour."""
    receiver.status, receiver.headers = 429, {"retry-after": wish}

    with pytest.raises(Temporary) as put_off:
        await webhook.send(letter())
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert put_off.value.retry_after == expected


async def test_the_receiver_may_name_a_date(webhook: WebhookChannel, receiver: Receiver) -> None:
    at = real_time() + timedelta(minutes=5)
    date = format_datetime(at.astimezone(UTC), usegmt=True)
    receiver.status, receiver.headers = 503, {"retry-after": date}

    with pytest.raises(Temporary) as put_off:
        await webhook.send(letter())
    assert put_off.value.retry_after is not None
    assert timedelta(minutes=4) < put_off.value.retry_after <= timedelta(minutes=5)


async def test_silence_is_weather(webhook: WebhookChannel, receiver: Receiver) -> None:
    receiver.slow = 4

    with pytest.raises(Temporary):
        await webhook.send(letter())


async def test_an_endless_answer_is_not_read_to_its_end(
    webhook: WebhookChannel, receiver: Receiver
) -> None:
    """A gigabyte of answer costs us a page of it."""
    receiver.answer = [b"x" * MAX_ANSWER] * 16_000

    async with asyncio.timeout(1):
        await webhook.send(letter())


async def test_nobody_there_is_weather(unused_tcp_port: int) -> None:
    channel = WebhookChannel(f"http://127.0.0.1:{unused_tcp_port}/", SECRET, real_time)

    with pytest.raises(Temporary):
        await channel.send(letter())
