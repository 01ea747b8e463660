"""One-time codes that are sent to an address, for requests and records that wait for one.

A code has eight digits and is valid for ten minutes and five tries. It is stored as an Argon2id hash (RFC
9106, with the parameters that OWASP recommends). The limit for each caller applies before anything is hashed;
the limits of codes for each person and each address apply after it.

The API must not show whether a customer was found. A request without a customer therefore gets a code as
well: it is hashed, counted and answered in the same way, and sent to nobody.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from discretion.errors import BadRequest, DiscretionError, TooMany
from discretion.store.subject_request import IdentityCode

CODE_LIFE_MS, MAX_TRIES, CODE_DIGITS = 600_000, 5, 8
MAX_CODES, CODES_WINDOW_MS = 3, 3_600_000
"""Number of codes for one person in a time window (ms), over all their requests or records.

This allows 15 guesses an hour and 16,200 guesses until a request expires after 45 days. With 10^8 codes an
attacker succeeds with a probability of about 1 in 6,000.
"""

MAX_TRIES_PER_CALLER, TRIES_WINDOW_MS, MAX_TRACKED_CALLERS = 20, 60_000, 10_000
"""Tries of one caller within a time window (ms), and the number of callers that are remembered."""

MAX_CODE_LENGTH = 32
MAX_PARALLEL_HASHES = 2
"""Hashes computed at the same time; each needs 19 MiB of memory."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_log = logging.getLogger(__name__)


