"""A mail server for the demonstration: takes letters over SMTP, keeps them, sends nothing on."""

import asyncio
import email
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default

KEPT = 200


@dataclass
class MailSink:
    """Listens on this machine only."""

    received: int = 0
    letters: deque[EmailMessage] = field(default_factory=lambda: deque(maxlen=KEPT))
    _server: asyncio.Server | None = None

    async def start(self) -> str:
        """Start, and return the address as the setting `smtp_url` wants it."""
        self._server = await asyncio.start_server(self._session, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"smtp+plain://{host}:{port}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 demo ESMTP\r\n")
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                command = line[:4].upper().rstrip()
                writer.write(await self._answer(command, reader, writer))
                await writer.drain()
                if command == b"QUIT":
                    break
        writer.close()

    async def _answer(
        self, command: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes:
        match command:
            case b"DATA":
                writer.write(b"354 go on\r\n")
                await writer.drain()
                self._keep(await reader.readuntil(b"\r\n.\r\n"))
                return b"250 taken\r\n"
            case b"EHLO":
                return b"250-demo\r\n250 8BITMIME\r\n"
            case b"QUIT":
                return b"221 bye\r\n"
            case b"HELO" | b"MAIL" | b"RCPT" | b"RSET" | b"NOOP":
                return b"250 fine\r\n"
            case _:
                return b"502 not here\r\n"

    def _keep(self, data: bytes) -> None:
        self.received += 1
        lines = data.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
        message = email.message_from_bytes(lines, policy=default)
        assert isinstance(message, EmailMessage)
        self.letters.append(message)
