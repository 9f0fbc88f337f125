"""The channels that lead outside, as far as they are set up."""

import logging
from collections.abc import Mapping
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import HttpUrl

from api.console.addresses import UNSUBSCRIBE
from bootstrap.clock import SystemClock
from bootstrap.settings import Settings, SettingsError, variable
from delivery.channels import Channel
from delivery.smtp import MailServer, SmtpChannel
from delivery.webhook import WebhookChannel
from loyalty.programme import Channel as ChannelName

log = logging.getLogger("milepost")

Security = Literal["none", "starttls", "tls"]
_SECURITY: dict[str, tuple[Security, int]] = {
    "smtp": ("starttls", 587),
    "smtps": ("tls", 465),
    "smtp+plain": ("none", 25),
}


def channels(settings: Settings) -> Mapping[ChannelName, Channel]:
    """E-mail and webhook, where their settings are there; in-app needs no channel."""
    now = SystemClock().now  # mail headers and signatures carry real time
    found: dict[ChannelName, Channel] = {}
    if settings.smtp_url is not None:
        if settings.public_url is None:
            name = variable("public_url")
            log.warning("marketing by e-mail has no link to unsubscribe: there is no %s", name)
        found["email"] = SmtpChannel(mail_server(settings), now)
    if settings.webhook_url is not None and settings.webhook_secret is not None:
        secret = settings.webhook_secret.get_secret_value()
        try:
            found["webhook"] = WebhookChannel(
                settings.webhook_url, secret, now, proxy=settings.webhook_proxy
            )
        except ValueError:
            name = variable("webhook_secret")
            raise SettingsError([f"{name}: must be `whsec_` and base64"]) from None
    return found


def mail_server(settings: Settings) -> MailServer:
    """The mail server that the address names."""
    assert settings.smtp_url is not None
    name = variable("smtp_url")
    try:
        url = urlsplit(settings.smtp_url.get_secret_value())
        port = url.port
    except ValueError:
        raise SettingsError([f"{name}: is not an address"]) from None
    if url.scheme not in _SECURITY or not url.hostname:
        allowed = ", ".join(f"{scheme}://host:port" for scheme in _SECURITY)
        raise SettingsError([f"{name}: must be one of {allowed}"])
    security, usual = _SECURITY[url.scheme]
    return MailServer(
        host=url.hostname,
        port=port or usual,
        sender=settings.mail_from,
        unsubscribe_at=_unsubscribe_at(settings.public_url) if settings.public_url else None,
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        security=security,
    )


def _unsubscribe_at(public_url: str) -> str:
    """In ASCII, as mail headers need it, whatever letters it was written in."""
    return str(HttpUrl(public_url)).rstrip("/") + UNSUBSCRIBE
