"""How an e-mail lets its reader refuse the next one: a header for the mail program, and a line.

Source: rule 20; RFC 2369 and RFC 8058.
"""

from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage, Message
from email.policy import SMTP, Policy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    AnyPolicy = Policy[Message[str, str]]  # knows its type of message only while it is checked

_LINES = {"en": "No more e-mail like this:", "zh": "不想再收到此类邮件："}


class LinkHeader(UnstructuredHeader, BaseHeader):
    """A header that is a link: encoded, as long ones are, no program could follow it."""

    def fold(self, *, policy: "AnyPolicy") -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", LinkHeader)
MAIL_POLICY = SMTP.clone(header_factory=_HEADERS)


def offer_headers(mail: EmailMessage, address: str) -> None:
    """The mail program's own button; it may act without asking on https alone."""
    mail["List-Unsubscribe"] = f"<{address}>"
    if address.startswith("https:"):
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def offer_line(text: str, address: str, locale: str) -> str:
    """The text with the link as its last line, in the member's language."""
    words = _LINES.get(locale.partition("-")[0], _LINES["en"])
    return f"{text}\n\n{words} {address}"
