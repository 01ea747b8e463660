"""Sending mail through the retailer's SMTP server, or into a folder for evaluation.

Mail is not queued and no copy is kept: it may contain a code. If it cannot be sent now, the call fails and
the user has to ask for it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from discretion.errors import Unavailable
from discretion.seal.key_files import write_private_file
from discretion.seal.normalisation import encode_mail_host

if TYPE_CHECKING:
    from aiosmtplib import SMTP

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Mailer:
    """Sends mail from ``sender`` through the server at ``url``; without a URL, writes it to ``outbox``."""

    url: str | None = field(repr=False)
    sender: str
    outbox: Path
    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]

    async def send(self, recipient: str, subject: str, text: str) -> None:
        """Send a mail as plain text.

        Raises:
            Unavailable: ``MAIL_UNAVAILABLE``; the mail was not sent.
        """
        recipient = encode_mail_host(recipient)
        message = self._build_message(recipient, subject, text)
        if self.url is None:
            path = self.outbox / f"{self.now_ms()}-{self.entropy(4).hex()}.eml"
            await asyncio.to_thread(self._write_to_outbox, path, bytes(message))
            return
        from aiosmtplib import SMTPException  # noqa: PLC0415 - a slow import that few starts need

        try:
            async with self._build_client(self.url) as client:
                await client.send_message(message, recipients=[recipient])
        except (SMTPException, OSError):
            # `from None`: the SMTP error may quote the recipient's address.
            raise _build_unavailable_error() from None

    async def check_available(self) -> None:
        """Check that the mail server can be reached.

        Raises:
            Unavailable: ``MAIL_UNAVAILABLE``.
        """
        if self.url is None:
            return
        from aiosmtplib import SMTPException  # noqa: PLC0415 - see send

        try:
            async with self._build_client(self.url) as client:
                await client.noop()
        except (SMTPException, OSError):
            raise _build_unavailable_error() from None

    def _build_message(self, recipient: str, subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, recipient, subject
        message["Date"] = formatdate(self.now_ms() / 1000)
        message["Message-ID"] = f"<{self.entropy(16).hex()}@{self.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834
        message.set_content(text)
        return message

    def _build_client(self, url: str) -> SMTP:
        from aiosmtplib import SMTP  # noqa: PLC0415 - see send

        parts = urlsplit(url)
        tls = parts.scheme == "smtps"
        return SMTP(
            hostname=parts.hostname,
            port=parts.port or (465 if tls else 587),
            use_tls=tls,
            start_tls=None,  # use STARTTLS if the server offers it
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            timeout=TIMEOUT_S,
        )

    def _write_to_outbox(self, path: Path, body: bytes) -> None:
        try:
            write_private_file(path, body)
        except OSError:
            raise _build_unavailable_error() from None


def _build_unavailable_error() -> Unavailable:
    return Unavailable("MAIL_UNAVAILABLE", "The mail server does not accept mail.", "Try again later.")
