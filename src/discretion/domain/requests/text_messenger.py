"""Sending text messages through the retailer's gateway: one HTTP POST for each.

The gateway receives ``{"to": "+4930...", "text": "..."}`` as JSON (the number in the form of E.164) and
answers with a status of the class 2xx when it has accepted the message. A user name and a password in its URL
are sent by HTTP Basic authentication (RFC 7617). Messages are not queued and no copy is stored, as with mail.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from discretion.errors import Unavailable

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class TextMessenger:
    """Sends text messages through the gateway at ``url``."""

    url: str = field(repr=False)

    async def check_available(self) -> None:
        """Check nothing: gateways have no request without effect. A failure is reported by ``send``."""

    async def send(self, recipient: str, subject: str, text: str) -> None:
        """Send a text message; it has no subject.

        Raises:
            Unavailable: ``TEXT_MESSAGES_UNAVAILABLE``; the message was not accepted.
        """
        del subject
        try:
            # No redirect is followed and no proxy of the environment is used: the text contains a code.
            async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
                reply = await client.post(self.url, json={"to": recipient, "text": text})
        except httpx.HTTPError:
            # `from None`: the error may quote the URL, which may carry a password.
            raise _build_unavailable_error() from None
        if not reply.is_success:
            raise _build_unavailable_error()


def _build_unavailable_error() -> Unavailable:
    return Unavailable(
        "TEXT_MESSAGES_UNAVAILABLE", "The gateway does not accept text messages.", "Try again later."
    )
