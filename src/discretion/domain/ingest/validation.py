"""A tracking message (Segment's HTTP API) -> a fact in the catalogue's terms, or a refusal.

What the catalogue does not declare for the sender's channel is dropped here and counted: data
minimisation at the door (GDPR Art. 5(1)(c)). What it declares and the message gets wrong refuses
the message, with the place and what would be right. Of the context only declared places are read;
the rest is what SDKs tell about themselves, and is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.attributes import region_of, told
from discretion.domain.ingest.consent_message import CONSENT, expressed
from discretion.domain.ingest.event import happening
from discretion.domain.ingest.identifiers import brought, external, former, nobodys, person
from discretion.domain.ingest.message import Fact, Refused
from discretion.domain.ingest.rejection import No, mapping
from discretion.domain.ingest.timestamp import claimed, when
from discretion.law.signals.gpc import HEADER
from discretion.law.signals.model import Signals
from discretion.law.signals.read_signals import GPC, GPP_STRING, SILENCE, Signal, hear

MAX_MESSAGE_ID = 100
UNREAD = "unread"
_NONE: frozenset[str] = frozenset()
KINDS = ("identify", "track", "page", "screen", "group", "alias", CONSENT)


@dataclass(frozen=True, slots=True)
class Validator:
    """Validates messages of one installation.

    ``entropy`` names messages that came without an id; ``signals`` says what opt-out signals mean, and
    ``country`` which country an address is in.
    """

    catalogue: Catalogue
    entropy: Callable[[int], bytes]
    signals: Signals
    country: Callable[[object], str | None]

    def fact(self, source: Source, raw: Any, received: int, *, gpc: bool = False) -> Fact | Refused:
        """What a message says, or why it is refused; ``gpc``: it came with ``Sec-GPC: 1``."""
        name = raw.get("messageId") if isinstance(raw, dict) else None
        try:
            if not isinstance(raw, dict):
                raise No("MESSAGE_INVALID", "A message is a JSON object.")
            name = self._message_id(name)
            return self._read(source, raw, name, received, gpc=gpc)
        except No as no:
            shown = name if isinstance(name, str) and len(name) <= MAX_MESSAGE_ID else ""
            return Refused(shown, no.code, no.reason, no.place)

    def _message_id(self, given: Any) -> str:
        if given is None or given == "":
            return self.entropy(12).hex()
        if not isinstance(given, str) or len(given) > MAX_MESSAGE_ID or not given.isprintable():
            raise No("MESSAGE_ID_INVALID", f"A messageId has 1 to {MAX_MESSAGE_ID} characters.", "messageId")
        return given

    def _read(self, source: Source, raw: Mapping[str, Any], name: str, received: int, *, gpc: bool) -> Fact:
        kind = raw.get("type")
        if kind not in KINDS:
            raise No("TYPE_UNSUPPORTED", f"A message's type is one of {', '.join(KINDS)}.", "type")
        context = mapping(raw, "context")
        at = when(raw, received)
        ids = list(person(self.catalogue, source, raw))
        traits = {**mapping(context, "traits"), **(mapping(raw, "traits") if kind == "identify" else {})}
        values, dropped = told(self.catalogue, source, traits, context)
        said = [one.identifier for one in values if one.identifier is not None]
        foreign, unknown_ids = external(self.catalogue, source, context, region_of(traits))
        devices, misfits = brought(self.catalogue, source, context)
        words, saying, unasked = expressed(self.catalogue, source, kind, raw)
        event, undeclared = (None, 0) if saying else happening(self.catalogue, source, kind, raw)
        choices, unknown = ({}, 0) if saying else self._choices(context)
        signal = hear(self.signals, gpc, context)
        return Fact(
            source=source,
            message=name,
            at=at,
            received=received,
            identifiers=(
                *ids,
                *(one for one in (*said, *foreign, *devices) if not nobodys(self.catalogue, one)),
            ),
            values=tuple((one.attribute, one.value) for one in values),
            choices=choices if signal is SILENCE else strictest(choices, signal.words),
            words=words,
            saying=saying,
            signals=opt_outs(signal),
            iab=" ".join(signal.raw.values()),
            country=self.country(context["ip"]) if "ip" in context else None,
            event=event,
            aliases=tuple(former(self.catalogue, source, raw)) if kind == "alias" else (),
            claimed=claimed(raw),
            dropped=dropped + undeclared + unknown + unasked + unknown_ids + misfits,
        )

    def _choices(self, context: Mapping[str, Any]) -> tuple[dict[str, bool], int]:
        """Segment's consent object; an unknown purpose is nobody's yes, so it is dropped."""
        preferences = mapping(mapping(context, "consent"), "categoryPreferences")
        known: dict[str, bool] = {}
        for purpose, given in preferences.items():
            if not isinstance(given, bool):
                place = "context.consent.categoryPreferences"
                raise No("TYPE_WRONG", "It takes true or false for each purpose.", place)
            if purposed(self.catalogue, purpose):
                known[purpose] = given
        return known, len(preferences) - len(known)


def strictest(choices: Mapping[str, bool], more: Mapping[str, bool]) -> dict[str, bool]:
    """What two say about purposes; where one says no it is no."""
    return {**choices, **{purpose: given and choices.get(purpose, True) for purpose, given in more.items()}}


def opt_outs(signal: Signal) -> frozenset[str]:
    """Who opts out; a browser is one, however it says so. An unreadable GPP string may be one, so it is."""
    if signal is SILENCE:
        return _NONE
    unread = {UNREAD for one in signal.problems if one.place.startswith(GPP_STRING)}
    heard = [GPC if one == HEADER else one for one in signal.sources] if signal.opt_out else []
    return frozenset(unread.union(heard))


def purposed(catalogue: Catalogue, purpose: str) -> bool:
    """Whether a purpose is a node of the catalogue's tree."""
    return any(key == purpose or key.startswith(purpose + ".") for key in catalogue.purposes)
