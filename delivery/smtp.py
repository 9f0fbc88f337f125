"""E-mail over SMTP. Nothing tells a mail server that it has seen a message before.

So what is lost after the text was handed over is *unknown*, never sent again by itself; before
that, nothing has happened and it is tried again. The Message-ID comes from the message's key, so
that a repeat an operator asks for is the same mail to programs that look.
"""

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Literal

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from delivery.channels import Letter, Permanent, Temporary, Unknown
from delivery.unsubscribing import MAIL_POLICY, offer_headers, offer_line

LOG_IN_FIRST = 530
"""Some servers say so only when they hear whom the mail is for."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over, and in whose name."""

    host: str
    port: int
    sender: str  # Name <address>
    unsubscribe_at: str | None = None  # the address before a link's token; none = there is none
    username: str | None = None
    password: str | None = None
    security: Literal["none", "starttls", "tls"] = "starttls"
    timeout_seconds: float = 20
    connections: int = 4


class SmtpChannel:
    """Sends letters one after the other on a few connections that stay open: one a letter."""

    def __init__(self, server: MailServer, now: Callable[[], datetime]) -> None:
        """`now` is the real time, for the Date header."""
        self._server = server
        self._now = now
        self._from = parseaddr(server.sender)[1]
        self._idle: list[aiosmtplib.SMTP] = []

    @property
    def at_once(self) -> int:
        return self._server.connections

    async def send(self, letter: Letter) -> None:
        mail = self._compose(letter)
        async with self._connection() as client:
            await self._address(client, letter.address)
            await self._hand_over(client, mail)

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _compose(self, letter: Letter) -> bytes:
        mail = EmailMessage(policy=MAIL_POLICY)
        try:
            letter.address.encode("ascii")
            if parseaddr(letter.address)[1] != letter.address:
                raise ValueError("the mail server would be told another address")
            mail["From"] = self._server.sender
            mail["To"] = letter.address
            mail["Subject"] = letter.subject
            mail["Date"] = format_datetime(self._now())
            mail["Message-ID"] = message_id(letter.key, self._from)
            mail["Auto-Submitted"] = "auto-generated"
            text = letter.text
            if address := self._unsubscribe_at(letter):
                offer_headers(mail, address)
                text = offer_line(text, address, letter.locale)
            mail.set_content(text, cte="quoted-printable" if text.isascii() else "base64")
            mail["Content-Language"] = letter.locale  # the line above takes such headers away
            return mail.as_bytes()
        except (ValueError, IndexError) as error:
            # Never the address itself: errors are read by people who need not know it.
            raise Permanent("this cannot be addressed or written as an e-mail") from error

    def _unsubscribe_at(self, letter: Letter) -> str | None:
        begins = self._server.unsubscribe_at
        if begins is None or letter.unsubscribe_token is None:
            return None
        return begins + letter.unsubscribe_token

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A connection that answers; one that broke is not used again."""
        client = await self._reuse() or await self._connect()
        try:
            yield client
        except (Permanent, Temporary):
            self._keep(client)
            raise
        except BaseException:
            client.close()
            raise
        self._keep(client)

    def _keep(self, client: aiosmtplib.SMTP) -> None:
        if client.is_connected:
            self._idle.append(client)

    async def _reuse(self) -> aiosmtplib.SMTP | None:
        """A connection from before that is still alive: servers hang up on the idle."""
        while self._idle:
            client = self._idle.pop()
            try:
                await client.rset()
                return client
            except (SMTPException, OSError):
                client.close()
        return None

    async def _connect(self) -> aiosmtplib.SMTP:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            timeout=server.timeout_seconds,
        )
        try:
            await client.connect()
        except (SMTPException, OSError) as error:
            # Also wrong credentials: that is for the operator to mend, not the message's end.
            client.close()
            raise Temporary(f"no connection to the mail server: {error}") from error
        return client

    async def _address(self, client: aiosmtplib.SMTP, address: str) -> None:
        try:
            await self._introduce(client)
            await client.rcpt(address)
        except SMTPResponseException as error:
            raise _refusal(client, error) from error
        except (SMTPException, OSError) as error:
            client.close()
            raise Temporary(f"the mail server went away: {error}") from error

    async def _introduce(self, client: aiosmtplib.SMTP) -> None:
        """Whether the shop may send at all is for the operator to mend, not the message's end."""
        try:
            await client.mail(self._from)
        except SMTPResponseException as error:
            raise Temporary(f"the mail server takes none of our mail: {error.code}") from error

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: bytes) -> None:
        try:
            await client.data(mail)
        except SMTPResponseException as error:
            raise _refusal(client, error) from error
        except (SMTPException, OSError) as error:
            raise Unknown(f"the mail server went away after the text: {error}") from error


def _refusal(client: aiosmtplib.SMTP, error: SMTPResponseException) -> Exception:
    """5xx is for good, unless it asks us to log in; anything else may pass."""
    if error.code == 421:  # the server says it is closing
        client.close()
    if 500 <= error.code < 600 and error.code != LOG_IN_FIRST:
        return Permanent(f"the mail server refused it: {error.code}")
    return Temporary(f"the mail server put it off: {error.code}")


def message_id(key: str, sender: str) -> str:
    """The Message-ID of a message, the same at every attempt and saying nothing of the member."""
    domain = sender.rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"
