"""Sending a mail to somebody: through the retailer's mail server, or into a folder while trying things out.

Nothing of it is kept: a mail that cannot be sent now is refused now, and whoever wanted it asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException

from discretion.errors import Unavailable
from discretion.seal.key_files import write_private

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Post:
    """Sends mails from ``sender``: to the server of ``url``, without one into ``outbox``."""

    url: str | None = field(repr=False)
    sender: str
    outbox: Path
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]

    async def __call__(self, to: str, subject: str, text: str) -> None:
        """Send a mail.

        Raises:
            Unavailable: ``MAIL_UNAVAILABLE``; it was not sent.
        """
        message = self._message(to, subject, text)
        if self.url is None:
            path = self.outbox / f"{self.now_ms()}-{self.entropy(4).hex()}.eml"
            await asyncio.to_thread(self._keep, path, bytes(message))
            return
        try:
            async with self._server(self.url) as server:
                await server.send_message(message, recipients=[to])
        except (SMTPException, OSError):
            raise _unavailable() from None

    async def ready(self) -> None:
        """Whether a mail could be sent now, whoever it is to.

        Raises:
            Unavailable: ``MAIL_UNAVAILABLE``.
        """
        if self.url is None:
            return
        try:
            async with self._server(self.url) as server:
                await server.noop()
        except (SMTPException, OSError):
            raise _unavailable() from None

    def _message(self, to: str, subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, subject
        message["Date"] = formatdate(self.now_ms() / 1000)
        message["Message-ID"] = f"<{self.entropy(16).hex()}@{self.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834
        message.set_content(text)
        return message

    def _server(self, url: str) -> SMTP:
        parts = urlsplit(url)
        tls = parts.scheme == "smtps"
        return SMTP(
            hostname=parts.hostname,
            port=parts.port or (465 if tls else 587),
            use_tls=tls,
            start_tls=None,  # wherever the server offers it
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            timeout=TIMEOUT_S,
        )

    def _keep(self, path: Path, body: bytes) -> None:
        try:
            write_private(path, body)
        except OSError:
            raise _unavailable() from None


def _unavailable() -> Unavailable:
    return Unavailable("MAIL_UNAVAILABLE", "The mail server does not take mails.", "Try again later.")