class CodeRateLimiter:
    """Rate limit for each caller. It is kept in memory, so every server process counts for itself."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._tries: OrderedDict[str, list[int]] = OrderedDict()

    def record_try(self, caller: str) -> None:
        """Count one try of a caller.

        Raises:
            TooMany: ``TRIES_TOO_MANY``; the caller made too many tries within the window.
        """
        now = self._now_ms()
        recent_tries = [
            tried_at for tried_at in self._tries.pop(caller, ()) if now - tried_at < TRIES_WINDOW_MS
        ]
        self._tries[caller] = recent_tries
        if len(recent_tries) >= MAX_TRIES_PER_CALLER:
            raise TooMany("TRIES_TOO_MANY", "There were too many tries.", "Wait a minute.")
        recent_tries.append(now)
        # Bound the memory: forget the caller whose last try is the oldest.
        if len(self._tries) > MAX_TRACKED_CALLERS:
            self._tries.popitem(last=False)


@dataclass(frozen=True, slots=True)
class CodeState:
    """What is stored about the codes for one matter.

    Attributes:
        code: The code that was sent last.
        sent: When codes were sent within the last hour (ms).
        is_usable: Whether the code can prove anything; False if it was sent to nobody.
    """

    code: IdentityCode | None = None
    sent: tuple[int, ...] = ()
    is_usable: bool = True


class CodePlace(Protocol):
    """Where the codes for one matter are stored."""

    async def change_codes(self, build_change: Callable[[CodeState], CodeState]) -> None:
        """Change the codes atomically; ``build_change`` may be called again.

        Raises whatever forbids a code for this matter now, and what ``build_change`` raises.
        """

    async def exceeds_limit(self, since: int) -> bool:
        """Return whether more codes than allowed were sent after a time (ms), by any limit that applies."""


class MessageChannel(Protocol):
    """A way to send a message to an address."""

    async def check_available(self) -> None:
        """Raise Unavailable if no message can be sent now."""

    async def send(self, recipient: str, subject: str, text: str) -> None:
        """Send a message, or raise Unavailable."""


@dataclass(frozen=True, slots=True)
class CodeMessage:
    """The message around a code.

    Attributes:
        channel: How it is sent.
        recipient: The address; None if the code is sent to nobody.
        subject: Its subject, where the channel has one.
        text: Its text, with a place for ``{code}``.
    """

    channel: MessageChannel
    recipient: str | None = field(repr=False)
    subject: str
    text: str


@dataclass(slots=True)
class OneTimeCodes:
    """Sends codes and verifies them."""

    entropy: Callable[[int], bytes] = field(repr=False)
    now_ms: Callable[[], int]
    rate_limiter: CodeRateLimiter
    _hash_slots: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MAX_PARALLEL_HASHES), repr=False
    )
    _message_tasks: set[asyncio.Task[None]] = field(default_factory=set, repr=False)
    _dummy_hash: str = field(default="", repr=False)

    async def send(self, place: CodePlace, caller: str, message: CodeMessage, *, hide_outcome: bool) -> None:
        """Store a new code and send it.

        Args:
            place: Where the code is stored.
            caller: Key by which tries are counted.
            message: The message around the code.
            hide_outcome: Send the message in the background, so that the response time does not show whether
                there is a recipient.

        Raises:
            DiscretionError: What the place raises.
            TooMany: ``CODES_TOO_MANY``, ``TRIES_TOO_MANY``.
            Unavailable: As the channel raises it. If the message fails after the code was stored, the code
                counts towards the limit, and the requester asks for another one.
        """
        self.rate_limiter.record_try(caller)
        # Checked with and without a recipient, so that an unavailable server does not show whether there is
        # one.
        await message.channel.check_available()
        code = f"{int.from_bytes(self.entropy(8)) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"
        code_hash = await self._hash(code)

        previous_code: list[IdentityCode | None] = [None]

        def add_code(current: CodeState) -> CodeState:
            # One that proves nothing any more does not come back, even if the place can use the new one.
            now, previous_code[0] = self.now_ms(), current.code if current.is_usable else None
            recent_codes = [sent_at for sent_at in current.sent if now - sent_at < CODES_WINDOW_MS]
            if len(recent_codes) >= MAX_CODES:
                raise _build_code_limit_error()
            new_code = IdentityCode(code_hash, tries=0, valid_until=now + CODE_LIFE_MS)
            return CodeState(new_code, (*recent_codes, now))

        # Stored before it is sent: a code that arrives must be valid.
        await place.change_codes(add_code)
        await self._enforce_code_limit(place, code_hash, previous_code[0])
        if message.recipient is None:
            return
        sending = message.channel.send(message.recipient, message.subject, message.text.format(code=code))
        if not hide_outcome:
            await sending
            return
        task = asyncio.create_task(_log_failure(sending))
        self._message_tasks.add(task)  # asyncio keeps only weak references to tasks
        task.add_done_callback(self._message_tasks.discard)

    async def _enforce_code_limit(
        self, place: CodePlace, code_hash: str, previous_code: IdentityCode | None
    ) -> None:
        """Enforce the limits of codes over all matters of one person, and to one address.

        The new code is already stored when the codes are counted. Concurrent calls therefore see each other's
        codes, and together they cannot exceed the limit.

        Raises:
            TooMany: ``CODES_TOO_MANY``; the new code was removed again, and the one before it is valid.
        """
        if not await place.exceeds_limit(self.now_ms() - CODES_WINDOW_MS):
            return

        def remove_code(current: CodeState) -> CodeState:
            is_newest = current.code is not None and current.code.hash == code_hash
            return CodeState(previous_code if is_newest else current.code, current.sent[:-1])

        await place.change_codes(remove_code)
        raise _build_code_limit_error()

    async def verify(self, place: CodePlace, caller: str, code: str) -> None:
        """Verify a code that was entered.

        Args:
            place: Where the code is stored.
            caller: Key by which tries are counted.
            code: The code as entered.

        Raises:
            DiscretionError: What the place raises.
            BadRequest: ``CODE_WRONG``; wrong, expired, used up or never sent.
            TooMany: ``TRIES_TOO_MANY``.
        """
        self.rate_limiter.record_try(caller)
        # The caller chooses the length of what would be hashed.
        if len(code) > MAX_CODE_LENGTH:
            raise _build_wrong_code_error()
        usable_code: list[IdentityCode | None] = [None]

        def count_try(current: CodeState) -> CodeState:
            sent = current.code
            if sent is None:
                usable_code[0] = None
                return current
            is_valid = sent.tries < MAX_TRIES and self.now_ms() < sent.valid_until
            usable_code[0] = sent if is_valid and current.is_usable else None
            tried = IdentityCode(sent.hash, min(sent.tries + 1, MAX_TRIES), sent.valid_until)
            return CodeState(tried, current.sent)

        # The try is counted before the code is verified. Parallel guesses cannot exceed the limit.
        await place.change_codes(count_try)
        sent_code = usable_code[0]
        # Without a valid code, verify against a dummy hash: the response time must not show the difference.
        is_match = await self._matches(
            await self._get_dummy_hash() if sent_code is None else sent_code.hash, code.strip()
        )
        if sent_code is None or not is_match:
            raise _build_wrong_code_error()

    async def _get_dummy_hash(self) -> str:
        """Return a hash that matches no code. It is computed once."""
        if not self._dummy_hash:
            self._dummy_hash = await self._hash(self.entropy(16).hex())
        return self._dummy_hash

    async def _hash(self, code: str) -> str:
        async with self._hash_slots:
            return await asyncio.to_thread(_hasher.hash, code, salt=self.entropy(16))

    async def _matches(self, code_hash: str, code: str) -> bool:
        async with self._hash_slots:
            try:
                return await asyncio.to_thread(_hasher.verify, code_hash, code)
            except VerificationError:
                return False


def _build_wrong_code_error() -> BadRequest:
    return BadRequest("CODE_WRONG", "The code is not valid.", "Check it, or have another one sent.")


def _build_code_limit_error() -> TooMany:
    return TooMany("CODES_TOO_MANY", f"At most {MAX_CODES} codes are sent in an hour.", "Wait.")


async def _log_failure(sending: Awaitable[None]) -> None:
    try:
        await sending
    except DiscretionError as error:
        _log.error("a code could not be sent: %s", error.code)


def mask_address(address: str) -> str:
    """Return an address masked, such as ``a***@e***.org`` or ``+49***01``; the caller may not own it."""
    local_part, at_sign, domain = address.partition("@")
    if not at_sign:
        return f"{address[:3]}***{address[-2:]}"
    host, _, top_level_domain = domain.rpartition(".")
    return f"{local_part[:1]}***@{host[:1]}***.{top_level_domain}"
