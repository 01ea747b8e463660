"""Messages that claim other people's identifiers: what strangers type into forms of an honest shop."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from discretion.seeding.message import APP, TILLS, WEB, SeedMessage

Victim = Mapping[str, Any]
"""The identify message of a customer."""

STRANGER: Final = "stranger-"
YES: Final = {"consent": {"categoryPreferences": {"marketing": True}}}


def generate_attack_messages(messages: Sequence[SeedMessage], share: float) -> Iterator[SeedMessage]:
    """Yield claims of identifiers of these messages' customers, each by a stranger of their own.

    ``share`` is the part of all messages that are claims afterwards. The same arguments give the same claims.
    """
    victims = [message.body for message in messages if message.body["type"] == "identify"]
    chance = random.Random(20_261_130)
    for number in range(round(len(messages) * share / (1 - share))):
        victim, claim = chance.choice(victims), CLAIMS[number % len(CLAIMS)]
        name = f"{STRANGER}{number}"
        source, content = claim(victim, name)
        body = {"messageId": f"claim-{number}", "timestamp": victim["timestamp"], **content}
        yield SeedMessage(name, source, body)


def name_record(message: SeedMessage) -> str:
    """Return ``source:id``, the name of the source record of a message."""
    return f"{message.source}:{message.body.get('userId') or message.body['anonymousId']}"


def _type_address(victim: Victim, name: str) -> tuple[str, dict[str, Any]]:
    return WEB, {"type": "identify", "userId": name, "traits": _read_addresses(victim)}


def _subscribe_to_newsletter(victim: Victim, name: str) -> tuple[str, dict[str, Any]]:
    traits = {**_read_addresses(victim), "firstName": "Mallory"}
    return WEB, {"type": "identify", "anonymousId": name, "traits": traits, "context": YES}


def _type_number(victim: Victim, name: str) -> tuple[str, dict[str, Any]]:
    return WEB, {"type": "identify", "userId": name, "context": _name_number(victim, "claimed")}


def _assert_too_much(victim: Victim, name: str) -> tuple[str, dict[str, Any]]:
    return TILLS, {"type": "identify", "userId": name, "context": _name_number(victim, "proven", "user_id")}


def _alias(victim: Victim, name: str) -> tuple[str, dict[str, Any]]:
    return APP, {"type": "alias", "userId": name, "previousId": victim.get("userId") or victim["anonymousId"]}


def _backdate(victim: Victim, name: str) -> tuple[str, dict[str, Any]]:
    source, content = _type_address(victim, name)
    return source, {**content, "timestamp": "2001-01-01T00:00:00Z"}


def _read_addresses(victim: Victim) -> dict[str, Any]:
    traits = victim.get("traits", {})
    return {name: traits[name] for name in ("email", "phone", "address") if name in traits}


def _name_number(victim: Victim, assurance: str, identifier_type: str | None = None) -> dict[str, Any]:
    number = victim.get("userId") or victim["anonymousId"]
    named_type = identifier_type or ("loyalty_id" if str(number).startswith("L-") else "user_id")
    external_id = {"id": number, "type": named_type, "collection": "users", "encoding": "none"}
    return {"externalIds": [{**external_id, "assurance": assurance}]}


CLAIMS: Final[tuple[Callable[[Victim, str], tuple[str, dict[str, Any]]], ...]] = (
    _type_address,
    _subscribe_to_newsletter,
    _type_number,
    _assert_too_much,
    _alias,
    _backdate,
)
"""The kinds of claims, which take turns."""
