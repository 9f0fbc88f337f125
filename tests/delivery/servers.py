"""A mail server and a webhook receiver whose answers the tests write."""

import asyncio
import email
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any

from aiosmtpd.smtp import SMTP

from delivery.smtp import MailServer

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def _hang_up(server: SMTP) -> None:
    """End the connection as a crash would."""
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()


class Postbox:
    """A mail server's policy: the local part of an address scripts what becomes of its mail."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.peers: list[Any] = []
        self.of_senders = "250 fine"

    async def handle_MAIL(
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.of_senders

    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answers = {
            "nobody": "550 no such user",
            "full": "451 come back later",
            "inside": "530 log in",
        }
        local = address.partition("@")[0]
        if local in answers:
            return answers[local]
        if local == "hangup":
            _hang_up(server)
        if local == "closing":
            return "421 shutting down"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        local = envelope.rcpt_tos[0].partition("@")[0]
        if local == "spam":
            return "554 smells of spam"
        if local == "greylisted":
            return "450 not yet"
        self.peers.append(session.peer)
        self.raw.append(envelope.content)
        self.taken.append(email.message_from_bytes(envelope.content, policy=modern))
        if local == "lost":
            _hang_up(server)
        if local == "silent":
            await asyncio.sleep(3)
        return "250 taken"


def mail_server(
    port: int, unsubscribe_at: str | None = "https://points.shop.example/unsubscribe/"
) -> MailServer:
    return MailServer(
        "127.0.0.1",
        port,
        "Corner Shop <points@shop.example>",
        unsubscribe_at,
        security="none",
        timeout_seconds=1,
    )


class Receiver:
    """The shop's own program: keeps what it gets and answers as it was told."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.answer: list[bytes] = [b"ok"]
        self.slow = 0.0
        self.got: list[tuple[dict[str, str], bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        body, more = b"", True
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        self.got.append((headers, body))
        await asyncio.sleep(self.slow)
        raw = [(k.encode(), v.encode()) for k, v in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        for part in self.answer:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
