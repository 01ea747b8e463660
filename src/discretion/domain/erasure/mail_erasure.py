"""Deletes mail to an erased person from the folder that stands in for a mail server.

The folder is for evaluation. Mail in it is readable: it has an address and a code that soon expires.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.utils import parseaddr
from pathlib import Path

from discretion.seal.blind_index import BlindIndex
from discretion.seal.normalisation import normalise_email


@dataclass(frozen=True, slots=True)
class MailErasure:
    """Deletes mail in ``outbox`` by the blind index of its recipient."""

    outbox: Path
    blind_index: BlindIndex

    def delete_mail(self, identifiers: Collection[bytes]) -> int:
        """Delete all mail to addresses with these entries, and return how many there were."""
        paths = [path for path in self.outbox.glob("*.eml") if self._read_recipient(path) in identifiers]
        for path in paths:
            path.unlink(missing_ok=True)  # a repeated step, or the operator, may have been first
        return len(paths)

    def _read_recipient(self, path: Path) -> bytes | None:
        try:
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
        except FileNotFoundError:
            return None
        address = normalise_email(parseaddr(str(message["To"]))[1])
        return None if address is None else self.blind_index.index("email", address)
